"""Settings and a machine in, a plan or a refusal out. Pure: nothing here opens a file or asks a device."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from lipsync_colab.device import Machine
from lipsync_colab.engines.registry import ENGINES, EngineInfo
from lipsync_colab.engines.viseme.facing import check_facing
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.finish.background import parse_background
from lipsync_colab.finish.catalogue import RESTORERS as RESTORER_ENTRIES
from lipsync_colab.finish.framing import frame_face, output_size
from lipsync_colab.finish.steps import Geometry, Speed, choose_steps
from lipsync_colab.types import Caption, Mood, Portrait, RenderPlan, RenderSettings, frame_count
from lipsync_colab.version import __version__

SEGMENT_SECONDS = 10
"""Length of one published segment: what a lost runtime costs at most."""

MAX_FPS = 120
_DECIMAL_RATES = {
    "23.976": Fraction(24000, 1001),
    "23.98": Fraction(24000, 1001),
    "29.97": Fraction(30000, 1001),
    "47.952": Fraction(48000, 1001),
    "59.94": Fraction(60000, 1001),
    "119.88": Fraction(120000, 1001),
}
AMOUNTS = ("head_motion", "expression", "blink")
CAPTIONS = ("none", "srt", "burn", "both")
RESTORERS = ("none", *RESTORER_ENTRIES)
UPSCALERS = (
    *("auto", "none", "realesrgan-x2plus", "realesrgan-x4plus"),
    *("realesr-general-x4v3", "realesr-animevideov3", "sd-x4"),
)


@dataclass(frozen=True, eq=False)
class Subject:
    """What a plan must know of the inputs.

    Attributes:
        portrait: as it was read.
        portrait_digest: sha256 of its file.
        speech_digest: sha256 of the voice's file.
        seconds: length of the voice.
        background_digest: sha256 of the background's file, when it is a file.
        moods: how the face feels, by time.
        captions: what is drawn into the picture, by time.
        lips: where the times of the lips' phonemes will come from, in words; empty where nobody asked.
    """

    portrait: Portrait
    portrait_digest: str
    speech_digest: str
    seconds: float
    background_digest: str = ""
    moods: tuple[Mood, ...] = ()
    captions: tuple[Caption, ...] = ()
    lips: str = ""


def parse_fps(text: str) -> Fraction:
    """Return an exact rate from ``"25"``, ``"29.97"`` (which is 30000/1001) or ``"30000/1001"``.

    Raises:
        InputError: no number, or outside 1 to 120.
    """
    try:
        # Digits only, and few: of "1e999999999" Fraction would make a number of a thousand million digits.
        if not re.fullmatch(r"[0-9.]{1,12}(/[0-9]{1,12})?", text):
            raise ValueError(text)
        rate = _DECIMAL_RATES.get(text) or Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"--fps {text}: give a number such as 25, 29.97 or 30000/1001") from None
    if not 1 <= rate <= MAX_FPS:
        raise InputError(f"--fps {text}: choose a rate from 1 to {MAX_FPS}")
    return rate


def check_settings(settings: RenderSettings) -> None:
    """Refuse values that no plan can carry out.

    Raises:
        InputError: names the option and what it takes.
    """
    _one_of("--engine", settings.engine, ("auto", *ENGINES))
    _one_of("--restore", settings.restore, RESTORERS)
    _one_of("--upscale", settings.upscale, UPSCALERS)
    _one_of("--captions", settings.captions, CAPTIONS)
    for name in AMOUNTS:
        _within(f"--{name.replace('_', '-')}", getattr(settings, name), 0, 2)
    _within("--strength", settings.strength, 0, 1)
    _within("--crf", settings.crf, 0, 51)
    if settings.bitrate and not re.fullmatch(r"\d{1,6}(\.\d+)?[kKM]", settings.bitrate):
        raise InputError(f"--bitrate {settings.bitrate}: write it as 8M or 2500k")
    if settings.face is not None and settings.face < 1:
        raise InputError(f"--face {settings.face}: faces are counted from 1, the largest first")
    parse_fps(settings.fps)


def _one_of(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{option} {value}: choose one of {', '.join(choices)}")


def _within(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{option} {value:g}: choose a number from {low:g} to {high:g}")


def make_plan(
    settings: RenderSettings, subject: Subject, machine: Machine, obtainable: Collection[str] = ()
) -> RenderPlan:
    """Decide everything about one render.

    Args:
        settings: what was asked.
        subject: the inputs' facts.
        machine: where it will run.
        obtainable: upscalers whose weights can be had without asking anybody.

    Raises:
        InputError: the settings contradict themselves.
        MachineError: this machine cannot run it; the message names the nearest plan that it can.
    """
    check_settings(settings)
    reasons: list[str] = []
    fps = parse_fps(settings.fps)
    parse_background(settings.background)
    width, height = output_size(subject.portrait.size, settings.size, settings.aspect)
    frames = frame_count(subject.seconds, fps)
    engine = _choose_engine(settings, machine, reasons)
    if engine == "viseme" and (note := check_facing(subject.portrait.face)):
        reasons.append(note)
    if engine == "viseme" and subject.lips:
        reasons.append(f"lips by {subject.lips}")
    reasons += _mood_reasons(subject.moods, ENGINES[engine])
    speed = Speed.of(machine.device, machine.cores, machine.torch)
    steps = choose_steps(
        _geometry(subject.portrait, (width, height), ENGINES[engine]),
        speed,
        restore=settings.restore,
        upscale=settings.upscale,
        obtainable=obtainable,
    )
    reasons += steps.reasons
    _check_disk(settings, (width, height), subject.seconds, machine)
    # Files beside the video change no picture: what is rendered already stays good when they are asked for.
    kept = dataclasses.replace(settings, captions="burn" if settings.captions in ("burn", "both") else "none")
    return RenderPlan(
        settings=kept,
        engine=engine,
        portrait=subject.portrait_digest,
        speech=subject.speech_digest,
        background=subject.background_digest,
        width=width,
        height=height,
        fps=str(fps),
        frames=frames,
        segment=max(1, round(SEGMENT_SECONDS * fps)),
        restore_still=steps.restore_still,
        upscale_still=steps.upscale_still,
        restore_patch=steps.restore_patch,
        upscale_patch=steps.upscale_patch,
        patch_scale=steps.patch_scale,
        device=machine.device,
        dtype=machine.dtype,
        batch=8 if machine.device == "cuda" else 4,
        moods=subject.moods,
        captions=subject.captions,
        version=__version__,
        reasons=tuple(reasons),
    )


def _mood_reasons(moods: tuple[Mood, ...], engine: EngineInfo) -> list[str]:
    """Say what becomes of the expression tags."""
    tags = list(dict.fromkeys(mood.tag for mood in moods if mood.tag != "neutral"))
    if not tags:
        return []
    named = ", ".join(tags)
    if engine.expresses:
        return [f"{named}: the engine {engine.name} moves {engine.expresses}"]
    return [f"{named}: not shown, the engine {engine.name} moves the mouth by the sound alone; choose viseme"]


def _geometry(portrait: Portrait, size: tuple[int, int], engine: EngineInfo) -> Geometry:
    """Return what the finishing steps must know of still, canvas and patch."""
    scale = frame_face(portrait.size, portrait.face, size).scale
    width, height = portrait.size
    return Geometry(
        source=portrait.size,
        canvas=(round(width * scale), round(height * scale)),
        face_height=(portrait.face.box[3] - portrait.face.box[1]) * scale,
        patch_face_height=engine.native[1] * engine.face_share if engine.native else 0.0,
    )


def _choose_engine(settings: RenderSettings, machine: Machine, reasons: list[str]) -> str:
    if settings.engine == "auto":
        reasons.append("engine viseme: it needs no weights and moves the picture's own pixels at output size")
        return "viseme"
    if ENGINES[settings.engine].needs_torch and not machine.torch:
        raise MachineError(
            f"the engine {settings.engine} needs PyTorch: pip install 'lipsync-colab[neural]', or --engine viseme"
        )
    reasons.append(f"engine {settings.engine}: as asked")
    return settings.engine


def _check_disk(settings: RenderSettings, size: tuple[int, int], seconds: float, machine: Machine) -> None:
    need = disk_bytes(settings, size, seconds)
    if need > machine.disk:
        raise MachineError(
            f"the video needs about {need / 1e6:.0f} MB of disk and {machine.disk / 1e6:.0f} MB are free; "
            f"free some space, choose a smaller --size, or a --bitrate"
        )


def disk_bytes(settings: RenderSettings, size: tuple[int, int], seconds: float) -> int:
    """Return the disk space that segments and the joined file take together, on the safe side.

    At constant quality a talking still takes about 0.02 bit per pixel and second of 25 fps video in crf 18 for
    each step of 6 below crf 36; the estimate is three times what was seen.
    """
    if settings.bitrate:
        unit = {"k": 1e3, "m": 1e6}[settings.bitrate[-1].lower()]
        rate = float(settings.bitrate[:-1]) * unit
    else:
        rate = size[0] * size[1] * 5 * 2 ** ((18 - settings.crf) / 6)
    return int(2 * seconds * (rate + 200_000) / 8)
