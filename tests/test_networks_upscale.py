"""RRDBNet and SRVGGNet against spandrel's implementation (the second one that installs everywhere)."""

from __future__ import annotations

import numpy as np
import pytest
from fill import fill_module

torch = pytest.importorskip("torch")

from lipsync_colab.networks import build  # noqa: E402

NAMES = ("rrdbnet-x4", "rrdbnet-x2", "srvgg-x4v3", "srvgg-animevideov3")
PARAMETERS = {
    "rrdbnet-x4": 16_697_987,
    "rrdbnet-x2": 16_703_171,
    "srvgg-x4v3": 1_213_296,
    "srvgg-animevideov3": 621_424,
}
"""Of the releases, counted from their checkpoints' sizes: 67,040,989, 67,061,725, 4,885,111 and 2,504,012 bytes."""


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.nn.Module]:
    return {name: fill_module(build(name)) for name in NAMES}


def picture(height: int = 22, width: int = 19) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).random((1, 3, height, width), np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_the_release(name: str, networks: dict[str, torch.nn.Module]) -> None:
    assert sum(value.numel() for value in networks[name].state_dict().values()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_equals_spandrel(name: str, networks: dict[str, torch.nn.Module]) -> None:
    spandrel = pytest.importorskip("spandrel")
    ours = networks[name]
    state = {key: value.clone() for key, value in ours.state_dict().items()}
    theirs = spandrel.ModelLoader().load_from_state_dict({"params_ema": state})
    assert theirs.scale == ours.scale
    image = picture()
    with torch.inference_mode():
        expected, got = theirs.model.eval()(image), ours(image)
    assert got.shape == (1, 3, 22 * ours.scale, 19 * ours.scale)
    spread = float(expected.std())
    assert spread > 0.1
    assert float((got - expected).abs().max()) < 1e-5 * max(1.0, spread)


def test_general_depends_on_exactly_its_context(networks: dict[str, torch.nn.Module]) -> None:
    network = networks["srvgg-animevideov3"]
    image = picture(8, 60)
    changed = image.clone()
    changed[..., 20] += 0.5
    with torch.inference_mode():
        moved = (network(image) != network(changed)).any(dim=(0)).any(dim=0).any(dim=0)
    columns = moved.nonzero().flatten() // network.scale
    assert 20 + 1 <= int(columns.max()) <= 20 + network.context
    assert bool(moved[(20 + network.context - 2) * 4 :].any()), "the context is stated wider than it is"


def test_progress_reaches_the_end(networks: dict[str, torch.nn.Module]) -> None:
    network, shares = networks["rrdbnet-x2"], []
    with torch.inference_mode():
        network.features(network.folded(picture(4, 4)), shares.append)
    assert shares == sorted(shares)
    assert len(shares) == 23
    assert shares[-1] == 1.0
