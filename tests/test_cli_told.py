"""``render`` from words: a prompt, a script, a storyboard, and every contradiction in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from material import astronaut, frames_of, hopper

from lipsync_colab.cli import told
from lipsync_colab.cli.main import main
from lipsync_colab.errors import WeightsError
from lipsync_colab.narrate.llm import LanguageModel

WORDS = ("--size", "96x96", "--head-motion", "0", "--upscale", "none")


@pytest.fixture()
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(hopper(), tmp_path / "a.jpg")
    (tmp_path / "voice.wav").write_bytes(b"x")
    (tmp_path / "s.json").write_text(json.dumps({"scenes": [{"text": "Hello there.", "expression": "happy"}]}))
    (tmp_path / "b.json").write_text(json.dumps({"scenes": [{"portrait": "a.jpg", "text": "Hello."}]}))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "no portrait was given"),
        ("a.jpg", "nothing is heard"),
        ("a.jpg voice.wav --narrate x", "both voice.wav and --narrate"),
        ("a.jpg voice.wav --script s.json", "both voice.wav and --script"),
        ("a.jpg voice.wav --storyboard b.json", "both voice.wav and --storyboard"),
        ("a.jpg voice.wav --seconds 9", "--seconds says nothing here"),
        ("a.jpg voice.wav --voice joe", "--voice says nothing here"),
        ("a.jpg --storyboard b.json", "PORTRAIT says nothing here"),
        ("--storyboard b.json --voice joe", "--voice says nothing here"),
        ("--storyboard b.json --script s.json", "--script says nothing here"),
        ("--storyboard b.json --face 2", "of their own"),
        ("--storyboard none.json", "none.json cannot be read as a storyboard"),
        ("a.jpg --script s.json --llm x", "--llm says nothing here"),
        ("a.jpg --script none.json", "none.json cannot be read as a script"),
        ("a.jpg --script s.json --voice bob", "no voice 'bob'"),
        ("a.jpg --script s.json --text x", "--text is what a recording says"),
        ("a.jpg --script s.json --captions loud", "--captions loud: choose one of"),
        ("a.jpg --script s.json --size huge", "--size 'huge' is unknown"),
        ("a.jpg --narrate x --seconds 1", "--seconds 1 is out of range"),
        ("a.jpg --narrate x --size huge", "--size 'huge' is unknown"),
        ("b.jpg --narrate x", "b.jpg"),
        ("a.jpg --narrate x --script none/s.json", "cannot be written"),
        ("a.jpg --narrate !", "holds no words"),
    ],
)
def test_a_contradiction_is_one_line_and_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str, said: str
) -> None:
    def never(*words: object) -> None:
        raise AssertionError("a model was opened")

    monkeypatch.setattr("lipsync_colab.narrate.llm.open_model", never)
    before = sorted(folder.iterdir())
    assert main(["render", *words.split(), "-o", "out.mp4"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("lipsync-colab: ") and said in error
    assert sorted(folder.iterdir()) == before


def test_a_script_becomes_a_video_with_captions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "a.jpg", "--script", "s.json", "-o", "o.mp4", *WORDS, "--captions", "srt", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert done["stage"] == "done" and done["report"]["frames"] == len(frames_of(folder / "o.mp4"))
    assert "Hello there." in (folder / "o.srt").read_text()
    assert not (folder / "o.mp4.scenes").exists()


def test_a_storyboard_keeps_its_scenes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--storyboard", "b.json", "-o", "o.mp4", *WORDS, "--plan-only"]) == 0
    assert "scene 1: 96×96" in capsys.readouterr().out and not (folder / "o.mp4").exists()
    assert main(["render", "--storyboard", "b.json", "-o", "o.mp4", *WORDS]) == 0
    assert "1 scene, 96×96" in capsys.readouterr().out
    assert (folder / "o.mp4.scenes").is_dir() and (folder / "o.mp4").is_file()


class Writer:
    """A model that writes one script, and notes when it is closed."""

    name, structured, closed = "test-writer", True, False

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *words: object) -> None:
        self.closed = True


def test_a_prompt_is_written_spoken_and_the_model_closed_before_rendering(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lipsync_colab.narrate.narration import Narration, speak_script
    from lipsync_colab.narrate.script import Scene, Script
    from lipsync_colab.pipeline import storyboard

    writer = Writer()

    def narrated(model: LanguageModel, prompt: str, seconds: float, *words: object) -> Narration:
        assert (model, prompt, seconds) == (writer, "the sea", 3.0)
        return speak_script(Script((Scene("The sea is wide."),), "test-writer", ("checked by nobody",)))

    rendering = storyboard.run_storyboard

    def run(*words: object, **more: object) -> object:
        assert writer.closed
        return rendering(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("lipsync_colab.narrate.llm.open_model", lambda *words: (writer, "it was asked for"))
    monkeypatch.setattr("lipsync_colab.narrate.narration.narrate", narrated)
    monkeypatch.setattr(storyboard, "run_storyboard", run)
    words = ["render", "a.jpg", "--narrate", "the sea", "--seconds", "3", "--script", "new.json", "-o", "o.mp4"]
    assert main([*words, *WORDS, "--quiet"]) == 0
    assert json.loads((folder / "new.json").read_text())["scenes"][0]["text"] == "The sea is wide."
    notes = json.loads((folder / "o.mp4.json").read_text())["report"]["notes"]
    assert notes[:2] == ["it was asked for", "checked by nobody"]
    assert notes[2].endswith("MB of memory were given back when test-writer was closed")
    assert len(frames_of(folder / "o.mp4")) > 20


def test_a_model_may_write_in_another_language(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*words: object) -> None:
        raise WeightsError("a model was opened")

    monkeypatch.setattr("lipsync_colab.narrate.llm.open_model", opened)
    monkeypatch.setattr("lipsync_colab.narrate.voices.espeak_available", lambda: True)
    words = ["render", "a.jpg", "--narrate", "la mer", "--language", "fr", "--voice", "ff_siwis", "-o", "o.mp4"]
    assert main(words) == WeightsError.exit_code


def test_two_backgrounds_of_a_script_are_two_scenes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    astronaut(folder)
    scenes = [{"text": "One."}, {"text": "Two.", "background": "#102030"}]
    (folder / "s.json").write_text(json.dumps({"scenes": scenes}))
    assert main(["render", "astronaut.png", "--script", "s.json", "-o", "o.mp4", *WORDS, "--aspect", "match"]) == 0
    assert "2 scenes" in capsys.readouterr().out


def test_defaults_are_those_of_narrate() -> None:
    assert told.WRITING["seconds"] == 20.0 and told.WRITING["llm"] == "auto"
