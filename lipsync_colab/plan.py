"""Settings and a machine in, a plan or a refusal out. Pure: nothing here opens a file or asks a device."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from lipsync_colab.device import Machine
from lipsync_colab.engines.registry import ENGINES, EngineInfo
from lipsync_colab.engines.viseme.facing import check_facing
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.estimate import Estimate, estimate
from lipsync_colab.finish.background import parse_background
from lipsync_colab.finish.catalogue import RESTORERS as RESTORER_ENTRIES
from lipsync_colab.finish.framing import SHORT_SIDES, output_size
from lipsync_colab.frame_rate import parse_fps
from lipsync_colab.types import LARGEST_SEED, Budget, Caption, Mood, Portrait, RenderPlan, RenderSettings, frame_count
from lipsync_colab.version import __version__

SEGMENT_SECONDS = 10
"""Length of one published segment: what a lost runtime costs at most."""
CHAINED_SECONDS = 2
"""The same of an engine that draws for minutes at each second of video."""

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
        lips: where the times of the lips' phonemes will come from, as
            :func:`~lipsync_colab.phonemes.source.expected_source` tells it: its name and its words; empty where nobody
            asked.
        recognised: whether the captions' words were made out by a recogniser.
    """

    portrait: Portrait
    portrait_digest: str
    speech_digest: str
    seconds: float
    background_digest: str = ""
    moods: tuple[Mood, ...] = ()
    captions: tuple[Caption, ...] = ()
    lips: tuple[str, str] = ("", "")
    recognised: bool = False


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
    _within("--seed", settings.seed, 0, LARGEST_SEED)
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
        raise InputError(f"{option} {value:g}: choose a number from {low:g} to {high:.10g}")


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
    if engine == "viseme" and subject.lips[1]:
        reasons.append(f"lips by {subject.lips[1]}")
    if subject.recognised:
        reasons.append("captions show the words that a recogniser heard: read them before you publish")
    reasons += _mood_reasons(subject.moods, ENGINES[engine])
    cost = _fit_or_refuse(settings, subject, machine, obtainable)
    steps = cost.steps
    reasons += [*steps.reasons, *_machine_reasons(settings, engine, cost, machine)]
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
        segment=max(1, round(_segment_seconds(ENGINES[engine]) * fps)),
        restore_still=steps.restore_still,
        upscale_still=steps.upscale_still,
        restore_patch=steps.restore_patch,
        upscale_patch=steps.upscale_patch,
        patch_scale=steps.patch_scale,
        device=machine.device,
        dtype=machine.dtype,
        batch=cost.batch,
        tile=cost.tile,
        budget=Budget(
            memory=cost.memory,
            device_memory=cost.device_memory,
            disk=cost.disk,
            seconds=round(cost.total(frames / float(fps)), 1),
            measured=cost.measured,
        ),
        moods=subject.moods,
        captions=subject.captions,
        version=__version__,
        reasons=tuple(reasons),
    )


def _segment_seconds(engine: EngineInfo) -> float:
    return min(SEGMENT_SECONDS, CHAINED_SECONDS) if engine.chained else SEGMENT_SECONDS


def uses_networks(plan: RenderPlan) -> bool:
    """Whether a plan runs networks on torch."""
    steps = (plan.restore_still, plan.upscale_still, plan.restore_patch, plan.upscale_patch)
    return ENGINES[plan.engine].needs_torch or any(step != "none" for step in steps)


def _machine_reasons(settings: RenderSettings, engine: str, cost: Estimate, machine: Machine) -> list[str]:
    """Say what follows from the machine."""
    why = "no CUDA device" if settings.device == "auto" else "as asked"
    half = "networks that draw frames in half precision, restorers in float32"
    said = [f"device cuda: {machine.name}, {half}" if machine.device == "cuda" else f"device cpu: {why}, float32"]
    said += cost.lowered
    if cost.tile:
        said.append(f"still: enlarged in pieces of up to {cost.tile} px, by what memory holds")
    info = ENGINES[engine]
    if info.cost:
        said.append(f"{info.frame_flops(settings) / 1e12:.0f} TFLOP for each frame, by the engine's own options")
    if info.needs_torch and not info.chained and not cost.lowered:
        said.append(f"batch {cost.batch}: fits, and more is no faster")
    return said


def _mood_reasons(moods: tuple[Mood, ...], engine: EngineInfo) -> list[str]:
    """Say what becomes of the expression tags."""
    tags = list(dict.fromkeys(mood.tag for mood in moods if mood.tag != "neutral"))
    if not engine.expresses and any(mood.head != 1 for mood in moods):
        tags.append("scenes' head motion")  # every engine that shows a tag moves the head too
    if not tags:
        return []
    named = ", ".join(tags)
    if engine.expresses:
        return [f"{named}: the engine {engine.name} moves {engine.expresses}"]
    return [f"{named}: not shown, the engine {engine.name} moves the mouth by the sound alone; choose viseme"]


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


def _fit_or_refuse(
    settings: RenderSettings, subject: Subject, machine: Machine, obtainable: Collection[str]
) -> Estimate:
    """Return what the render will take.

    Raises:
        MachineError: it does not fit; the message names the nearest plan that does.
    """
    cost = estimate(settings, machine, subject.portrait, obtainable, subject.seconds, subject.lips[0])
    if cost.refusal:
        raise MachineError(f"this machine cannot run it: it {cost.refusal}; {nearest(settings, subject, machine)}")
    return cost


def nearest(settings: RenderSettings, subject: Subject, machine: Machine, obtainable: Collection[str] = ()) -> str:
    """Return in words the plan that fits and differs least: one change where one is enough, then two, then more."""
    steps = [change for change in _smaller(settings) if any(getattr(settings, key) != value for key, value in change)]
    for count in range(1, len(steps) + 1):
        for chosen in itertools.combinations(steps, count):
            changes = [change for step in chosen for change in step]
            if len(dict(changes)) < len(changes):
                continue
            less = dataclasses.replace(settings, **dict(changes))
            if not estimate(less, machine, subject.portrait, obtainable, subject.seconds).refusal:
                said = " ".join(f"--{key} {value}" for key, value in changes if key not in ("options", "crf"))
                head = " --option head=256" if "options" in dict(changes) else ""
                return f"the nearest that fits: {said}{head}".rstrip()
    return "nothing smaller fits either: free some memory or disk, or take a larger machine"


def _smaller(settings: RenderSettings) -> list[tuple[tuple[str, Any], ...]]:
    """Return the changes that make a render smaller, those that a person sees least first."""
    changes: list[tuple[tuple[str, Any], ...]] = []
    if settings.option("head") == "512":
        changes.append((("options", tuple(pair for pair in settings.options if pair[0] != "head")),))
    changes += [(("restore", "none"),), (("upscale", "none"),)]
    if not settings.bitrate:
        changes.append((("bitrate", "2500k"),))
    changes += [(("size", name),) for name in reversed(SHORT_SIDES) if name != settings.size][:2]
    return [*changes, (("size", "512x512"), ("aspect", "match")), (("engine", "viseme"),)]
