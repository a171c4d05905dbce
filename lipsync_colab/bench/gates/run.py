"""All sources through all gates: figures as they come, a sheet and a clip of each, and a JSON of everything."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lipsync_colab.bench.gates.clips import clip_gates
from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.bench.gates.sheet import sheet
from lipsync_colab.bench.gates.sources import found_face, portraits, scaled, variations
from lipsync_colab.bench.gates.stills import still_gates
from lipsync_colab.bench.gates.voices import Line, raw_gates, spoken
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.errors import InputError
from lipsync_colab.pipeline.render import finish_still, prepare, silent
from lipsync_colab.portrait import FaceTracker
from lipsync_colab.types import Image, RenderSettings

VOICES = ("hibari", "joe")
"""A woman's and a man's, in turn."""
VARIED = 640
"""Short side of varied pictures in pixels; the picture itself is measured at the size of the clips."""


@dataclasses.dataclass(frozen=True)
class Scope:
    """What is run.

    Attributes:
        output: folder for sheets, clips and the JSON.
        folder: further portraits, or None.
        only: names of sources; empty for all.
        size: short side of clips and sheets in pixels.
        seconds: of each clip; 0 for none.
        varied: whether pictures are varied too.
    """

    output: Path
    folder: Path | None = None
    only: tuple[str, ...] = ()
    size: int = 720
    seconds: float = 10.0
    varied: bool = True


def run(scope: Scope, told: Callable[[str], None] = print) -> dict[str, Any]:
    """Run every source of a scope through the gates.

    Args:
        scope: what is run.
        told: each figure that fails and each refusal, as it comes.

    Returns:
        ``gates`` (a list of rows), ``refused`` (name to reason) and ``passed``; also written to ``gates.json``.

    Raises:
        InputError: the folder holds no such source.
    """
    scope.output.mkdir(parents=True, exist_ok=True)
    sources = portraits(scope.folder)
    chosen = {name: image for name, image in sources.items() if not scope.only or name in scope.only}
    if not chosen:
        raise InputError(f"no source of that name: choose of {', '.join(sources)}")
    refused: dict[str, str] = {}
    gates: list[Gate] = []
    lines = {voice: spoken(scope.output, voice, scope.seconds) for voice in VOICES} if scope.seconds else {}
    for index, (name, image) in enumerate(chosen.items()):
        for gate in _source_gates(scope, name, image, list(lines.values())[index % 2] if lines else None, refused):
            gates.append(gate)
            if not gate.passed:
                told(f"{gate.source} {gate.variation}: {gate.name} {gate.value:.3f}")
        _write(scope, gates, refused)
    for voice, line in lines.items():
        gates += _raw(scope, line, voice)
    return _write(scope, gates, refused)


def _source_gates(scope: Scope, name: str, image: Image, line: Line | None, refused: dict[str, str]) -> Iterator[Gate]:
    """Yield the gates of one source, its variations and its clip; what is refused is noted."""
    with FaceTracker() as tracker:
        whole = scaled(image, scope.size)
        try:
            portrait = found_face(whole, name, tracker)
            yield from still_gates(portrait, name, "")
            _save(scope.output / f"{name}_sheet.png", sheet(portrait))
        except InputError as error:
            refused[name] = str(error)
            return
        for variation, make in variations(portrait, VARIED) if scope.varied else ():
            try:
                yield from still_gates(found_face(make(), name, tracker), name, variation)
            except InputError as error:
                refused[f"{name} {variation}"] = str(error)
    if line is not None:
        picture = scope.output / f"{name}.png"
        _save(picture, image)
        yield from clip_gates(picture, line, scope.output / f"{name}.mp4", scope.size, name)


def _raw(scope: Scope, line: Line, voice: str) -> list[Gate]:
    """Return the gates of the sound alone; whose lips they move matters little."""
    picture = scope.output / "hopper.png"
    _save(picture, portraits(None)["hopper"])
    job = prepare(picture, line.speech, scope.output / "raw.mp4", RenderSettings(size="512x600", upscale="none"))
    return raw_gates(line, voice, job.plan, Mouth(finish_still(job.portrait, job.plan, silent).portrait))


def _save(path: Path, image: Image) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR))


def _write(scope: Scope, gates: list[Gate], refused: dict[str, str]) -> dict[str, Any]:
    found = {
        "gates": [gate.row() for gate in gates],
        "refused": refused,
        "passed": bool(gates) and all(gate.passed for gate in gates),
    }
    (scope.output / "gates.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found
