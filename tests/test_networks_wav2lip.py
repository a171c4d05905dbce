"""Wav2Lip's three networks against the public implementation on rule-filled weights."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from fill import digest
from golden import PARITY, Golden

from lipsync_colab import networks
from lipsync_colab.errors import InputError

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module", autouse=True)
def no_gradients() -> object:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def wav2lip() -> tuple[Golden, torch.nn.Module]:
    golden = Golden("wav2lip")
    return golden, golden.load_into(networks.build("wav2lip"))


def network_input(golden: Golden) -> tuple[torch.Tensor, torch.Tensor]:
    crops = golden.io["face_uint8"].astype(np.float64)
    masked = crops.copy()
    masked[:, 48:] = 0
    faces = (np.concatenate([masked, crops], axis=3) / 255).astype(np.float32).transpose(0, 3, 1, 2)
    return golden.tensor("mel")[:, None], torch.from_numpy(np.ascontiguousarray(faces))


@pytest.mark.parametrize("name", ["wav2lip", "syncnet", "s3fd"])
def test_keys_are_the_released_ones(name: str) -> None:
    golden = Golden(name)
    assert list(networks.build(name).state_dict()) == golden.names
    assert digest(golden.keys["entries"], golden.keys["gain"]) == golden.keys["digest"]


def test_generator(wav2lip: tuple[Golden, torch.nn.Module]) -> None:
    golden, module = wav2lip
    mel, faces = network_input(golden)
    golden.check("out", module(mel, faces), 2e-5)
    golden.check("audio_embedding", module.encode_mel(mel).flatten(1), 2e-4)
    features = module.encode_face(faces)
    golden.check("face_embedding", features[-1].flatten(1), 2e-4)
    golden.check("face_feat3", features[3], 2e-2)


def test_generator_with_a_time_axis(wav2lip: tuple[Golden, torch.nn.Module]) -> None:
    golden, module = wav2lip
    mel, faces = network_input(golden)
    together = module(mel[None], faces.transpose(0, 1)[None])
    assert together.shape == (1, 3, 2, 96, 96)
    golden.check("out", together[0].transpose(0, 1), 2e-5)


def test_features_of_one_still_serve_a_batch(wav2lip: tuple[Golden, torch.nn.Module]) -> None:
    golden, module = wav2lip
    mel, faces = network_input(golden)
    shared = module.decode(module.encode_mel(mel), module.encode_face(faces[:1]))
    plain = module(mel, faces[:1].expand(2, -1, -1, -1))
    assert float((shared - plain).abs().max()) < 2e-5
    assert float((plain[0] - plain[1]).abs().max()) > 1e-3, "the voice must be heard"


def test_syncnet() -> None:
    golden = Golden("syncnet")
    module = golden.load_into(networks.build("syncnet"))
    faces = torch.from_numpy((golden.io["faces_uint8"].astype(np.float64) / 255).astype(np.float32))
    audio, face = module(golden.tensor("mel")[:, None], faces.permute(0, 3, 1, 2))
    golden.check("audio_embedding", audio, 5e-6)
    golden.check("face_embedding", face, 5e-6)


def test_s3fd() -> None:
    golden = Golden("s3fd")
    module = golden.load_into(networks.build("s3fd"))
    image = golden.io["image_uint8"].astype(np.float32) - np.array([104, 117, 123], np.float32)
    outputs = module(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
    for level in range(6):
        tolerance = 1e-5 if level < 3 else 1e-3
        golden.check(f"cls{level + 1}", outputs[2 * level], tolerance)
        golden.check(f"reg{level + 1}", outputs[2 * level + 1], tolerance)


def test_unknown_network() -> None:
    with pytest.raises(InputError, match="wav2lip"):
        networks.build("nothing")


def test_the_table_loads_no_torch() -> None:
    code = "import sys\nfrom lipsync_colab import networks\nprint('torch' in sys.modules, len(networks.NETWORKS) > 2)"
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=PARITY.parents[2]
    )
    assert out.stdout.split() == ["False", "True"]
