"""All sources through all gates, piece by piece: sheets, clips, and a JSON of each piece to go on from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from lipsync_colab.bench.gates.clips import clip_gates, clip_size, person_clip_gates
from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.bench.gates.machine import machine_gates
from lipsync_colab.bench.gates.people import people, person_gates
from lipsync_colab.bench.gates.results import Piece, Results
from lipsync_colab.bench.gates.sheet import sheet
from lipsync_colab.bench.gates.sources import VARIATIONS, found_face, portraits, save_picture, scaled, varied
from lipsync_colab.bench.gates.stills import still_gates
from lipsync_colab.bench.gates.voices import sound_gates, spoken
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.errors import InputError
from lipsync_colab.pipeline.render import Render, finish_still, prepare, silent
from lipsync_colab.portrait import FaceTracker
from lipsync_colab.types import Image, Portrait, RenderPlan, RenderSettings, Speech

VOICES = ("hibari", "joe")
"""A woman's and a man's, in turn."""
PERSON = "hopper"
"""Whose face the recordings of people move."""
VARIED = 640
"""Short side of varied pictures in pixels; the picture itself is measured at the size of the clips."""
HD = 1080
"""Short side at which the setup is timed."""
SECOND = 1.0
"""Of speech, rendered at 4K."""
Measure = Callable[[], list[Gate]]


@dataclasses.dataclass(frozen=True)
class Scope:
    """What is run.

    Attributes:
        output: folder for sheets, clips and figures.
        folder: further portraits and recordings of people, or None.
        only: names of sources and voices; empty for all.
        parts: ``"still"``, ``"clip"``, ``"machine"``, ``"sound"`` or names of variations; empty for all.
        size: short side of clips and sheets in pixels.
        seconds: of each clip.
        again: whether pieces that were measured before are measured again.
    """

    output: Path
    folder: Path | None = None
    only: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    size: int = 720
    seconds: float = 10.0
    again: bool = False


def run(scope: Scope, told: Callable[[str], None] = print) -> dict[str, Any]:
    """Run the pieces of a scope that were not run before.

    Args:
        scope: what is run.
        told: each figure that fails and each refusal, as it comes.

    Returns:
        ``gates`` (a list of rows), ``refused`` (name to reason) and ``passed`` of every piece that lies in the output
        folder; also written to ``gates.json``.

    Raises:
        InputError: the folder holds no such source, or there is no such part.
    """
    results = Results(scope.output, {"size": scope.size, "seconds": scope.seconds}, told)
    for piece, measure in _chosen(scope):
        if scope.again or not results.has(piece):
            results.measure(piece, measure)
    return results.gather()


def _chosen(scope: Scope) -> list[tuple[Piece, Measure]]:
    """Return the pieces that a scope names, in order."""
    bench = _Bench(scope)
    pieces = list(bench.pieces())
    sources = dict.fromkeys(piece.source for piece, _ in pieces)
    parts = dict.fromkeys(piece.part for piece, _ in pieces)
    for asked, known, what in ((scope.only, sources, "source"), (scope.parts, parts, "part")):
        if unknown := [name for name in asked if name not in known]:
            raise InputError(f"no {what} {', '.join(unknown)}: choose of {', '.join(known)}")
    return [
        (piece, measure)
        for piece, measure in pieces
        if (not scope.only or piece.source in scope.only) and (not scope.parts or piece.part in scope.parts)
    ]


class _Bench:
    """Measures pieces; what several of them need is made once, when the first asks for it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._sources = portraits(scope.folder)
        self._people = people(scope.folder)
        self._line = cache(lambda voice, seconds: spoken(scope.output, voice, seconds))
        self._sized = cache(self._portrait)

    def pieces(self) -> Iterator[tuple[Piece, Measure]]:
        """Yield every piece and what measures it."""
        for index, name in enumerate(self._sources):
            yield Piece(name, "still"), partial(self._still, name)
            for variation in VARIATIONS:
                yield Piece(name, variation), partial(self._variation, name, variation)
            yield Piece(name, "clip"), partial(self._clip, name, VOICES[index % len(VOICES)])
            yield Piece(name, "machine"), partial(self._machine, name)
        for voice in VOICES:
            yield Piece(voice, "sound"), partial(self._sound, voice)
        for voice in self._people:
            yield Piece(voice, "sound"), partial(self._person, voice)
            yield Piece(voice, "clip"), partial(self._person_clip, voice, PERSON)

    def _still(self, name: str) -> list[Gate]:
        portrait = self._sized(name, self._scope.size)
        save_picture(self._scope.output / f"{name}_sheet.png", sheet(portrait))
        return still_gates(portrait, name, "")

    def _variation(self, name: str, variation: str) -> list[Gate]:
        picture = varied(self._sized(name, self._scope.size), variation, VARIED)
        return still_gates(_found(picture, name), name, variation)

    def _clip(self, name: str, voice: str) -> list[Gate]:
        line = self._line(voice, self._scope.seconds)
        return clip_gates(self._picture(name), line, self._scope.output / f"{name}.mp4", self._scope.size, name)

    def _machine(self, name: str) -> list[Gate]:
        portrait = self._sized(name, HD)
        speech = self._line(VOICES[0], SECOND).speech
        return machine_gates(portrait, self._picture(name), speech, self._scope.output / f"{name}.4k.mp4", name)

    def _sound(self, voice: str) -> list[Gate]:
        line = self._line(voice, self._scope.seconds)
        return sound_gates(line, voice, *_posed(self._job(PERSON, line.speech)))

    def _person(self, voice: str) -> list[Gate]:
        speech = self._people[voice]
        return person_gates(speech, voice, *_posed(self._job(PERSON, speech)))

    def _person_clip(self, voice: str, source: str) -> list[Gate]:
        output = self._scope.output / f"{voice}.mp4"
        return person_clip_gates(self._picture(source), self._people[voice], output, self._scope.size, voice)

    def _job(self, name: str, speech: Speech) -> Render:
        picture = self._picture(name)
        settings = RenderSettings(size=clip_size(picture, self._scope.size), upscale="none")
        return prepare(picture, speech, self._scope.output / "sound.mp4", settings)

    def _picture(self, name: str) -> Path:
        path = self._scope.output / f"{name}.png"
        if not path.exists():
            save_picture(path, self._sources[name])
        return path

    def _portrait(self, name: str, short: int) -> Portrait:
        return _found(scaled(self._sources[name], short), name)


def _found(image: Image, name: str) -> Portrait:
    with FaceTracker() as tracker:
        return found_face(image, name, tracker)


def _posed(job: Render) -> tuple[RenderPlan, Mouth]:
    return job.plan, Mouth(finish_still(job.portrait, job.plan, silent).portrait)
