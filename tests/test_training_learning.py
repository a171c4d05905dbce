"""Training: a small run learns and repeats; numpy computes what torch computes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.engines.viseme.learned import DILATIONS, KERNEL, REACH, heard_outputs, read_weights
from lipsync_colab.engines.viseme.outputs import OUTPUTS
from lipsync_colab.phonemes import encoded as encoded_module
from lipsync_colab.phonemes.encoded import MARGIN, SIZE, WINDOW_STEPS, EncodedSpeech
from lipsync_colab.training.windows import Windows
from lipsync_colab.types import Speech
from lipsync_colab.weights.tensor_file import read_tensors

torch = pytest.importorskip("torch")

PRESS = OUTPUTS.index("press")


def windows(seed: int = 0, count: int = 12) -> Windows:
    """Two sounds in turn: with one the jaw is open, with the other the lips are closed."""
    random = np.random.default_rng(seed)
    opened = np.repeat(random.random((count, WINDOW_STEPS // 10)) < 0.5, 10, axis=1)
    encodings = random.normal(0, 0.3, (count, WINDOW_STEPS, SIZE)).astype(np.float16)
    encodings[..., :40] += np.where(opened, 1, -1)[..., None].astype(np.float16)
    targets = np.zeros((count, WINDOW_STEPS, len(OUTPUTS)), np.float16)
    targets[opened, 0] = 0.9
    targets[~opened, PRESS] = 1
    targets[..., OUTPUTS.index("activity")] = 1
    return Windows(encodings, targets, np.where(opened, 3, 0).astype(np.uint8))


def test_batches_repeat_and_show_every_window_in_turn() -> None:
    from lipsync_colab.training.learning import Recipe, batches

    known = windows()
    known.phones[:] = np.arange(len(known))[:, None]
    recipe = Recipe(steps=6, size=4, seed=5)
    one, same = list(batches(known, recipe)), list(batches(known, recipe))
    assert all(
        torch.equal(a.heard, b.heard) and torch.equal(a.wanted, b.wanted) for a, b in zip(one, same, strict=True)
    )
    seen = [int(number) for batch in one for number in batch.phones[:, 0]]
    assert sorted(seen[:12]) == sorted(seen[12:]) == list(range(12)) and seen[:12] != seen[12:]
    other = next(batches(known, dataclasses.replace(recipe, seed=6)))
    assert not torch.equal(other.phones, one[0].phones)


def test_a_batch_asks_for_what_lies_between_the_margins() -> None:
    from lipsync_colab.training.learning import LOST, batch_of

    known = windows()
    lengths = set()
    for seed in range(20):
        batch = batch_of(known, np.arange(4), np.random.default_rng(seed))
        count = WINDOW_STEPS - 2 * MARGIN
        assert batch.wanted.shape == (4, count, len(OUTPUTS)) and batch.phones.shape == (4, count)
        kept = batch.heard[:, batch.first : batch.first + count]
        lost = (batch.heard == 0).all(dim=1)
        assert 0.05 < float(lost.float().mean()) < 0.15
        inside = torch.from_numpy(known.encodings[:4, MARGIN:-MARGIN].astype(np.float32)) / (1 - LOST)
        assert torch.allclose(kept, inside.masked_fill(lost[:, None], 0), atol=1e-6)
        lengths.add(batch.heard.shape[1])
    assert lengths == {WINDOW_STEPS, WINDOW_STEPS - MARGIN, WINDOW_STEPS - 2 * MARGIN}


def test_a_small_run_learns_and_repeats() -> None:
    from lipsync_colab.training.learning import Recipe, learn

    recipe = Recipe(steps=24, size=4, channels=16, seed=3)
    weights, losses = learn(windows(), recipe)
    again, same = learn(windows(), recipe)
    assert np.mean(losses[-6:]) < 0.5 * np.mean(losses[:3])
    assert losses == same and all(np.array_equal(weights[name], again[name]) for name in weights)
    _, others = learn(windows(), dataclasses.replace(recipe, seed=4))
    assert others != losses
    assert not any("phones" in name for name in weights)


def test_the_command_writes_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lipsync_colab.training import windows as windows_module
    from lipsync_colab.training.__main__ import main

    asked: list[object] = []

    def load(folder: Path, count: int, seed: int, tell: object, share: float) -> Windows:
        asked.extend((folder, count, seed, share))
        return windows()

    monkeypatch.setattr(windows_module, "load_windows", load)
    path = tmp_path / "new.safetensors"
    words = ["learn", "--data", str(tmp_path), "--windows", "12", "--steps", "3", "--seed", "9", "--share", "0.5"]
    assert main([*words, "--weights", str(path)]) == 0
    assert asked == [tmp_path, 12, 9, 0.5]
    assert read_tensors(path)[1] == {"seed": "9", "windows": "12", "steps": "3"}
    weights = read_weights(path)
    assert weights["first.weight"].shape[1] == SIZE and len(weights["mouth.weight"]) == len(OUTPUTS)


def test_numpy_computes_what_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    from lipsync_colab.networks import viseme
    from lipsync_colab.networks.viseme import VisemeNetwork

    assert (viseme.DILATIONS, viseme.KERNEL) == (DILATIONS, KERNEL)
    torch.manual_seed(0)
    network = VisemeNetwork(SIZE, len(OUTPUTS), channels=24).eval()
    for name, tensor in network.state_dict().items():  # as if it had been trained
        if "running_var" in name:
            tensor.uniform_(0.5, 2)
        elif tensor.dtype == torch.float32:
            tensor.add_(0.1 * torch.randn(tensor.shape))
    random = np.random.default_rng(0)
    monkeypatch.setattr(
        encoded_module, "encoded", lambda samples: random.normal(0, 1, (WINDOW_STEPS, SIZE)).astype(np.float32)
    )
    speech = Speech(random.normal(0, 0.1, 16_000 * 4).astype(np.float32), 16_000)
    encodings = EncodedSpeech(speech).steps(0, 200)
    monkeypatch.setattr(EncodedSpeech, "steps", lambda self, start, stop: encodings[start:stop])
    with torch.no_grad():
        wanted = network(torch.from_numpy(encodings)[None])[0].numpy()
    found = heard_outputs(speech, {name: tensor.numpy() for name, tensor in network.folded().items()})
    np.testing.assert_allclose(found[:, :PRESS], wanted[:, :PRESS], atol=2e-4)
    np.testing.assert_allclose(found[:, PRESS:], 1 / (1 + np.exp(-wanted[:, PRESS:])), atol=2e-4)


def test_an_output_depends_on_its_reach_alone() -> None:
    from lipsync_colab.networks.viseme import VisemeNetwork

    network = VisemeNetwork(SIZE, 1, channels=4).eval()
    torch.nn.init.normal_(network.mouth.weight)
    encodings = torch.zeros(1, 2 * REACH + 20, SIZE, requires_grad=True)
    network(encodings)[0, REACH + 10, 0].backward()
    touched = np.flatnonzero(encodings.grad[0].abs().sum(dim=1).numpy())  # type: ignore[union-attr]
    assert touched.min() >= 10 and touched.max() <= 2 * REACH + 10
