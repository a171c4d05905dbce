"""Hallo's networks against the release's modules on rule-filled weights.

Outputs were made at the sizes of ``tiny_hallo.TINY`` by the release's modules for motion, attention over pixels, its
3D blocks and U-Net, mutual self-attention, face locator and the two projections (commit 1002056), run as its inference
script runs them: the denoiser in training mode with checkpointing on (its ``from_pretrained_2d`` never leaves that
mode), whose branch alone reads the motion frames and the weights of the regions. Convolutions that start from zero got
filled weights like all others. Two things were run otherwise: the release rounds the memory to half precision whatever
the network's type, here it keeps the type; and its copy of diffusers' 2D U-Net was diffusers' own without the last norm
and convolution, whose transformer blocks the release's mutual self-attention replaced.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from fill import digest
from golden import PARITY, Golden, read_keys
from tiny_hallo import TINY

from lipsync_colab import networks
from lipsync_colab.errors import InputError, MachineError

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

AMOUNTS = (1.1, 0.8, 1.4)
"""Of pose, face and lip in the stored outputs."""
STEP = 601
TOLERANCE = 2e-5
"""The release's modules in single and in double precision are 1.2e-5 apart in the memory, 3e-6 in the prediction."""
REGIONS = ("full", "face", "lip")


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("hallo")


@pytest.fixture(scope="module")
def net(golden: Golden) -> Any:
    from lipsync_colab.networks.hallo.net import HalloNet

    return golden.load_into(HalloNet(TINY))


def given(golden: Golden, net: Any, guided: bool = True, **changed: Any) -> dict[str, Any]:
    """What ``predict`` takes, made of the stored inputs; ``changed`` replaces inputs by name."""
    kind = next(net.parameters()).dtype

    def stored(name: str) -> Any:
        return changed[name].to(kind) if name in changed else golden.tensor(name).to(kind)

    def halves(value: Any, other: Any) -> Any:
        return torch.cat([other, value]) if guided else value

    identity = stored("identity")
    tokens = halves(net.face_tokens(identity), net.face_tokens(torch.zeros_like(identity)))
    sound, face = net.audio_tokens(stored("sound")), golden.tensor("face_u8").to(kind)[None, :, None] / 255
    region, noise = net.region(face), stored("noise")
    return {
        "noisy": halves(noise, noise),
        "step": STEP,
        "face_tokens": tokens,
        "audio_tokens": halves(sound, torch.zeros_like(sound)),
        "region": halves(region, torch.zeros_like(region)),
        "masks": [[stored(f"{name}_{level}") for level in range(4)] for name in REGIONS],
        "memory": net.remember(stored("latents"), tokens),
        "amounts": AMOUNTS,
    }


def test_the_released_keys_and_shapes() -> None:
    with torch.device("meta"):
        network = networks.build("hallo")
    own = {key: [list(value.shape), str(value.dtype)[6:]] for key, value in network.state_dict().items()}
    assert own == {key: rest for key, *rest in read_keys(PARITY / "hallo" / "released_keys.json")}
    # All that is not loaded would stay without content when the network is made on the meta device.
    assert {name for name, _ in network.named_buffers()} <= set(own)


def test_keys_fill_to_the_stored_digest(golden: Golden) -> None:
    kept = set(golden.keys["keep_init"])
    assert digest([entry for entry in golden.keys["entries"] if entry[0] not in kept], 1.4) == golden.keys["digest"]


def test_tokens_and_region(golden: Golden, net: Any) -> None:
    made = given(golden, net)
    golden.check("face_tokens", made["face_tokens"], TOLERANCE)
    golden.check("audio_tokens", made["audio_tokens"][1:], TOLERANCE)
    golden.check("region", made["region"][1:], TOLERANCE)


@pytest.mark.parametrize(
    ("bank", "name"),
    [
        ("bank_first", "down_blocks.0.attentions.0"),
        ("bank_middle", "mid_block.attentions.0"),
        ("bank_last", "up_blocks.3.attentions.1"),
    ],
)
def test_memory(golden: Golden, net: Any, bank: str, name: str) -> None:
    place = given(golden, net)["memory"][name]
    seen = golden.tensor(bank).unflatten(0, (2, 3))
    assert (place.frames.flatten(3).transpose(2, 3) - seen[:, 1:]).abs().max() < TOLERANCE
    attention = net.denoising_unet.get_submodule(f"{name}.transformer_blocks.0.attn1")
    assert (place.keys - attention.to_k(seen[:, 0])).abs().max() < 5 * TOLERANCE
    assert (place.values - attention.to_v(seen[:, 0])).abs().max() < 5 * TOLERANCE


@pytest.mark.parametrize(("guided", "name"), [(True, "predicted"), (False, "predicted_alone")])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_prediction(golden: Golden, net: Any, guided: bool, name: str, kind: str) -> None:
    network = net.to(getattr(torch, kind))
    try:
        predicted = network.predict(**given(golden, network, guided))
    finally:
        net.float()
    assert str(predicted.dtype) == f"torch.{kind}"
    golden.check(name, predicted, TOLERANCE)


def test_few_frames_and_pixels_at_once_change_nothing(
    golden: Golden, net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = "lipsync_colab.networks.hallo"
    for module in ("conditions", "levels"):
        monkeypatch.setattr(f"{package}.{module}.FRAMES_AT_ONCE", 2)
    monkeypatch.setattr(f"{package}.motion.PIXELS_AT_ONCE", 7)
    golden.check("predicted", net.predict(**given(golden, net)), TOLERANCE)


def test_a_region_of_one_picture_or_of_all_frames(golden: Golden, net: Any) -> None:
    made = given(golden, net)
    made["region"] = made["region"].expand(-1, -1, 5, -1, -1)
    golden.check("predicted", net.predict(**made), TOLERANCE)


def change(golden: Golden, net: Any, made: dict[str, Any], branch: str) -> dict[str, Any]:
    """``predict``'s arguments with what one branch reads changed."""
    if branch == "step":
        return made | {"step": 1}
    if branch in ("face_tokens", "audio_tokens", "region"):
        return made | {branch: made[branch].flip(-1)}
    if branch in REGIONS:
        masks = [
            [1 - mask for mask in masks] if name == branch else masks
            for name, masks in zip(REGIONS, made["masks"], strict=True)
        ]
        return made | {"masks": masks}
    if branch == "still":
        return made | {
            "memory": {name: replace(place, keys=place.keys.flip(1)) for name, place in made["memory"].items()}
        }
    assert branch == "frames before"
    return made | {"memory": {name: replace(place, frames=-place.frames) for name, place in made["memory"].items()}}


@pytest.mark.parametrize(
    "branch", ["step", "face_tokens", "audio_tokens", "region", *REGIONS, "still", "frames before"]
)
def test_every_branch_is_heard(golden: Golden, net: Any, branch: str) -> None:
    made = given(golden, net)
    moved = (net.predict(**change(golden, net, made, branch)) - golden.tensor("predicted")).abs().amax(dim=(1, 2, 3, 4))
    assert moved[1] > 200 * TOLERANCE
    if branch == "still":
        # The unconditional half never looks at it.
        assert moved[0] < TOLERANCE


def test_frames_hear_each_other(golden: Golden, net: Any) -> None:
    noise = golden.tensor("noise").clone()
    noise[:, :, 0] *= -1
    moved = (net.predict(**given(golden, net, noise=noise)) - golden.tensor("predicted")).abs()
    assert moved[:, :, -1].max() > 200 * TOLERANCE


def test_amounts_weigh_the_regions(golden: Golden, net: Any) -> None:
    made = given(golden, net)
    for index in range(3):
        amounts = [amount if place != index else 0.0 for place, amount in enumerate(AMOUNTS)]
        moved = (net.predict(**made | {"amounts": amounts}) - golden.tensor("predicted")).abs()
        assert moved.max() > 200 * TOLERANCE


def test_a_clip_longer_than_the_positions_is_refused(golden: Golden, net: Any) -> None:
    made = given(golden, net)
    made["noisy"] = made["noisy"].repeat(1, 1, 3, 1, 1)
    with pytest.raises(InputError, match="15 frames after 2 is too long: 12"):
        net.predict(**made)


def test_pictures_that_are_not_square(golden: Golden, net: Any) -> None:
    made = given(golden, net, latents=golden.tensor("latents").repeat(1, 1, 1, 2))
    made["noisy"], made["region"] = made["noisy"].repeat(1, 1, 1, 1, 2), made["region"].repeat(1, 1, 1, 1, 2)
    made["masks"] = [[mask.repeat(2) for mask in masks] for masks in made["masks"]]
    assert net.predict(**made).shape == (2, 4, 5, 8, 16)


def test_without_diffusers_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules, "diffusers"]:
        if name.partition(".")[0] == "diffusers":
            monkeypatch.setitem(sys.modules, name, None)
        elif name.startswith("lipsync_colab.networks.hallo"):
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MachineError, match=r"'hallo' needs diffusers: pip install 'lipsync-colab\[hallo\]'"):
        networks.build("hallo")


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "memory", "step"), [(1, 2.417e12, 25.15e12), (2, 4.833e12, 48.34e12)])
def test_operations_at_full_size_in_half_precision(batch: int, memory: float, step: float) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    def empty(*shape: int) -> Any:
        return torch.empty(*shape, dtype=torch.float16, device="meta")

    with torch.device("meta"):
        network = networks.build("hallo").half()
    tokens = empty(batch, 4, 768)
    with FlopCounterMode(display=False) as remembering:
        places = network.remember(empty(3, 4, 64, 64), tokens)
    masks = [[empty((64 >> level) ** 2) for level in range(4)] for _ in REGIONS]
    given = (tokens, empty(batch, 16, 32, 768), empty(batch, 320, 1, 64, 64), masks, places)
    with FlopCounterMode(display=False) as predicting:
        predicted = network.predict(empty(batch, 4, 16, 64, 64), 999, *given)
    assert predicted.shape == (batch, 4, 16, 64, 64) and predicted.dtype == torch.float16
    assert remembering.get_total_flops() == pytest.approx(memory, rel=0.001)
    assert predicting.get_total_flops() == pytest.approx(step, rel=0.001)
