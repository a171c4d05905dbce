"""The head renderers against the per-frame loops of their releases: counted operations and CPU seconds in one run.

Both sides are the same networks with the same random weights and draw the same frames. The release encodes the still
again for every frame, runs norms and spectral divisions as layers of their own, convolves enlarged maps, and in
PIRenderer computes a branch whose result is overwritten.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lipsync_colab import networks
from lipsync_colab.networks.folding import fold
from lipsync_colab.networks.pirender.layers import EditingBlock, leaky
from lipsync_colab.networks.sadtalker.spade import SpectralConvolution

SIZE = 256
GAIN = 1.4
POWER_ROUNDS = 10
T4_FLOPS = {"float32": 4e12, "float16": 20e12}
"""What a T4 sustains, assumed: half of its peak in float32, a third with tensor cores. No T4 was measured."""

Frame = Callable[[], torch.Tensor]
"""Draws one frame."""


def measure(portrait: Path, seconds: float = 10.0) -> dict[str, Any]:
    """Measure one frame of every renderer; see :func:`run`. What the picture shows changes none of the figures."""
    return run(tuple(RENDERERS))


def run(names: tuple[str, ...] = ("facevid2vid", "pirender", "fomm"), rounds: int = 1) -> dict[str, Any]:
    """Measure renderers at 256 pixels.

    Args:
        names: of renderers.
        rounds: frames that each side draws, in turn; CPU seconds are the least of them.

    Returns:
        By name: what :func:`count` returns; CPU seconds per frame of the release's loop and of ours, and their
        ratio; the largest difference between the two pictures in [0, 1].
    """
    return {name: count(name) | _timed(name, rounds) for name in names}


def count(name: str) -> dict[str, float]:
    """Count a renderer's operations without doing them.

    Returns:
        GFLOP (two for a multiplication with its addition) per frame of the release's loop and of ours, their ratio,
        GFLOP done once per portrait, and frames per second that a T4 would reach by ours (computed, not measured).
    """
    with torch.inference_mode():
        release, ours, once = RENDERERS[name]("meta")
        theirs, mine = _gigaflops(release), _gigaflops(ours)
        return {
            "release_gflop": round(theirs, 1),
            "gflop": round(mine, 1),
            "gflop_ratio": round(mine / theirs, 3),
            "gflop_once": round(_gigaflops(once), 1) if once else 0.0,
            **{f"t4_fps_computed_{kind}": round(flops / mine / 1e9, 1) for kind, flops in T4_FLOPS.items()},
        }


def _timed(name: str, rounds: int) -> dict[str, float]:
    with torch.inference_mode():
        release, ours, _ = RENDERERS[name]("cpu")
        pairs = [(_cpu_seconds(release), _cpu_seconds(ours)) for _ in range(rounds)]
    theirs, mine = (min(seconds for seconds, _ in side) for side in zip(*pairs, strict=True))
    return {
        "release_cpu_seconds": round(theirs, 2),
        "cpu_seconds": round(mine, 2),
        "cpu_ratio": round(mine / theirs, 3),
        "largest_difference": float((pairs[0][0][1] - pairs[0][1][1]).abs().max()),
    }


def _gigaflops(work: Callable[[], Any]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 1e9


def _cpu_seconds(work: Frame) -> tuple[float, torch.Tensor]:
    started = time.process_time()
    drawn = work()
    return time.process_time() - started, drawn


def filled(name: str, device: str = "cpu", seed: int = 0) -> Any:
    """Return a network with seeded random weights that keep activations in range; on ``"meta"`` shapes alone."""
    with torch.device(device):
        network = networks.build(name)
    if device == "meta":
        return network
    chance = torch.Generator().manual_seed(seed)
    for key, value in network.state_dict().items():
        if value.dim() > 1 and not key.endswith("down.weight"):
            value.normal_(0, (GAIN / value[0].numel()) ** 0.5, generator=chance)
        elif key.endswith(".bias"):
            value.normal_(0, 0.1, generator=chance)
    for module in network.modules():
        if isinstance(module, SpectralConvolution):
            _find_singular_vectors(module)
    return network


def _find_singular_vectors(layer: SpectralConvolution) -> None:
    matrix = layer.weight_orig.flatten(1)
    layer.weight_u.fill_(len(layer.weight_u) ** -0.5)
    for _ in range(POWER_ROUNDS):
        layer.weight_v.copy_(nn.functional.normalize(matrix.T @ layer.weight_u, dim=0))
        layer.weight_u.copy_(nn.functional.normalize(matrix @ layer.weight_v, dim=0))


def _noise(device: str, seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)).to(device)


def _facevid2vid(device: str) -> tuple[Frame, Frame, Callable[[], Any]]:
    image = _noise(device, 1, 1, 3, SIZE, SIZE)
    source, driving = (_noise(device, seed, 1, 15, 3) * 1.6 - 0.8 for seed in (2, 3))
    released = filled("sadtalker.generator", device)
    faster = fold(copy.deepcopy(released))
    still = faster.encode(image)
    return (
        lambda: released(image, source, driving),
        lambda: faster.render(still, source, driving),
        lambda: faster.encode(image),
    )


def _pirender(device: str) -> tuple[Frame, Frame, None]:
    image, coefficients = _noise(device, 1, 1, 3, SIZE, SIZE) * 2 - 1, _noise(device, 2, 1, 73, 27)
    released = filled("pirender", device)
    faster = fold(copy.deepcopy(released))
    for block in released.modules():
        if isinstance(block, EditingBlock):
            block.register_forward_pre_hook(_overwritten_branch)
    return (
        lambda: released(image, coefficients)["fake_image"],
        lambda: faster(image, coefficients)["fake_image"],
        None,
    )


def _overwritten_branch(block: nn.Module, inputs: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Compute what the release computes and throws away: the first convolution, norm and activation of a block."""
    assert isinstance(block, EditingBlock)
    leaky(block.norm1(block.conv1(inputs[0]), inputs[1]))


def _fomm(device: str) -> tuple[Frame, Frame, Callable[[], Any]]:
    image = _noise(device, 1, 1, 3, SIZE, SIZE)
    shear = torch.eye(2, device=device) + 0.1 * _noise(device, 4, 1, 10, 2, 2)
    source, driving = ({"value": _noise(device, seed, 1, 10, 2) * 1.6 - 0.8, "jacobian": shear} for seed in (2, 3))
    released = filled("audio2head.generator", device)
    faster = fold(copy.deepcopy(released))
    still = faster.encode(image)
    return (
        lambda: released(image, source, driving),
        lambda: faster.render(still, source, driving),
        lambda: faster.encode(image),
    )


RENDERERS: dict[str, Callable[[str], tuple[Frame, Frame, Callable[[], Any] | None]]] = {
    "facevid2vid": _facevid2vid,
    "pirender": _pirender,
    "fomm": _fomm,
}
