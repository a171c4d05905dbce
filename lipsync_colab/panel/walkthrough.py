"""The three stages of a talking portrait, one after the other, each with its picture and what it took of memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lipsync_colab.device import device_memory, resident_memory
from lipsync_colab.errors import Cancelled, LipSyncError
from lipsync_colab.pipeline.finishing import finish_still
from lipsync_colab.pipeline.frames import shown_frame
from lipsync_colab.pipeline.render import drawn_frame, prepare, silent
from lipsync_colab.portrait import load_portrait
from lipsync_colab.portrait.mouth_crop import mouth_crop
from lipsync_colab.types import Image, Progress, RenderSettings, Speech


@dataclass(frozen=True, eq=False)
class Stage:
    """What one stage gave.

    Attributes:
        name: ``"generate"``, ``"enhance"`` or ``"upscale"``.
        by: the engine, restorer or upscaler that was used; ``"none"`` where it was left out.
        frame: uint8 (H, W, 3), one finished frame.
        mouth: the mouth out of it.
        seconds: that the stage took.
        memory: ``(before, after)`` of this process, in bytes.
        device: the same of the GPU.
        note: one sentence where something was done otherwise than asked.
    """

    name: str
    by: str
    frame: Image
    mouth: Image
    seconds: float
    memory: tuple[int, int]
    device: tuple[int, int]
    note: str = ""

    @property
    def told(self) -> str:
        """Return the figures in one line."""
        before, after = (round(value / 1e6) for value in self.memory)
        line = f"{self.name} ({self.by}): {self.seconds:.1f} s, memory {before:,} → {after:,} MB"
        if any(self.device):
            first, last = (round(value / 1e6) for value in self.device)
            line += f", GPU {first:,} → {last:,} MB"
        return f"{line}. {self.note}" if self.note else f"{line}."


class Walkthrough:
    """Generate, enhance, upscale: each adds one thing to the same frame of the same clip.

    Args:
        portrait: a picture file.
        speech: a voice.
        output: where the video of these settings would be written.
        settings: what holds for every stage; its restorer and upscaler are chosen by the stages.

    Attributes:
        portrait: as it was read.
        settings: with the choices of the stages that ran.
        stages: what they gave, by name.

    Raises:
        InputError: the picture cannot be read, or shows no face.
    """

    def __init__(
        self, portrait: Path, speech: Path | Speech, output: Path, settings: RenderSettings | None = None
    ) -> None:
        self._file, self._speech, self._output = portrait, speech, output
        self.settings = replace(settings or RenderSettings(), restore="none", upscale="none")
        self.portrait = load_portrait(portrait, self.settings.face)
        self.stages: dict[str, Stage] = {}
        self._share = 1 / 3

    def generate(self, share: float = 1 / 3, progress: Progress = silent) -> Stage:
        """Draw one frame as the engine gives it, on the still as it was read.

        Args:
            share: where in the clip, from 0 to 1.
            progress: told what is done.
        """
        self._share = min(1.0, max(0.0, share))
        self.stages.clear()
        return self._stage("generate", self.settings.engine, replace(self.settings, restore="none"), progress)

    def enhance(self, restorer: str = "gfpgan", strength: float = 0.8, progress: Progress = silent) -> Stage:
        """Restore the face; where the restorer cannot be had the stage says so and leaves the frame as it was.

        Args:
            restorer: a name of ``--restore``.
            strength: share of the restored face, from 0 to 1.
            progress: told what is done.
        """
        settings = replace(self.settings, strength=strength)
        return self._or_without("enhance", restorer, lambda by: replace(settings, restore=by), progress)

    def upscale(self, upscaler: str = "auto", progress: Progress = silent) -> Stage:
        """Enlarge still and patches; where the network cannot be had the stage says so and uses interpolation.

        Args:
            upscaler: a name of ``--upscale``.
            progress: told what is done.
        """
        return self._or_without("upscale", upscaler, lambda by: replace(self.settings, upscale=by), progress)

    def _or_without(self, name: str, by: str, chosen: Callable[[str], RenderSettings], progress: Progress) -> Stage:
        settings = chosen(by)
        try:
            stage = self._stage(name, by, settings, progress)
        except Cancelled:
            raise
        except LipSyncError as error:
            settings = chosen("none")
            stage = self._stage(name, "none", settings, progress, note=f"Without {by}: {error}")
        self.settings = settings
        return stage

    def _stage(self, name: str, by: str, settings: RenderSettings, progress: Progress, note: str = "") -> Stage:
        memory, device, started = resident_memory(), device_memory(), time.perf_counter()
        notes: list[str] = [note] if note else []
        if name != "upscale":  # an earlier run of the cells may have chosen one already
            settings = replace(settings, upscale="none")
        job = prepare(self._file, self._speech, self._output, settings)
        canvas = finish_still(job.portrait, job.plan, progress, notes.append)
        frame = drawn_frame(job, canvas, shown_frame(job.plan, self._share))
        used = {"generate": job.plan.engine, "enhance": by, "upscale": job.plan.upscale_still if by == "auto" else by}
        self.stages[name] = Stage(
            name,
            used[name],
            frame,
            mouth_crop(canvas.portrait.face, frame),
            time.perf_counter() - started,
            (memory, resident_memory()),
            (device, device_memory()),
            " ".join([*notes, *(reason + "." for reason in job.plan.reasons if name == "upscale")]),
        )
        return self.stages[name]
