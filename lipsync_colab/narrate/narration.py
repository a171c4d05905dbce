"""From a prompt to a voice: a script is written, spoken, measured, and fitted to the seconds that were asked for."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipsync_colab.audio.decode import RATE
from lipsync_colab.audio.loudness import normalised
from lipsync_colab.audio.wav import write_wav
from lipsync_colab.errors import InputError
from lipsync_colab.narrate.llm import MODELS, LanguageModel
from lipsync_colab.narrate.script import LANGUAGE, Scene, Script, bare_words
from lipsync_colab.narrate.voice import FASTEST, SLOWEST, resampled, say
from lipsync_colab.narrate.voices import (
    REGISTRY,
    UNREADABLE,
    check_reader,
    check_seed,
    open_voice,
    unreadable,
    voice_info,
)
from lipsync_colab.narrate.writer import rewriting, write
from lipsync_colab.phonemes.reading import is_english, sayable
from lipsync_colab.phonemes.text import sentences, spoken_text
from lipsync_colab.phonemes.timing import shifted, tiled
from lipsync_colab.types import Array, Phoneme, Progress, Speech

SHORTEST, LONGEST = 2.0, 300.0
"""Seconds that can be asked for."""
TOLERANCE = 0.1
"""Of the asked seconds, measured on the sound."""
SLOWER, FASTER = 0.85, 1.2
"""How far the pace may be moved to fit; further is heard."""
ROUNDS = 20
"""Seeds that a first draft may use up: a rewrite begins behind them."""
LEFT_OUT = 2
"""Loose sentences that may be left out before the last one that is kept."""
REFERS_BACK = re.compile(r"(?:it|its|they|their|he|she|this|these|those|that|such|also|but|and|however)\b", re.I)
"""How a sentence begins that speaks of what one before it named."""
LONGEST_PROMPT, LONGEST_STYLE = 20_000, 1_000
"""Characters, whatever the model."""


@dataclass(frozen=True)
class Line:
    """One spoken sentence: what captions show.

    Attributes:
        scene: index of its scene.
        text: as written.
        start: seconds.
        end: seconds.
    """

    scene: int
    text: str
    start: float
    end: float


@dataclass(frozen=True, eq=False)
class Narration:
    """A script and its sound.

    Attributes:
        script: what was spoken, with the pace that it was spoken at.
        speech: 16 kHz at -16 LUFS, with phonemes.
        lines: its sentences with their times.
        sound: float32 (N,) at the voice's own rate, -16 LUFS.
        rate: samples of ``sound`` per second.
    """

    script: Script
    speech: Speech
    lines: tuple[Line, ...]
    sound: Array
    rate: int

    def write(self, path: str | Path) -> Path:
        """Write the sound as a WAV; the name appears only when the file is whole.

        Raises:
            InputError: the folder is missing or cannot be written to.
        """
        return write_wav(path, self.sound, self.rate)


def check_request(prompt: str, seconds: float, language: str, voice: str, style: str = "", seed: int = 0) -> None:
    """Refuse what cannot be narrated, before anything is fetched or loaded.

    Raises:
        InputError: nothing to speak about, too long, no such voice, a language that no voice has, or no such seed.
        MachineError: the program that reads the language is not installed.
    """
    check_voice(voice, language)
    check_seed(seed)
    if not any(letter.isalnum() for letter in prompt):
        raise InputError("the prompt holds no words: say what to speak about")
    if len(prompt) > LONGEST_PROMPT:
        raise InputError(f"the prompt has {len(prompt):,} characters: at most {LONGEST_PROMPT:,}; give a summary")
    if len(style) > LONGEST_STYLE:
        raise InputError(f"--style has {len(style):,} characters: at most {LONGEST_STYLE:,}; say it shorter")
    if not SHORTEST <= seconds <= LONGEST:
        raise InputError(f"--seconds {seconds:g} is out of range: give {SHORTEST:g} to {LONGEST:g}")


def check_voice(voice: str, language: str) -> None:
    """Refuse a voice that is none, and a language that it does not speak.

    Raises:
        InputError: it is not there.
        MachineError: the program that reads the language is not installed.
    """
    info = voice_info(voice)
    if not LANGUAGE.fullmatch(language):
        raise InputError(f"{language!r} is no language code: write 'en'")
    wanted = language.partition("-")[0]
    if wanted != info.language.partition("-")[0]:
        if wanted in UNREADABLE:
            raise unreadable(wanted)
        others = [one.name for one in REGISTRY.values() if one.language.partition("-")[0] == wanted]
        if not others:
            codes = {one.language.partition("-")[0] for one in REGISTRY.values()}
            spoken = ", ".join(sorted(codes.difference(UNREADABLE)))
            raise InputError(
                f"no voice speaks {language!r}: there are voices for {spoken}; give a Piper voice's .onnx with "
                "--voice, or a recording"
            )
        raise InputError(f"{voice} does not speak {language!r}: choose --voice {' or '.join(others[:3])}")
    check_reader(info)


def narrate(
    model: LanguageModel,
    prompt: str,
    seconds: float = 20.0,
    language: str = "en",
    voice: str = "hibari",
    style: str = "",
    seed: int = 0,
    progress: Progress | None = None,
) -> Narration:
    """Write, speak and fit. One rewrite is asked for when the first text is far off; then it is cut, and paced.

    A model that cannot write JSON writes loose sentences: its rewrite adds some, and any of them may be left out.

    Args:
        model: a loaded language model; it stays open.
        prompt: what to speak about.
        seconds: 2 to 300; the sound comes within 10 % of it, or a note in the script says that it does not.
        language: a code that the voice speaks.
        voice: a name, or a Piper voice's file; see :func:`~lipsync_colab.narrate.voices.voice_info`.
        style: further wishes for the text.
        seed: of the model's sampling and of the voice's breath.
        progress: ``("tokens", …)`` while it writes, ``("sentences", …)`` while it speaks.

    Raises:
        InputError: see :func:`check_request`; the prompt is too long for the model; the model wrote no script.
    """
    check_request(prompt, seconds, language, voice, style, seed)
    spec = MODELS.get(model.name)
    if spec is not None and len(prompt) > spec.longest_prompt:
        raise InputError(
            f"the prompt has {len(prompt):,} characters and {model.name} takes {spec.longest_prompt:,}: shorten it, or "
            "choose a larger --llm"
        )
    if not model.structured:
        if not is_english(language):
            raise InputError(f"{model.name} writes English only: choose a larger --llm, or give a --script")
        spoken_text(prompt)
    words = max(4, round(seconds * voice_info(voice).pace))
    script = write(model, prompt, words, seconds, language, style, seed, progress)
    said = speak_script(script, voice, seed, progress)
    loose = not model.structured
    if _off(said, seconds) and not _can_be_cut(said, seconds, loose):
        wish = f"{style}{rewriting(said.speech.seconds, seconds)}".strip()
        again = words if loose else round(words * seconds / said.speech.seconds)
        earlier = [line.text for line in said.lines] if loose and script.writer == model.name else ()
        script = write(model, prompt, again, seconds, language, wish, seed + ROUNDS, progress, earlier)
        said = speak_script(script, voice, seed, progress)
    return fitted(said, seconds, voice, seed, progress, loose)


def fitted(
    said: Narration,
    seconds: float,
    voice: str,
    seed: int = 0,
    progress: Progress | None = None,
    loose: bool = False,
) -> Narration:
    """Cut sentences off the end, then move the pace a little, until the sound has the length; or say that it has not.

    Args:
        said: a narration of any length.
        seconds: wanted.
        voice: that spoke it.
        seed: it was spoken with.
        progress: of the sentences that are spoken anew.
        loose: whether the sentences hold on their own, so that any may be left out.
    """
    pace = 1.0
    for _ in range(2):
        kept = _cut(said, seconds, loose)
        if len(kept) == len(said.lines) and not _off(said, seconds):
            return said
        wanted = min(FASTER, max(SLOWER, pace * _length(kept, said) / seconds))
        said = speak_script(_paced(said.script, kept, wanted / pace), voice, seed, progress)
        pace = wanted
    if not _off(said, seconds):
        return said
    note = f"{said.speech.seconds:.1f} s long: {seconds:g} s were asked for, and the text has no sentence to fit"
    return dataclasses.replace(said, script=dataclasses.replace(said.script, notes=(*said.script.notes, note)))


def speak_script(
    script: Script,
    voice: str = "hibari",
    seed: int = 0,
    progress: Progress | None = None,
) -> Narration:
    """Say a script.

    Args:
        script: its scenes' language must be the voice's.
        voice: a name.
        seed: of the breath noise.
        progress: ``("sentences", done, total)``.

    Raises:
        InputError: a scene is in another language, or holds nothing to say.
    """
    for scene in script.scenes:
        check_voice(voice, scene.language)
        sayable(scene.text, scene.language)
    jobs = [
        (index, text) for index, scene in enumerate(script.scenes) for text in sentences(scene.text, scene.language)
    ]
    speaker = open_voice(voice, seed, progress)
    native = speaker.rate
    pieces: list[Array] = []
    phonemes: list[Phoneme] = []
    lines: list[Line] = []
    at = 0
    for number, (index, text) in enumerate(jobs, 1):
        scene = script.scenes[index]
        first = at
        for one in say(speaker, text, scene.rate):
            phonemes += shifted(one.phonemes, at / native)
            pieces.append(one.samples)
            at += len(one.samples)
        lines.append(Line(index, text, first / native, at / native))
        if number == len(jobs) or jobs[number][0] != index:
            silence = np.zeros(round(scene.pause * native), np.float32)
            pieces.append(silence)
            at += len(silence)
        if progress is not None:
            progress("sentences", number, len(jobs))
    samples = normalised(np.concatenate(pieces), native)
    heard = resampled(samples, native)
    speech = Speech(heard, RATE, None, tiled(phonemes, len(heard) / RATE), script.text)
    return Narration(script, speech, tuple(lines), samples, native)


def _off(said: Narration, seconds: float) -> bool:
    return abs(said.speech.seconds - seconds) > TOLERANCE * seconds


def _can_be_cut(said: Narration, seconds: float, loose: bool) -> bool:
    """Whether leaving sentences out, and the pace, are enough: then no rewrite is needed."""
    kept = _cut(said, seconds, loose)
    return _misfit(kept, said, seconds) == 0 and not _lacks_its_subject(kept, said)


def _lacks_its_subject(kept: tuple[Line, ...], said: Narration) -> bool:
    """Whether a cut text begins with a sentence that speaks of one which was left out."""
    return kept[0] != said.lines[0] and REFERS_BACK.match(kept[0].text) is not None


def _cut(said: Narration, seconds: float, loose: bool) -> tuple[Line, ...]:
    """The first sentences whose end lies nearest to the wanted one; at least one.

    Of loose sentences some may be left out on the way, where the pace alone does not give the length.
    """
    best = min(range(len(said.lines)), key=lambda index: abs(said.lines[index].end - seconds))
    kept = said.lines[: best + 1]
    if not loose or _misfit(kept, said, seconds) == 0:
        return kept

    def cost(lines: tuple[Line, ...]) -> tuple[float, tuple[bool, bool], int, float]:
        # The first sentence names the subject: it is the last to go.
        left_out = said.lines.index(lines[-1]) + 1 - len(lines)
        length = abs(_length(lines, said) - seconds)
        beginning = _lacks_its_subject(lines, said), lines[0] != said.lines[0]
        return _misfit(lines, said, seconds), beginning, left_out, length

    return min(_choices(said.lines), key=cost)


def _choices(lines: tuple[Line, ...]) -> Iterator[tuple[Line, ...]]:
    """Yield the beginnings of a text without up to :data:`LEFT_OUT` of their sentences, the last one never left out."""
    for last in range(len(lines)):
        for missing in range(min(LEFT_OUT, last) + 1):
            for others in itertools.combinations(lines[:last], last - missing):
                yield (*others, lines[last])


def _length(lines: tuple[Line, ...], said: Narration) -> float:
    """Seconds of some of a narration's lines, with the pauses between scenes where none is left out."""
    if lines == said.lines[: len(lines)]:
        return lines[-1].end
    return sum(line.end - line.start for line in lines)


def _misfit(lines: tuple[Line, ...], said: Narration, seconds: float) -> float:
    """How far the lines' length is from what a pace that is hardly heard can bring to the wanted one; 0 within that."""
    pace = _length(lines, said) / seconds
    return max(0.0, math.log(pace / FASTER), math.log(SLOWER / pace))


def _paced(script: Script, kept: tuple[Line, ...], factor: float) -> Script:
    """The script of the kept sentences, faster by a factor; the end has no pause left."""
    scenes: list[Scene] = []
    for index in sorted({line.scene for line in kept}):
        scene = script.scenes[index]
        text = " ".join(line.text for line in kept if line.scene == index)
        rate = min(FASTEST, max(SLOWEST, round(scene.rate * factor, 3)))
        there = set(bare_words(text))
        emphasis = tuple(word for word in scene.emphasis if there.issuperset(bare_words(word)))
        scenes.append(dataclasses.replace(scene, text=re.sub(r"\s+", " ", text), rate=rate, emphasis=emphasis))
    scenes[-1] = dataclasses.replace(scenes[-1], pause=0.0)
    return dataclasses.replace(script, scenes=tuple(scenes))
