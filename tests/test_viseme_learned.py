"""The shipped viseme network: what it is, and that it hears people it was not trained on."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from human_speech import HumanSpeech

from lipsync_colab.audio.voicing import voiced_gate
from lipsync_colab.engines.viseme.decoding import speaks
from lipsync_colab.engines.viseme.learned import BLOCK, WEIGHTS, heard_outputs, shipped_weights
from lipsync_colab.engines.viseme.outputs import OUTPUTS
from lipsync_colab.errors import WeightsError
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.word_aligner import AlignmentFailed
from lipsync_colab.training.conditions import white_15
from lipsync_colab.training.scores import Score, compared, score_of
from lipsync_colab.training.sources import Source, by_energy, by_loop, by_network, reference
from lipsync_colab.types import Speech
from lipsync_colab.weights.tensor_file import read_tensors

CARD = WEIGHTS.with_suffix(".md")


def test_the_file_is_small_and_its_card_is_about_it() -> None:
    data = WEIGHTS.read_bytes()
    assert len(data) < 1_000_000
    card = CARD.read_text(encoding="utf-8")
    assert hashlib.sha256(data).hexdigest() in card
    _, metadata = read_tensors(WEIGHTS)
    assert all(f"{value} {name}" in card or f"{name} {value}" in card for name, value in metadata.items())
    assert all(np.isfinite(tensor).all() for tensor in shipped_weights().values())


def test_a_damaged_file_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "learned.safetensors"
    broken.write_bytes(WEIGHTS.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="install the package again"):
        read_tensors(broken)


def test_what_is_heard_does_not_depend_on_the_blocks() -> None:
    speech = speak("Maybe Bob moved my map.")
    np.testing.assert_allclose(heard_outputs(speech, block=31), heard_outputs(speech, block=BLOCK), atol=1e-4)


def test_silence_noise_and_a_blip_are_nobody() -> None:
    random = np.random.default_rng(0)
    for samples in (np.zeros(32_000), 0.05 * random.standard_normal(32_000), np.zeros(10)):
        outputs = heard_outputs(Speech(samples.astype(np.float32), 16_000))
        assert np.isfinite(outputs).all() and not speaks(outputs)


def test_where_windows_meet_does_not_matter() -> None:
    """The recording begins later: what is heard of it stays the same, wherever the encoder's windows begin."""
    speech = speak("Maybe Bob moved my map. Papa brought a pumpkin pie to the market. We sell sea shells.")
    whole = heard_outputs(speech)
    for steps in (100, 230, 350):
        later = heard_outputs(Speech(np.pad(speech.samples, (320 * steps, 0)), speech.rate))[steps:]
        for name in ("jaw", "press"):
            column = OUTPUTS.index(name)
            assert np.corrcoef(whole[:, column], later[:, column])[0, 1] > 0.95


@pytest.mark.slow
def test_people_are_heard_better_than_by_the_phone_loop(human_speech: HumanSpeech) -> None:
    takes = []
    for name in human_speech.longer_than(8)[::8][:20]:
        speech = human_speech.load(name)
        try:
            takes.append(dataclasses.replace(speech, phonemes=align(speech, speech.text, voiced_gate(speech))))
        except AlignmentFailed:
            continue
    assert len(takes) >= 10
    random = np.random.default_rng(1)
    clean = [_heard(take, take.samples) for take in takes]
    noisy = [_heard(take, white_15(take.samples, take.samples, random)) for take in takes]

    network, loop = _score(by_network(), takes, clean), _score(by_loop, takes, clean)
    assert network.openness > max(loop.openness, 0.9)
    assert network.recall > max(loop.recall + 0.05, 0.9)
    assert network.spurious < loop.spurious
    assert network.moving == 0

    network, loop, energy = (_score(source, takes, noisy) for source in (by_network(), by_loop, by_energy))
    assert network.openness > max(loop.openness + 0.1, energy.openness + 0.1, 0.85)
    assert network.recall > max(loop.recall + 0.3, 0.7)


def _heard(take: Speech, samples: np.ndarray) -> Speech:
    return dataclasses.replace(take, samples=samples, phonemes=None, text="")


def _score(source: Source, takes: list[Speech], heard: list[Speech]) -> Score:
    pairs = zip(takes, heard, strict=True)
    return score_of([compared(source(one, ""), reference(take), take.phonemes or ()) for take, one in pairs])
