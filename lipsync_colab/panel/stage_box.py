"""The stages of the walkthrough as cells show them: choices with their costs, a button, pictures and figures."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from lipsync_colab.device import inspect_machine
from lipsync_colab.errors import LipSyncError
from lipsync_colab.panel.controls import TITLES, choice, slider
from lipsync_colab.panel.look import classed, column, heading, note, picture, row, style_sheet
from lipsync_colab.panel.offers import offers, pairs, refusals
from lipsync_colab.panel.pictures import png
from lipsync_colab.panel.studio import said
from lipsync_colab.panel.walkthrough import Stage, Walkthrough
from lipsync_colab.panel.worker import Run, Step, Worker
from lipsync_colab.pipeline.finishing import obtainable_upscalers
from lipsync_colab.pipeline.render import silent
from lipsync_colab.types import Progress

SHOWN = 900
"""Pixels of the longer side of a picture that is sent to the page."""


class StageBox:
    """One stage: its choices, a button to run it again, its picture and its figures.

    Args:
        number: of the stage.
        title: of the stage.
        run: does the stage with the choices' values.
        choices: widgets by the names of ``run``'s parameters.
        refused: what is not offered and why, as HTML.
    """

    def __init__(
        self, number: int, title: str, run: Callable[..., Stage], choices: dict[str, Any], refused: str = ""
    ) -> None:
        self._run, self._choices = run, choices
        self.button = widgets.Button(description="Run again", icon="refresh")
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.status, self.pictures = widgets.HTML(), widgets.HTML()
        self.worker = Worker(self._stepped, self._say, self._ended)
        self.button.on_click(lambda _: self._start())
        self.stop.on_click(lambda _: self.worker.stop())
        fields = row(*choices.values(), classes="lsc-grid")
        rows = (heading(str(number), title), fields, widgets.HTML(refused), row(self.button, self.stop))
        card = column(*rows, self.status, self.pictures, classes="lsc-card")
        self.widget = column(style_sheet(), card, classes="lsc")

    def show(self) -> Stage | None:
        """Display the box and run the stage once; return what it gave, None where it failed."""
        from IPython.display import display

        display(self.widget)
        try:
            return self._once(silent)
        except LipSyncError as error:
            self._say(str(error), "bad")
            return None

    def _start(self) -> None:
        if self.worker.busy:
            return
        # Before the stage: one that ends at once switches the buttons back, and that must come last.
        self.button.disabled, self.stop.disabled = True, False
        self.worker.start(self._work)

    def _work(self, run: Run) -> None:
        self._say("Working…")
        self._once(run.progress)

    def _once(self, progress: Progress) -> Stage:
        stage = self._run(**{name: choice.value for name, choice in self._choices.items()}, progress=progress)
        self._say(stage.told)
        self.pictures.value = stage_pictures(stage)
        return stage

    def _stepped(self, step: Step) -> None:
        self._say(said(step))

    def _say(self, text: str, kind: str = "info") -> None:
        self.status.value = note(text, kind)

    def _ended(self, error: BaseException | None, stopped: float | None) -> None:
        self.button.disabled, self.stop.disabled = False, True
        if stopped is not None:
            self._say("Stopped. The pictures are those of the run before.")
        elif error is not None:
            self._say(str(error) or type(error).__name__, "bad")


def stage_pictures(stage: Stage) -> str:
    """Return a stage's frame and, as tall, the mouth out of it, as HTML."""
    named = f"{stage.name} by {stage.by}"
    frame = picture(png(stage.frame, SHOWN), f"One frame after {named}")
    mouth = picture(png(stage.mouth, SHOWN), f"The mouth after {named}")
    return f"<div class='lsc-stage'>{frame}{mouth}</div>"


def side_by_side(walk: Walkthrough) -> widgets.VBox:
    """Return the pictures of all stages beside each other, the mouth below each frame, as a widget."""
    columns = [
        f"<figure><figcaption><b>{html.escape(stage.name.capitalize())}</b> · {html.escape(stage.by)}</figcaption>"
        + picture(png(stage.frame, SHOWN), f"One frame after {stage.name}")
        + picture(png(stage.mouth, SHOWN), f"The mouth after {stage.name}")
        + "</figure>"
        for stage in walk.stages.values()
    ]
    return column(style_sheet(), widgets.HTML(f"<div class='lsc-compare'>{''.join(columns)}</div>"), classes="lsc")


def stage_boxes(walk: Walkthrough, restorer: str = "gfpgan", upscaler: str = "auto") -> tuple[StageBox, ...]:
    """Return the boxes of the three stages, with these choices preset where the machine offers them."""
    moment = classed(widgets.FloatSlider(value=0.33, min=0, max=1, step=0.01, description="Moment"), "lsc-slide")
    strength = slider("Strength", 0.8, 1.0)
    faces, no_faces = _priced("restore", "Restore the face", restorer, walk)
    enlargers, no_enlargers = _priced("upscale", "Sharpen the picture", upscaler, walk)
    return (
        StageBox(1, "Generate", walk.generate, {"share": moment}),
        StageBox(2, "Enhance", walk.enhance, {"restorer": faces, "strength": strength}, no_faces),
        StageBox(3, "Upscale", walk.upscale, {"upscaler": enlargers}, no_enlargers),
    )


def _priced(field: str, label: str, value: str, walk: Walkthrough) -> tuple[Any, str]:
    """Return a drop-down list of what the machine can run, each with its cost, and what it cannot."""
    machine = inspect_machine()
    obtainable = obtainable_upscalers() if machine.torch else ()
    made = offers(field, TITLES[field], walk.settings, machine, walk.portrait, obtainable=obtainable)
    options = pairs(made)
    names = [known for _, known in options]
    titled = {known: title for title, known in TITLES[field]}
    refused = [(titled[one.value], one.refusal) for one in made if one.refusal]
    return choice(label, options, value if value in names else "none"), refusals(refused)
