"""The three stages of a talking portrait, one after the other, each with its picture and what it took of memory."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np

from lipsync_colab.device import device_memory, resident_memory
from lipsync_colab.errors import LipSyncError
from lipsync_colab.finish.catalogue import RESTORERS, UPSCALERS
from lipsync_colab.panel.pictures import png
from lipsync_colab.panel.worker import Worker
from lipsync_colab.pipeline.render import frame_stream, prepare, silent
from lipsync_colab.stream import close
from lipsync_colab.types import Image, Portrait, Progress, RenderSettings, Speech

SHOWN = 300
"""Pixels of a picture's longer side on the page."""


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
        output: the video that :meth:`settings` describe would be written there.
        settings: what holds for every stage; its restorer and upscaler are chosen by the stages.
    """

    def __init__(
        self, portrait: Path, speech: Path | Speech, output: Path, settings: RenderSettings | None = None
    ) -> None:
        self._portrait, self._speech, self._output = portrait, speech, output
        self.settings = replace(settings or RenderSettings(), restore="none", upscale="none")
        self.stages: dict[str, Stage] = {}

    def generate(self, share: float = 1 / 3, progress: Progress = silent) -> Stage:
        """Draw one frame as the engine gives it, on the still as it was read.

        Args:
            share: where in the clip, from 0 to 1.
            progress: told what is done.
        """
        self._share = min(1.0, max(0.0, share))
        self.stages.clear()
        return self._stage("generate", self.settings.engine, replace(self.settings), progress)

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
        except LipSyncError as error:
            settings = chosen("none")
            stage = self._stage(name, "none", settings, progress, note=f"Without {by}: {error}")
        self.settings = settings
        return stage

    def _stage(self, name: str, by: str, settings: RenderSettings, progress: Progress, note: str = "") -> Stage:
        from lipsync_colab.pipeline.finishing import finish_still

        memory, device, started = resident_memory(), device_memory(), time.perf_counter()
        notes: list[str] = [note] if note else []
        job = prepare(self._portrait, self._speech, self._output, settings)
        canvas = finish_still(job.portrait, job.plan, progress, notes.append).portrait
        frames = frame_stream(canvas, job.speech, job.plan, round(self._share * (job.plan.frames - 1)))
        try:
            frame = next(frames).copy()
        finally:
            close(frames)
        used = {"generate": job.plan.engine, "enhance": by, "upscale": job.plan.upscale_still if by == "auto" else by}
        self.stages[name] = Stage(
            name,
            used[name],
            frame,
            mouth_of(canvas, frame),
            time.perf_counter() - started,
            (memory, resident_memory()),
            (device, device_memory()),
            " ".join([*notes, *(reason + "." for reason in job.plan.reasons if name == "upscale")]),
        )
        return self.stages[name]

    def side_by_side(self) -> widgets.HBox:
        """Return the stages' pictures beside each other, the mouth below each, as a widget."""
        columns = []
        for stage in self.stages.values():
            layout = widgets.Layout(width=f"{SHOWN}px")
            columns.append(
                widgets.VBox(
                    [
                        widgets.HTML(f"<b>{html.escape(stage.name)}</b> · {html.escape(stage.by)}"),
                        widgets.Image(value=png(stage.frame, SHOWN * 2), format="png", layout=layout),
                        widgets.Image(value=png(stage.mouth), format="png", layout=layout),
                    ]
                )
            )
        return widgets.HBox(columns, layout=widgets.Layout(flex_flow="row wrap", grid_gap="12px"))


def mouth_of(canvas: Portrait, frame: Image) -> Image:
    """Return the mouth and its surroundings out of a frame, uint8 (h, w, 3)."""
    x, y = canvas.face.points[3:].mean(axis=0)
    half = canvas.face.eye_distance * 0.8
    height, width = frame.shape[:2]
    top, bottom = int(max(0, y - half * 0.7)), int(min(height, y + half * 0.7))
    return np.ascontiguousarray(frame[top:bottom, int(max(0, x - half)) : int(min(width, x + half))])


class StageBox:
    """One stage as a cell shows it: its choices, a button to run it again, its picture and its figures.

    Args:
        run: does the stage with the choices' values.
        choices: widgets by the names of ``run``'s parameters.
        button: what the button says.
    """

    def __init__(self, run: Callable[..., Stage], choices: dict[str, Any], button: str = "Run again") -> None:
        self._run, self._choices = run, choices
        self.button = widgets.Button(description=button, icon="refresh")
        self.status = widgets.HTML()
        layout = widgets.Layout(width=f"{SHOWN}px")
        self.picture = widgets.Image(format="png", layout=layout)
        self.mouth = widgets.Image(format="png", layout=layout)
        self.worker = Worker(self._progress)
        self.button.on_click(lambda _: self.worker.start(self._work))
        pictures = widgets.HBox([self.picture, self.mouth], layout=widgets.Layout(align_items="flex-start"))
        self.widget = widgets.VBox([*choices.values(), self.button, self.status, pictures])

    def show(self) -> Stage | None:
        """Display the box and run the stage once; return what it gave, None where it failed."""
        from IPython.display import display

        display(self.widget)
        return self._once(silent)

    def _progress(self, stage: str, done: int, total: int, left: float | None) -> None:
        self.status.value = html.escape(f"{stage}: {done} of {total}")

    def _work(self, progress: Progress, cancel: threading.Event) -> None:
        self.button.disabled = True
        try:
            self._once(progress)
        finally:
            self.button.disabled = False

    def _once(self, progress: Progress) -> Stage | None:
        try:
            stage = self._run(**{name: choice.value for name, choice in self._choices.items()}, progress=progress)
        except LipSyncError as error:
            self.status.value = f"<span style='color:#b3261e'>{html.escape(str(error))}</span>"
            return None
        self.status.value = html.escape(stage.told)
        self.picture.value, self.mouth.value = png(stage.frame, SHOWN * 2), png(stage.mouth)
        return stage


def stage_boxes(walk: Walkthrough, restorer: str = "gfpgan", upscaler: str = "auto") -> tuple[StageBox, ...]:
    """Return the boxes of the three stages, with these choices preset."""
    style = {"description_width": "110px"}
    moment = widgets.FloatSlider(value=0.33, min=0, max=1, step=0.01, description="Moment", style=style)
    face = widgets.Dropdown(options=["none", *RESTORERS], value=restorer, description="Restorer", style=style)
    strength = widgets.FloatSlider(value=0.8, min=0, max=1, step=0.05, description="Strength", style=style)
    enlarger = widgets.Dropdown(
        options=["auto", "none", *UPSCALERS], value=upscaler, description="Upscaler", style=style
    )
    return (
        StageBox(walk.generate, {"share": moment}),
        StageBox(walk.enhance, {"restorer": face, "strength": strength}),
        StageBox(walk.upscale, {"upscaler": enlarger}),
    )
