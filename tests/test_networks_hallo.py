"""Hallo's networks against the release's modules on rule-filled weights.

The release (commit 1002056) was written down twice for this, once with diffusers' layers and once in plain torch line
by line with its copy of diffusers' 2D U-Net; both gave the same numbers, the stored ones are the second's. They were
run at the sizes of ``tiny_hallo.TINY`` as the release's inference script runs them: the denoiser in training mode with
checkpointing on (its ``from_pretrained_2d`` never leaves that mode), whose branch alone reads the motion frames and
the weights of the regions. Convolutions that start from zero got filled weights like all others. Run otherwise: the
release rounds the memory to half precision whatever the network's type, here it keeps the type; and without guidance
the release doubles the sound against a batch of one and fails, here ``alone`` is its conditional sound.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fill import digest
from golden import PARITY, Golden, read_keys
from tiny_hallo import TINY

from lipsync_colab import networks
from lipsync_colab.errors import InputError, MachineError

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

TOLERANCE = 2e-5
"""The release's modules in single and in double precision are up to 1.2e-5 apart in the memory, 5.5e-6 in the end."""
REGIONS = ("full", "face", "lip")
CHANGED = (
    *(f"mask_{region}_{level}" for region in REGIONS for level in range(4)),
    *("sound_of_frame_2", "still", "motion_frame_1", "motion_frame_2", "identity", "face", "step"),
    *("amount_pose", "amount_face", "amount_lip", "one_motion_frame", "no_motion_frame"),
)
"""Outputs for one changed input each."""
OTHERS = ("odd_frames", "ten_frames", "alone")


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


def inputs(golden: Golden, name: str) -> dict[str, np.ndarray]:
    """The stored inputs of one output."""
    chosen: dict[str, np.ndarray] = {}
    for key, value in golden.io.items():
        for start in ("in.", f"{name}.in."):
            if key.startswith(start):
                chosen[key.removeprefix(start)] = value
    pictures, frames = {"one_motion_frame": 2, "no_motion_frame": 1}.get(name), 3 if name == "odd_frames" else None
    cut = {"latents": np.s_[:pictures], "noise": np.s_[:, :, :frames], "sound": np.s_[:, :frames]}
    return chosen | {key: np.ascontiguousarray(chosen[key][where]) for key, where in cut.items()}


def arguments(golden: Golden, net: Any, name: str) -> dict[str, Any]:
    """What ``predict`` takes for one stored output, in the network's own type."""
    kind, stored = next(net.parameters()).dtype, inputs(golden, name)
    guided = name != "alone"

    def tensor(key: str) -> Any:
        return torch.from_numpy(stored[key]).to(kind)

    def halves(value: Any, other: Any) -> Any:
        return torch.cat([other, value]) if guided else value

    identity = tensor("identity")
    tokens = halves(net.face_tokens(identity), net.face_tokens(torch.zeros_like(identity)))
    sound, region = net.audio_tokens(tensor("sound")), net.region(tensor("face_u8")[None, :, None] / 255)
    return {
        "noisy": halves(tensor("noise"), tensor("noise")),
        "step": int(stored["step"]),
        "face_tokens": tokens,
        "audio_tokens": halves(sound, torch.zeros_like(sound)),
        "region": halves(region, torch.zeros_like(region)),
        "masks": [[tensor(f"{region}_{level}") for level in range(4)] for region in REGIONS],
        "memory": net.remember(tensor("latents"), tokens),
        "amounts": stored["amounts"].tolist(),
    }


def check(golden: Golden, predicted: Any, name: str) -> None:
    """Compare with a stored output; of some only the conditional half is stored."""
    if f"{name}.predicted" in golden.io:
        golden.check(f"{name}.predicted", predicted, TOLERANCE)
    else:
        golden.check(f"{name}.predicted_conditional", predicted[1:], TOLERANCE)


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
    made = arguments(golden, net, "base")
    golden.check("base.face_tokens", made["face_tokens"], TOLERANCE)
    golden.check("base.audio_tokens", made["audio_tokens"][1:], TOLERANCE)
    golden.check("base.region", made["region"][1:], TOLERANCE)


def test_memory_of_the_frames_before(golden: Golden, net: Any) -> None:
    for name, place in arguments(golden, net, "base")["memory"].items():
        tokens = place.frames.flatten(3).transpose(2, 3).flatten(2).numpy()
        stored = {
            kind: golden.io[f"base.memory.{name}.transformer_blocks.0.{kind}"].reshape(2, 3, -1)[:, 1:]
            for kind in ("head", "abs")
        }
        assert np.abs(tokens[..., :6] - stored["head"]).max() < TOLERANCE
        assert np.abs(np.abs(tokens).mean(-1) - stored["abs"][..., 0] / tokens.shape[-1]).max() < TOLERANCE


@pytest.mark.parametrize("name", ["base", *CHANGED, *OTHERS])
def test_prediction(golden: Golden, net: Any, name: str) -> None:
    check(golden, net.predict(**arguments(golden, net, name)), name)


@pytest.mark.parametrize("name", CHANGED)
def test_the_stored_outputs_tell_each_input(golden: Golden, name: str) -> None:
    stored = golden.io.get(f"{name}.predicted", golden.io.get(f"{name}.predicted_conditional"))
    assert np.abs(stored[-1] - golden.io["base.predicted"][1]).max() > 500 * TOLERANCE


def test_the_branch_that_the_release_does_not_run(golden: Golden, net: Any) -> None:
    predicted = net.predict(**arguments(golden, net, "eval_branch"))
    assert np.abs(predicted.numpy() - golden.io["eval_branch.predicted"]).max() > 1


@pytest.mark.parametrize(("kind", "tolerance"), [("float64", TOLERANCE), ("float16", 0.03)])
@pytest.mark.parametrize("name", ["base", "alone"])
def test_other_precisions(golden: Golden, net: Any, name: str, kind: str, tolerance: float) -> None:
    other = deepcopy(net).to(getattr(torch, kind))
    predicted = other.predict(**arguments(golden, other, name))
    assert str(predicted.dtype) == f"torch.{kind}"
    golden.check(f"{name}.predicted", predicted, tolerance)


def test_few_frames_and_pixels_at_once_change_nothing(
    golden: Golden, net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = "lipsync_colab.networks.hallo"
    for module in ("conditions", "levels"):
        monkeypatch.setattr(f"{package}.{module}.FRAMES_AT_ONCE", 3)
    monkeypatch.setattr(f"{package}.motion.PIXELS_AT_ONCE", 7)
    check(golden, net.predict(**arguments(golden, net, "base")), "base")


def test_a_region_of_all_frames(golden: Golden, net: Any) -> None:
    made = arguments(golden, net, "base")
    made["region"] = made["region"].repeat(1, 1, 4, 1, 1)
    check(golden, net.predict(**made), "base")


def test_only_the_conditional_half_looks_at_the_still(golden: Golden, net: Any) -> None:
    made = arguments(golden, net, "base")
    made["memory"] = {name: replace(place, keys=place.keys.flip(1)) for name, place in made["memory"].items()}
    moved = np.abs(net.predict(**made).numpy() - golden.io["base.predicted"]).max(axis=(1, 2, 3, 4))
    assert moved[0] < TOLERANCE
    assert moved[1] > 500 * TOLERANCE


def test_frames_hear_each_other(golden: Golden, net: Any) -> None:
    made = arguments(golden, net, "base")
    made["noisy"][:, :, 0] *= -1
    moved = np.abs(net.predict(**made).numpy() - golden.io["base.predicted"])
    assert moved[:, :, -1].max() > 500 * TOLERANCE


def test_a_clip_longer_than_the_positions_is_refused(golden: Golden, net: Any) -> None:
    made = arguments(golden, net, "base")
    made["noisy"] = made["noisy"].repeat(1, 1, 3, 1, 1)
    with pytest.raises(InputError, match="12 frames after 2 is too long: 12"):
        net.predict(**made)


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
