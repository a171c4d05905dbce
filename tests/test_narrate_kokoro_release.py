"""Kokoro with its released numbers, as far as wheels carry them: what it says, and when."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path

import kokoro_release
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from lipsync_colab import networks
from lipsync_colab.audio.loudness import loudness
from lipsync_colab.narrate.offset import boundary_differences
from lipsync_colab.narrate.voice import speak
from lipsync_colab.networks.kokoro.model import PARTS
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.recogniser import REMEDY, recognise, recogniser_available
from lipsync_colab.weights.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.recogniser,
    pytest.mark.skipif(not kokoro_release.carried(), reason=kokoro_release.REASON),
]
LINE = "The captain took a paper cup of tea and put it back. A good teacher knows when to keep quiet."


@pytest.fixture()
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the release, with the one voice of the wheels under the name of an American one."""
    state = {key: torch.from_numpy(value) for key, value in kokoro_release.release().items()}
    own = networks.build("kokoro").state_dict()
    state |= {key: value for key, value in own.items() if key.startswith(kokoro_release.UNUSED)}
    assert set(state) == set(own)
    parts = {
        part: {f"module.{key[len(part) + 1 :]}": value for key, value in state.items() if key.startswith(f"{part}.")}
        for part in PARTS
    }
    torch.save(parts, tmp_path / "kokoro-v1_0.pth")
    torch.save(torch.from_numpy(kokoro_release.style()), tmp_path / "af_heart.pt")
    (tmp_path / "config.json").write_text(json.dumps({"vocab": kokoro_release.vocabulary()}), encoding="utf-8")
    monkeypatch.setattr(Store, "path_of", lambda self, name, *_: tmp_path / name.rsplit("/")[-1])


def test_it_says_the_words_at_the_times_that_it_tells(released: None) -> None:
    speech = speak(LINE, "af_heart")
    late = boundary_differences(speech.phonemes or (), align(speech, LINE))
    assert len(late) > 40
    assert np.median(np.abs(late)) <= 0.020 and np.percentile(np.abs(late), 90) <= 0.050
    assert loudness(speech.samples, speech.rate) == pytest.approx(-16, abs=0.5)
    if not recogniser_available():
        pytest.skip(REMEDY)
    said, heard = (re.findall(r"[a-z]+", text.lower()) for text in (LINE, recognise(speech).text))
    blocks = difflib.SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
    assert sum(block.size for block in blocks) >= 0.9 * len(said), heard
