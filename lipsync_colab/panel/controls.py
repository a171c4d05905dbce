"""The settings' widgets, grouped as a person thinks of them, and the settings that they stand for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from lipsync_colab.device import Machine
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.panel.engine_facts import TITLES as ENGINE_TITLES
from lipsync_colab.panel.files import FileSource
from lipsync_colab.panel.host import Host
from lipsync_colab.panel.look import classed, column, row, shown
from lipsync_colab.panel.offers import offers, pairs, refusals
from lipsync_colab.panel.portrait import ENDINGS
from lipsync_colab.pipeline.finishing import obtainable_upscalers
from lipsync_colab.plan import RESTORERS, UPSCALERS
from lipsync_colab.types import Portrait, RenderSettings

TITLES: dict[str, tuple[tuple[str, str], ...]] = {
    "engine": (("Automatic", "auto"), *((ENGINE_TITLES[name], name) for name in ENGINES)),
    "size": (
        *(("1080p", "1080p"), ("1440p", "1440p"), ("2160p (4K)", "2160p")),
        *(("720 × 720", "720x720"), ("512 × 512", "512x512")),
    ),
    "aspect": (("As portrait", "match"), ("1:1 square", "1:1"), ("16:9 wide", "16:9"), ("9:16 tall", "9:16")),
    "fps": tuple((f"{rate} frames a second", rate) for rate in ("23.976", "24", "25", "29.97", "30", "50", "60")),
    "restore": tuple(("None" if name == "none" else name, name) for name in RESTORERS),
    "captions": (("None", "none"), ("In the picture", "burn"), ("As a file", "srt"), ("Both", "both")),
    "upscale": tuple(({"auto": "Automatic", "none": "None"}.get(name, name), name) for name in UPSCALERS),
}
"""The choices of each drop-down list: label and value."""
BACKGROUNDS = (
    ("Blurred", "blur"),
    ("One colour", "colour"),
    ("A picture", "file"),
    ("Drawn on", "inpaint"),
)
QUALITIES = (("By quality", "crf"), ("By bitrate", "bitrate"))
PRICE = "×2 means: one second of video takes two seconds to make. Times and memory are estimates."


def choice(label: str, options: Any, value: Any) -> Any:
    """Return a drop-down list with its label above."""
    return classed(widgets.Dropdown(options=options, value=value, description=label), "lsc-top")


def slider(label: str, value: float, top: float = 2.0) -> Any:
    """Return a slider from 0 in tenths."""
    made = widgets.FloatSlider(value=value, min=0, max=top, step=0.1, description=label, continuous_update=False)
    return classed(made, "lsc-slide")


def tick(label: str) -> Any:
    """Return a check box."""
    return widgets.Checkbox(value=False, description=label, indent=False)


class Controls:
    """Widgets for :class:`RenderSettings`, limited to what the machine can run.

    Args:
        machine: where it will run.
        host: its files' side.
        folder: where an uploaded background is kept.
        changed: called whenever a setting changes.
    """

    def __init__(self, machine: Machine, host: Host, folder: Path, changed: Callable[[], None]) -> None:
        self._machine, self._changed = machine, changed
        self._obtainable = obtainable_upscalers() if machine.torch else ()
        self._others = RenderSettings()
        self._filling = False
        self.portrait: Portrait | None = None
        self.lists = {
            name: choice(label, options, getattr(RenderSettings(), name))
            for name, label, options in (
                ("engine", "Engine", TITLES["engine"]),
                ("size", "Size (short side)", TITLES["size"]),
                ("aspect", "Shape", TITLES["aspect"]),
                ("fps", "Frame rate", TITLES["fps"]),
                ("restore", "Restore the face", TITLES["restore"]),
                ("upscale", "Sharpen the picture", TITLES["upscale"]),
                ("captions", "Captions", TITLES["captions"]),
            )
        }
        self.amounts = {
            "head_motion": slider("Head motion", 1.0),
            "expression": slider("Expression", 1.0),
            "blink": slider("Blinking", 1.0),
            "strength": slider("Strength", 0.8, 1.0),
        }
        self.ticks = {"still": tick("Hold the head still"), "label": tick("Show a plate: AI-generated")}
        drawn = BACKGROUNDS if machine.device == "cuda" else [one for one in BACKGROUNDS if one[1] != "inpaint"]
        self.background = choice("Behind the portrait", drawn, "blur")
        self.colour = classed(widgets.ColorPicker(description="Colour", value="#203040"), "lsc-top")
        self.backdrop = FileSource("Upload a background", ENDINGS, host, folder, self._backdrop_taken)
        self.rate_by = choice("Compress", QUALITIES, "crf")
        self.crf = classed(widgets.IntSlider(value=18, min=10, max=35, description="Quality"), "lsc-slide")
        self.bitrate = classed(widgets.Text(value="8M", description="Bitrate, such as 8M or 2500k"), "lsc-top")
        self.seed = classed(widgets.BoundedIntText(value=0, min=0, max=2**31 - 1, description="Seed"), "lsc-top")
        self.refused = widgets.HTML()
        for widget in self.all:
            widget.observe(self._touched, names="value")
        self._touched(None)

    @property
    def all(self) -> list[Any]:
        """Every widget whose value is part of the settings."""
        own = (self.background, self.colour, self.rate_by, self.crf, self.bitrate, self.seed)
        return [*self.lists.values(), *self.amounts.values(), *self.ticks.values(), *own]

    @property
    def first(self) -> Any:
        """What is met first: engine, size, shape."""
        return row(*(self.lists[name] for name in ("engine", "size", "aspect")), classes="lsc-grid")

    @property
    def advanced(self) -> widgets.Accordion:
        """Everything that has a working default, closed."""
        words = (self.lists["captions"], self.ticks["label"])
        groups = (
            ("Motion", (*(self.amounts[name] for name in ("head_motion", "expression", "blink")), self.ticks["still"])),
            ("Face and picture", (self.lists["restore"], self.amounts["strength"], self.lists["upscale"])),
            ("Background and text", (self.background, self.colour, self.backdrop.widget, *words)),
            ("File", (self.lists["fps"], self.rate_by, self.crf, self.bitrate, self.seed)),
        )
        made = [column(widgets.HTML(f"<div class='lsc-group'>{title}</div>"), *inside) for title, inside in groups]
        fold = widgets.Accordion(children=[row(*made, classes="lsc-grid lsc-wide")], selected_index=None)
        fold.set_title(0, "Advanced")
        return fold

    @property
    def settings(self) -> RenderSettings:
        """What the widgets stand for."""
        values = {name: widget.value for name, widget in (self.lists | self.amounts | self.ticks).items()}
        kind = self.background.value
        path = str(self.backdrop.path or "")
        background = {"colour": str(self.colour.value), "file": path or "blur"}.get(kind, kind)
        by_rate = self.rate_by.value == "bitrate"
        values |= {"background": background, "bitrate": self.bitrate.value.strip() if by_rate else ""}
        return dataclasses.replace(self._others, **values, crf=self.crf.value, seed=self.seed.value)

    def fill(self, settings: RenderSettings) -> list[str]:
        """Show settings; return what of them this machine does not offer."""
        lost = []
        self._filling = True
        self._others = settings
        for name, widget in self.lists.items():
            values = [option[1] for option in widget.options]
            wanted = getattr(settings, name)
            if name == "size" and wanted not in values:
                widget.options = (*widget.options, (wanted, wanted))
            elif wanted not in values:
                lost.append(f"{name} {wanted}")
                continue
            widget.value = wanted
        for name, widget in (self.amounts | self.ticks).items():
            widget.value = getattr(settings, name)
        self._fill_background(settings.background)
        self.rate_by.value = "bitrate" if settings.bitrate else "crf"
        self.bitrate.value = settings.bitrate or self.bitrate.value
        self.crf.value, self.seed.value = min(35, max(10, settings.crf)), settings.seed
        self._filling = False
        self._touched(None)
        return lost

    def _fill_background(self, background: str) -> None:
        if background in ("blur", "inpaint"):
            self.background.value = background
        elif background.startswith("#"):
            self.background.value, self.colour.value = "colour", background
        else:
            self.background.value = "file"
            self.backdrop.take(Path(background))

    def suit(self, portrait: Portrait | None) -> None:
        """Price the choices for a portrait."""
        self.portrait = portrait
        self._touched(None)

    def _backdrop_taken(self, path: Path) -> str:
        from lipsync_colab.portrait.picture import read_picture

        image = read_picture(path)
        self.backdrop.path = path
        self._touched(None)
        return f"{path.name}, {image.shape[1]}×{image.shape[0]} pixels"

    def _touched(self, _: Any) -> None:
        if self._filling:
            return
        self._price()
        shown(self.colour, self.background.value == "colour")
        shown(self.backdrop.widget, self.background.value == "file")
        shown(self.crf, self.rate_by.value == "crf")
        shown(self.bitrate, self.rate_by.value == "bitrate")
        shown(self.amounts["strength"], self.lists["restore"].value != "none")
        self._changed()

    def _price(self) -> None:
        """Write each choice's cost into its label, and leave out what cannot run."""
        refused: list[tuple[str, str]] = []
        self._filling = True
        for name, widget in self.lists.items():
            value = widget.value
            names = list(TITLES[name])
            if value not in [known for _, known in names]:
                names.append((value, value))
            made = offers(name, names, self.settings, self._machine, self.portrait, obtainable=self._obtainable)
            options = pairs(made) or ((value, value),)
            if tuple(widget.options) != options:
                widget.options = options
                widget.value = value if value in [known for _, known in options] else options[0][1]
            titled = {known: label for label, known in names}
            refused += [(titled[one.value], one.refusal) for one in made if one.refusal]
        self._filling = False
        told = refusals(refused)
        if self.refused.value != told:  # an unfolded list stays unfolded while it is the same
            self.refused.value = told
