"""Counted parameters and traced activations of every network: what the table in ``network_costs.py`` is made of.

The networks are built on the ``"meta"`` device, whose tensors have shapes and no content: the same storages are made
and dropped as in a real run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lipsync_colab import networks
from lipsync_colab.bench import hallo
from lipsync_colab.bench.tracer import MemoryTracer
from lipsync_colab.finish.restore import SpandrelNetwork
from lipsync_colab.network_costs import NETWORK_COSTS, NetworkCost
from lipsync_colab.networks.folding import fold

FLOAT_BYTES = 4
SADTALKER_DRIVERS = (
    "sadtalker.face_3drecon",
    "sadtalker.audio2exp",
    "sadtalker.audio2pose",
    "sadtalker.kp_extractor",
    "sadtalker.mapping_full",
)
TILE = 64
"""Side in pixels at which the costs of one pixel are traced; the same at any larger one."""

Run = Callable[[int], Any]
"""Runs a network on a batch."""


def measure(portrait: Path | None = None, seconds: float = 0.0) -> dict[str, Any]:
    """Count and trace everything, beside the committed table. What is shown and for how long changes nothing.

    Returns:
        By name: the fields of a :class:`~lipsync_colab.network_costs.NetworkCost`, and ``"committed"``: whether the
        table says the same.
    """
    found = {name: cost_of(name) for name in SUBJECTS}
    return {name: {**vars(cost), "committed": cost == NETWORK_COSTS.get(name)} for name, cost in found.items()}


def cost_of(name: str) -> NetworkCost:
    """Count and trace one network.

    Args:
        name: a key of :data:`SUBJECTS`.
    """
    with torch.inference_mode():
        modules, run = SUBJECTS[name]()
        parameters = sum(value.numel() for module in modules for value in module.state_dict().values())
        one, two = _peak(run, 1), _peak(run, 2)
    item = (two - one) // (TILE * TILE if name in PER_PIXEL else 1)
    once = 0 if name in PER_PIXEL else max(0, one - item)
    return NetworkCost(parameters, item // FLOAT_BYTES, once // FLOAT_BYTES)


def _peak(run: Run, batch: int) -> int:
    with MemoryTracer() as tracer:
        run(batch)
    return tracer.peak


def on_meta(name: str) -> Any:
    """Return a network of shapes alone."""
    with torch.device("meta"):
        return networks.build(name).to("meta")


def _empty(*shape: int) -> Tensor:
    return torch.zeros(*shape, device="meta")


Subject = tuple[tuple[nn.Module, ...], Run]


def _wav2lip() -> Subject:
    network = fold(on_meta("wav2lip"))
    features = network.encode_face(_empty(1, 6, 96, 96))
    return (network,), lambda batch: network.decode(network.encode_mel(_empty(batch, 1, 80, 16)), features)


def _facevid2vid(size: int) -> Subject:
    generator = fold(on_meta("sadtalker.generator"))
    still = generator.encode(_empty(1, 3, size, size))
    points = _empty(1, 15, 3)

    def run(batch: int) -> Any:
        return generator.render(still, points.expand(batch, -1, -1), _empty(batch, 15, 3))

    return (generator,), run


def _fomm() -> Subject:
    generator = fold(on_meta("audio2head.generator"))
    still = generator.encode(_empty(1, 3, 256, 256))
    source = {"value": _empty(1, 10, 2), "jacobian": _unit(1)}

    def run(batch: int) -> Any:
        return generator.render(still, source, {"value": _empty(batch, 10, 2), "jacobian": _unit(batch)})

    return (generator,), run


def _unit(batch: int) -> Tensor:
    return torch.eye(2, device="meta").expand(batch, 10, 2, 2).contiguous()


def _pirender() -> Subject:
    network = fold(on_meta("pirender"))
    head = _empty(1, 3, 256, 256)
    return (network,), lambda batch: network(head, _empty(batch, 73, 27))


def _once(names: tuple[str, ...], *shapes: tuple[int, ...]) -> Subject:
    """Networks that run once a clip, the first of them traced."""
    modules = tuple(on_meta(name) for name in names)
    return modules, lambda batch: modules[0](*[_empty(batch, *shape) for shape in shapes])


def _audio2head_driver() -> Subject:
    names = ("audio2head.audio2kp", "audio2head.audio2pose", "audio2head.kp_detector")
    modules = tuple(on_meta(name) for name in names)

    def run(batch: int) -> Any:
        # One window of 64 frames at a time, never a batch of windows.
        return modules[0](_empty(1, 64, 4, 41), _empty(1, 64, 256, 256), _empty(1, 3, 256, 256))

    return modules, run


def _hallo() -> Subject:
    """The denoiser on one clip, both halves of guidance at once, with its memory of the still."""
    clip = hallo.Denoiser(2)

    def run(_: int) -> Any:
        with hallo.attention_in_one_piece():
            return clip.ready().predict()

    return (clip.network,), run


def _hallo_coder() -> Subject:
    network: Any = hallo.autoencoder()

    def run(_: int) -> Any:
        with hallo.attention_in_one_piece():
            return network.decode(_empty(1, 4, hallo.LATENT, hallo.LATENT))

    return (network,), run


def _hallo_hearing() -> Subject:
    network = hallo.ears()

    def run(_: int) -> Any:
        with hallo.attention_in_one_piece():
            return network(_empty(1, (hallo.PIECE + 2 * hallo.MARGIN) * hallo.HOP))

    return (network,), run


def _restorer(architecture: str) -> Subject:
    network = random_restorer(architecture).to("meta")
    run = SpandrelNetwork.arguments(architecture)
    return (network,), lambda batch: network(_empty(batch, 3, 512, 512), **run)


def random_restorer(architecture: str) -> nn.Module:
    """Return a restorer of spandrel's at its released size with random weights, on the CPU."""
    if architecture == "CodeFormer":
        from spandrel_extra_arches.architectures.CodeFormer import CodeFormer

        return CodeFormer().eval()
    if architecture == "RestoreFormer":
        from spandrel.architectures.RestoreFormer import RestoreFormer

        return RestoreFormer(attn_resolutions=(16,), ch_mult=(1, 2, 2, 4, 4, 8)).eval()
    from spandrel.architectures.GFPGAN import GFPGAN

    return GFPGAN().eval()


def _trunk() -> Subject:
    network = on_meta("rrdbnet-x4")
    return (network,), lambda batch: network.features(_empty(batch, 3, TILE, TILE))


def _tail() -> Subject:
    network = on_meta("rrdbnet-x4")
    return (network,), lambda batch: network.enlarge(_empty(batch, 64, TILE, TILE))


def _srvgg(name: str) -> Subject:
    network = on_meta(name)
    return (network,), lambda batch: network(_empty(batch, 3, TILE, TILE))


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "wav2lip": _wav2lip,
    "s3fd": partial(_once, ("s3fd",), (3, 640, 640)),
    "facevid2vid-256": partial(_facevid2vid, 256),
    "facevid2vid-512": partial(_facevid2vid, 512),
    "sadtalker-driver": partial(_once, SADTALKER_DRIVERS, (3, 224, 224)),
    "pirender": _pirender,
    "fomm": _fomm,
    "audio2head-driver": _audio2head_driver,
    "hallo": _hallo,
    "hallo-coder": _hallo_coder,
    "hallo-hearing": _hallo_hearing,
    "gfpgan": partial(_restorer, "GFPGAN"),
    "restoreformer": partial(_restorer, "RestoreFormer"),
    "codeformer": partial(_restorer, "CodeFormer"),
    "rrdbnet-trunk": _trunk,
    "rrdbnet-tail": _tail,
    "srvgg-x4v3": partial(_srvgg, "srvgg-x4v3"),
    "srvgg-animevideov3": partial(_srvgg, "srvgg-animevideov3"),
}
"""By the names of the table."""

PER_PIXEL = ("rrdbnet-trunk", "rrdbnet-tail", "srvgg-x4v3", "srvgg-animevideov3")
"""Networks whose item is one position of a tile, and no whole picture."""
