"""Training: what is heard is varied but repeats; a small run learns; numpy computes what torch computes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.audio.bands import BANDS, FINE_BANDS
from lipsync_colab.audio.heard import HeardSpeech
from lipsync_colab.engines.viseme.learned import (
    DILATIONS,
    FIRST_KERNEL,
    KERNEL,
    REACH,
    STRIDE,
    WARPS,
    heard_outputs,
    read_weights,
)
from lipsync_colab.engines.viseme.outputs import OUTPUTS
from lipsync_colab.training.batches import CROP_STEPS, batch_of, crop_of
from lipsync_colab.training.corpus import PHONES, VoiceData
from lipsync_colab.training.rooms import heard_elsewhere, white_noise
from lipsync_colab.types import Speech
from lipsync_colab.weights.tensor_file import read_tensors, write_tensors

torch = pytest.importorskip("torch")


def voice(seed: int = 0, steps: int = 900) -> VoiceData:
    """A voice of two sounds: high bands with an open jaw, silence with closed lips."""
    random = np.random.default_rng(seed)
    opened = np.repeat(random.random(steps // 10) < 0.5, 10)
    energies = np.full((2 * steps, FINE_BANDS), -5.0, np.float16)
    energies[np.repeat(opened, 2), 30:60] = -1
    targets = np.zeros((steps, len(OUTPUTS)), np.float16)
    targets[opened, 0] = 0.9
    targets[~opened, OUTPUTS.index("press")] = 1
    targets[:, OUTPUTS.index("activity")] = 1
    return VoiceData(f"voice-{seed}", energies, targets, np.where(opened, 3, 0).astype(np.uint8))


def test_batches_repeat_and_differ() -> None:
    voices = [voice(0), voice(1)]
    one, same, other = (batch_of(voices, 6, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one.heard.shape == (6, 2 * CROP_STEPS, BANDS) and one.wanted.shape == (6, CROP_STEPS, len(OUTPUTS))
    assert one.phones.shape == (6, CROP_STEPS) and one.phones.max() < len(PHONES)
    np.testing.assert_array_equal(one.heard, same.heard)
    assert not np.array_equal(one.heard, other.heard)
    assert one.heard.min() >= 0 and one.heard.max() <= 4.5 and np.isfinite(one.heard).all()


def test_pace_moves_sound_and_targets_alike() -> None:
    for seed in range(4):
        energies, wanted, _ = crop_of(voice(), np.random.default_rng(seed))
        loud = energies[::2].sum(axis=1) > 0.01 * energies.sum(axis=1).max()
        assert np.mean(loud == (wanted[:, 0] > 0.45)) > 0.93


def test_rooms_change_what_is_heard_but_not_its_range() -> None:
    energies = np.random.default_rng(0).random((400, FINE_BANDS)).astype(np.float32)
    heard = [heard_elsewhere(energies, energies, np.random.default_rng(seed)) for seed in range(20)]
    assert all(one.shape == (400, BANDS) and one.min() >= 0 and one.max() <= 4.5 for one in heard)
    assert np.std([one.mean(axis=0) for one in heard], axis=0).mean() > 0.1
    silent = heard_elsewhere(np.zeros_like(energies), np.zeros_like(energies), np.random.default_rng(1))
    assert np.isfinite(silent).all()
    assert white_noise().mean(axis=0).min() > 0


def test_a_small_run_learns_and_repeats() -> None:
    from lipsync_colab.training.learning import Recipe, learn

    recipe = Recipe(steps=40, size=6, channels=16, seed=3)
    voices = [voice(0), voice(1)]
    weights, losses = learn(voices, recipe)
    again, same = learn(voices, recipe)
    assert np.mean(losses[-8:]) < 0.6 * np.mean(losses[:4])
    assert losses == same and all(np.array_equal(weights[name], again[name]) for name in weights)
    _, others = learn(voices, dataclasses.replace(recipe, seed=4))
    assert others != losses
    assert not any("phones" in name for name in weights)


def test_training_goes_on_where_it_ended_and_repeats() -> None:
    from lipsync_colab.training.learning import Recipe, learn, refine

    voices = [voice(0), voice(1)]
    weights, losses = learn(voices, Recipe(steps=40, size=6, channels=16, seed=3))
    shorter = Recipe(steps=12, size=6, rate=3e-4, seed=3, press=3.0, favour=2.0, settling=10)
    further, later = refine(voices, weights, shorter)
    again, same = refine(voices, weights, shorter)
    assert later == same and all(np.array_equal(further[name], again[name]) for name in further)
    assert {name: one.shape for name, one in further.items()} == {name: one.shape for name, one in weights.items()}
    assert any(not np.array_equal(further[name], weights[name]) for name in further)
    assert np.mean(later) < np.mean(losses[:6])


def test_a_new_head_is_taught_before_the_rest_moves() -> None:
    from lipsync_colab.training.learning import Recipe, learn, refine

    voices = [voice(0), voice(1)]
    weights, _ = learn(voices, Recipe(steps=40, size=6, channels=16, seed=3))
    told: list[str] = []
    settled, none = refine(voices, weights, Recipe(steps=0, cycle=1, size=6, seed=3, settling=40), told.append)
    assert none == [] and all(np.array_equal(settled[name], weights[name]) for name in weights)
    before, after = (float(number) for number in told[0].removeprefix("phones: loss ").split(" to "))
    assert after < 0.7 * before
    unsettled, later = (
        refine(voices, weights, Recipe(steps=1, size=6, seed=3, settling=count))[1] for count in (0, 40)
    )
    assert later < unsettled


def test_networks_of_a_file_learn_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lipsync_colab.networks.viseme import VisemeNetwork
    from lipsync_colab.training import corpus
    from lipsync_colab.training.__main__ import main
    from lipsync_colab.weights.eight_bits import in_eight_bits

    before, after = tmp_path / "before.safetensors", tmp_path / "after.safetensors"
    tensors = {}
    for number, channels in enumerate((12, 8)):
        torch.manual_seed(number)
        network = VisemeNetwork(BANDS, len(OUTPUTS), channels=channels)
        tensors |= {f"{number}.{name}": tensor.numpy() for name, tensor in network.folded().items()}
    write_tensors(before, in_eight_bits(tensors), {"seed": "1, 2", "steps": "0"})
    monkeypatch.setattr(corpus, "load_corpus", lambda *rest: [voice(0), voice(1)])
    assert main(["refine", str(before), "--steps", "3", "--weights", str(after)]) == 0
    assert read_tensors(after)[1] == {"seed": "1, 2", "steps": "0", "refined": "seed 7, 3 steps each"}
    for old, new in zip(read_weights(before), read_weights(after), strict=True):
        assert {name: one.shape for name, one in old.items()} == {name: one.shape for name, one in new.items()}
        assert not np.allclose(old["mouth.bias"], new["mouth.bias"], atol=1e-5)


def test_stages_are_averaged() -> None:
    from lipsync_colab.training.learning import averaged

    stages = [{"a": np.array([1, 2], np.float16)}, {"a": np.array([2, 5], np.float16)}]
    np.testing.assert_array_equal(averaged(stages)["a"], np.array([1.5, 3.5], np.float16))


def test_a_cycle_may_be_left_early() -> None:
    from lipsync_colab.training.learning import Recipe, learn

    voices = [voice(0), voice(1)]
    whole = Recipe(steps=20, size=4, channels=8, seed=3)
    part = dataclasses.replace(whole, steps=8, cycle=20)
    assert learn(voices, part)[1] == learn(voices, whole)[1][:8]


def test_networks_of_several_files_hear_together(tmp_path: Path) -> None:
    from lipsync_colab.networks.viseme import VisemeNetwork
    from lipsync_colab.training.__main__ import main
    from lipsync_colab.weights.eight_bits import in_eight_bits

    speech = Speech(np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32), 16_000)
    shapes = OUTPUTS.index("press")
    heard, files = [], []
    for number, channels in enumerate((16, 24)):
        torch.manual_seed(number)
        network = VisemeNetwork(BANDS, len(OUTPUTS), channels=channels)
        torch.nn.init.normal_(network.mouth.weight)
        weights = {f"0.{name}": tensor.numpy() for name, tensor in network.folded().items()}
        files.append(tmp_path / f"{number}.safetensors")
        write_tensors(files[-1], in_eight_bits(weights), {"seed": str(number), "steps": "0"})
        heard.append(heard_outputs(speech, read_weights(files[-1]))[:, :shapes])
    both = tmp_path / "both.safetensors"
    assert main(["join", *map(str, files), "--weights", str(both)]) == 0
    found = heard_outputs(speech, read_weights(both))[:, :shapes]
    assert np.abs(heard[0] - heard[1]).max() > 0.1
    np.testing.assert_allclose(found, (heard[0] + heard[1]) / 2, atol=1e-4)
    assert read_tensors(both)[1]["seed"] == "0, 1"


def test_natural_voices_are_favoured() -> None:
    voices = [dataclasses.replace(voice(0), key="own-a"), dataclasses.replace(voice(0), key="flite-b")]
    voices[1].phones[:] = 5
    shares = [np.mean(batch_of(voices, 60, np.random.default_rng(2), favour).phones == 5) for favour in (1.0, 6.0)]
    assert shares[0] > 2 * shares[1] > 0


def test_numpy_computes_what_torch_computes() -> None:
    from lipsync_colab.networks import viseme
    from lipsync_colab.networks.viseme import VisemeNetwork

    assert (viseme.DILATIONS, viseme.KERNEL) == (DILATIONS, KERNEL)
    assert (viseme.FIRST_KERNEL, viseme.STRIDE) == (FIRST_KERNEL, STRIDE)
    torch.manual_seed(0)
    network = VisemeNetwork(BANDS, len(OUTPUTS), channels=24).eval()
    for name, tensor in network.state_dict().items():  # as if it had been trained
        if "running_var" in name:
            tensor.uniform_(0.5, 2)
        elif tensor.dtype == torch.float32:
            tensor.add_(0.1 * torch.randn(tensor.shape))
    speech = Speech(np.random.default_rng(0).normal(0, 0.1, 16_000 * 4).astype(np.float32), 16_000)
    heard = HeardSpeech(speech.samples)
    with torch.no_grad():
        each = [network(torch.from_numpy(heard.rows(0, len(heard), warp))[None])[0].numpy() for warp in WARPS]
    wanted = np.mean(each, axis=0)
    found = heard_outputs(speech, [{name: tensor.numpy() for name, tensor in network.folded().items()}])
    shapes = OUTPUTS.index("press")
    np.testing.assert_allclose(found[:, :shapes], wanted[:, :shapes], atol=2e-4)
    np.testing.assert_allclose(found[:, shapes:], 1 / (1 + np.exp(-wanted[:, shapes:])), atol=2e-4)


def test_an_output_depends_on_its_reach_alone() -> None:
    from lipsync_colab.networks.viseme import VisemeNetwork

    network = VisemeNetwork(BANDS, 1, channels=4).eval()
    torch.nn.init.normal_(network.mouth.weight)
    energies = torch.zeros(1, 4 * REACH + 40, BANDS, requires_grad=True)
    network(energies)[0, REACH + 10, 0].backward()
    touched = np.flatnonzero(energies.grad[0].abs().sum(dim=1).numpy())  # type: ignore[union-attr]
    margin = (FIRST_KERNEL - STRIDE) // 2
    assert touched.min() >= STRIDE * 10 - margin and touched.max() <= STRIDE * (2 * REACH + 11) + margin
