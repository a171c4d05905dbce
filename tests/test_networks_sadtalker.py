"""SadTalker's networks against the public implementation on rule-filled weights."""

from __future__ import annotations

import pytest
from fill import digest
from golden import Golden

from lipsync_colab import networks

torch = pytest.importorskip("torch")

from lipsync_colab.networks.folding import fold  # noqa: E402

NAMES = ("audio2exp", "audio2pose", "face_3drecon", "kp_extractor", "mapping", "mapping_full", "generator")


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.inference_mode():
        yield


def loaded(name: str) -> tuple[Golden, torch.nn.Module]:
    golden = Golden(f"sadtalker/{name}")
    return golden, golden.load_into(networks.build(f"sadtalker.{name}"))


@pytest.mark.parametrize("name", NAMES[:-1])
def test_keys_fill_to_the_stored_digest(name: str) -> None:
    golden = Golden(f"sadtalker/{name}")
    entries = [entry for entry in golden.keys["entries"] if entry[0] not in golden.keys["keep_init"]]
    assert digest(entries, golden.keys["gain"]) == golden.keys["digest"]


@pytest.mark.parametrize("change", [lambda network: network, fold], ids=["released", "folded"])
def test_expression(change: object) -> None:
    golden, module = loaded("audio2exp")
    mel = golden.tensor("mel")[0]
    golden.check("embedding", module.audio_encoder(mel).flatten(1), 2e-4)
    golden.check("exp", change(module)(mel, golden.tensor("ref"), golden.tensor("ratio")), 2e-4)


@pytest.mark.parametrize("frames", [75, 20, 33, 34])
def test_pose_of_any_length(frames: int) -> None:
    golden, module = loaded("audio2pose")
    mel, reference = golden.tensor("mel")[:, :frames], golden.tensor("ref_frame")[:, 0, -6:]
    style = int(golden.io[f"class_{frames}"])
    pose = fold(module)(mel, reference, style, golden.tensor(f"z_{frames}"))
    golden.check(f"pose_{frames}", pose, 2e-5)
    golden.check(f"motion_{frames}", pose - reference[:, None], 2e-5)


def test_pose_of_one_and_two_frames() -> None:
    golden, module = loaded("audio2pose")
    reference, noise = golden.tensor("ref_frame")[:, 0, -6:], golden.tensor("z_20")
    assert torch.equal(module(golden.tensor("mel")[:, :1], reference, 0, noise[:0]), reference[:, None])
    two = module(golden.tensor("mel")[:, :2], reference, 0, noise)
    assert two.shape == (1, 2, 6)
    assert not torch.equal(two[:, 1], reference)


@pytest.mark.parametrize("change", [lambda network: network, fold], ids=["released", "folded"])
def test_reconstruction(change: object) -> None:
    golden, module = loaded("face_3drecon")
    golden.check("coeff", change(module)(golden.image()), 2e-4)


def test_canonical_keypoints() -> None:
    golden, module = loaded("kp_extractor")
    golden.check("down_weight", module.down.weight, 1e-7)
    golden.check("down", module.down(golden.image()), 1e-5)
    golden.check("value", module(golden.image()), 1e-4)
    golden.check("value", fold(module)(golden.image()), 1e-4)


@pytest.mark.parametrize("name", ["mapping", "mapping_full"])
def test_mapping(name: str) -> None:
    golden, module = loaded(name)
    for part, value in module(golden.tensor("semantics")).items():
        golden.check(part, value, 3e-5)


@pytest.mark.parametrize("change", [pytest.param(lambda network: network, marks=pytest.mark.slow), fold])
def test_generator(change: object) -> None:
    golden, module = loaded("generator")
    module = change(module)
    source, driving = golden.tensor("kp_source"), golden.tensor("kp_driving")
    still = module.encode(golden.image())
    golden.check("feature_3d_s", still.volume[:, ::2, ::4, ::8, ::8], 1e-4)
    weights, deformation, occlusion = module.dense_motion_network(still.compressed, source, driving)
    golden.check("mask_s", weights[..., ::4, ::8, ::8], 1e-4)
    golden.check("deformation_s", deformation[:, ::4, ::8, ::8], 1e-4)
    golden.check("occlusion", occlusion, 1e-4)
    frame = module.render(still, source, driving)
    golden.check("prediction_s", frame[..., ::4, ::4], 1e-3)
    difference = (frame - golden.tensor("prediction_f16")).abs()
    assert difference.max() < 1.5e-3
    assert difference.mean() < 2e-4
