"""Kokoro against the public implementation on rule-filled weights.

The golden outputs are those of the ``kokoro`` package (0.9.4, Apache-2.0); where it is installed, the slow test
compares with it directly.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

import numpy as np
import pytest
from fill import digest
from golden import Golden

pytest.importorskip("torch")

import torch

from lipsync_colab import networks
from lipsync_colab.networks.folding import fold

RELEASED_PARAMETERS = 81_763_410
"""Floats in ``kokoro-v1_0.pth``: its 327,212,226 bytes are these and an index of 0.05 %."""


@pytest.fixture(scope="module", autouse=True)
def no_gradients() -> object:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def kokoro() -> tuple[Golden, Any]:
    golden = Golden("kokoro")
    return golden, tamed(golden.load_into(networks.build("kokoro")))


def tamed(module: Any) -> Any:
    """Move a filled network to where speech lies: a pitch of 100 to 220 Hz, durations of a few frames, no overflow."""
    module.predictor.F0_proj.bias.data.fill_(150.0)
    module.predictor.F0_proj.weight.data.mul_(40.0)
    durations = dict(module.predictor.duration_proj.named_children())["linear_layer"]
    durations.bias.data.sub_(2.5)
    durations.weight.data.mul_(6)
    module.decoder.generator.conv_post.weight_g.data.mul_(0.15)
    return module


def said(golden: Golden, module: Any, seed: int = 3) -> tuple[Any, Any]:
    noise = torch.Generator().manual_seed(seed)
    return module(golden.tensor("symbols"), golden.tensor("voice"), float(golden.io["speed"]), noise)


def test_keys_are_the_released_ones() -> None:
    golden = Golden("kokoro")
    with torch.device("meta"):
        module = networks.build("kokoro")
    assert list(module.state_dict()) == golden.names
    assert sum(value.numel() for value in module.state_dict().values()) == RELEASED_PARAMETERS
    entries = [entry for entry in golden.keys["entries"] if entry[0].startswith("predictor.")]
    assert digest(entries, golden.keys["gain"]) == golden.keys["digest"]


def test_what_is_said_when_and_how_high(kokoro: tuple[Golden, Any]) -> None:
    golden, module = kokoro
    symbols, prosody = golden.tensor("symbols"), golden.tensor("voice")[:, 128:]
    features = module.bert_encoder(module.bert(symbols))
    golden.check("encoded", features, 1e-4)
    encoded = module.predictor.text_encoder(features, prosody)
    durations = module.predictor.durations(encoded, float(golden.io["speed"]))
    np.testing.assert_array_equal(durations[0], golden.io["durations"])
    assert len(set(golden.io["durations"].tolist())) > 1
    pitch, energy = module.predictor.curves(encoded.repeat_interleave(durations[0], dim=1), prosody)
    golden.check("pitch", pitch, 1e-2)
    golden.check("energy", energy, 1e-3)
    excitation = module.decoder.generator.m_source(golden.tensor("pitch"), 300, noise_before_the_source(golden))
    golden.check("excitation", excitation[:, ::7], 2e-3)


def noise_before_the_source(golden: Golden) -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_the_sound(kokoro: tuple[Golden, Any]) -> None:
    golden, module = kokoro
    sound, durations = said(golden, module)
    assert sound.shape == (int(durations.sum()) * 600,)
    found, expected = sound.numpy(), golden.io["sound"]
    # The vocoder reads the phase of noise, which jumps where rounding moves it over the edge at ±π.
    error = np.abs(found - expected)
    assert np.median(error) < 0.02 * expected.std()
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_folding_changes_nothing(kokoro: tuple[Golden, Any]) -> None:
    golden, module = kokoro
    before, _ = said(golden, module)
    after, _ = said(golden, fold(module))
    assert np.corrcoef(before.numpy(), after.numpy())[0, 1] > 0.999
    again, _ = said(golden, module)
    other, _ = said(golden, module, seed=4)
    assert torch.equal(again, after) and not torch.equal(other, after)


@pytest.mark.slow
def test_equals_the_public_implementation() -> None:
    spec = importlib.util.find_spec("kokoro")
    if spec is None or not spec.submodule_search_locations or importlib.util.find_spec("transformers") is None:
        pytest.skip("pip install --no-deps kokoro==0.9.4")
    golden = Golden("kokoro")
    reference = tamed(public_model(list(spec.submodule_search_locations), golden))
    torch.manual_seed(3)
    expected, durations = reference.forward_with_tokens(
        golden.tensor("symbols"), golden.tensor("voice"), float(golden.io["speed"])
    )
    golden.check("durations", durations, 0)
    sound, _ = said(golden, tamed(golden.load_into(networks.build("kokoro"))))
    assert np.corrcoef(sound.numpy(), expected.numpy())[0, 1] > 0.99


def public_model(folders: list[str], golden: Golden) -> Any:
    """Build the package's own model; its front end (misaki, loguru) is not needed and not loaded."""
    package, quiet = types.ModuleType("kokoro"), types.ModuleType("loguru")
    package.__path__ = folders
    quiet.logger = types.SimpleNamespace(debug=lambda *_: None, warning=lambda *_: None)  # type: ignore[attr-defined]
    sys.modules.update({"kokoro": package, "loguru": sys.modules.get("loguru", quiet)})
    vocoder = {
        **{"upsample_kernel_sizes": [20, 12], "upsample_rates": [10, 6], "upsample_initial_channel": 512},
        **{"resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3},
        **{"gen_istft_n_fft": 20, "gen_istft_hop_size": 5},
    }
    albert = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 2048, "num_hidden_layers": 12}
    model = importlib.import_module("kokoro.modules")
    decoder = importlib.import_module("kokoro.istftnet")
    whole = importlib.import_module("kokoro.model").KModel.__new__(importlib.import_module("kokoro.model").KModel)
    torch.nn.Module.__init__(whole)
    config = importlib.import_module("transformers").AlbertConfig(vocab_size=178, max_position_embeddings=512, **albert)
    whole.bert, whole.bert_encoder = model.CustomAlbert(config), torch.nn.Linear(768, 512)
    whole.predictor = model.ProsodyPredictor(style_dim=128, d_hid=512, nlayers=3, max_dur=50)
    whole.text_encoder = model.TextEncoder(channels=512, kernel_size=5, depth=3, n_symbols=178)
    whole.decoder = decoder.Decoder(dim_in=512, style_dim=128, dim_out=80, **vocoder)
    own = whole.state_dict()
    filled = {key: torch.from_numpy(value) for key, value in golden.state().items()}
    assert not set(filled) - set(own)
    whole.load_state_dict({**own, **filled})
    return whole.eval()
