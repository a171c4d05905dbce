"""The settings' widgets, grouped as a person thinks of them, and the settings that they stand for."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from lipsync_colab.device import Machine
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.plan import RESTORERS, UPSCALERS
from lipsync_colab.types import RenderSettings

SIZES = ("1080p", "1440p", "2160p", "720x720")
WIDE = widgets.Layout(width="98%")
STYLE = {"description_width": "118px"}


def _choice(label: str, options: Any, value: Any) -> widgets.Dropdown:
    pairs = [option if isinstance(option, tuple) else (option, option) for option in options]
    return widgets.Dropdown(options=pairs, value=value, description=label, layout=WIDE, style=STYLE)


def _slider(label: str, value: float, top: float = 2.0) -> widgets.FloatSlider:
    return widgets.FloatSlider(
        value=value, min=0, max=top, step=0.1, description=label, layout=WIDE, style=STYLE, continuous_update=False
    )


def _tick(label: str, value: bool = False) -> widgets.Checkbox:
    return widgets.Checkbox(value=value, description=label, indent=False)


class Controls:
    """Widgets for :class:`RenderSettings`, limited to what the machine can run.

    Args:
        machine: where it will run: engines that need PyTorch are offered where it is installed.
    """

    def __init__(self, machine: Machine) -> None:
        defaults = RenderSettings()
        engines = [name for name, info in ENGINES.items() if machine.torch or not info.needs_torch]
        sizes = SIZES if machine.memory > 3 << 30 else (SIZES[-1], SIZES[0])
        self.engine = _choice("Engine", [("automatic", "auto"), *[(name, name) for name in engines]], "auto")
        self.size = _choice(
            "Size", [(f"{size} (short side)" if size[-1] == "p" else size, size) for size in sizes], "1080p"
        )
        self.aspect = _choice("Shape", [("as the portrait", "match"), "1:1", "16:9", "9:16"], "match")
        self.fps = _choice("Frames a second", ["23.976", "24", "25", "29.97", "30", "50", "60"], "25")
        self.head_motion = _slider("Head motion", defaults.head_motion)
        self.expression = _slider("Expression", defaults.expression)
        self.blink = _slider("Blinking", defaults.blink)
        self.still = _tick("Hold the head still")
        self.restore = _choice("Restore the face", RESTORERS if machine.torch else ("none",), "none")
        self.strength = _slider("Its strength", defaults.strength, 1.0)
        self.upscale = _choice("Sharpen the still", UPSCALERS if machine.torch else ("auto", "none"), "auto")
        self.background = widgets.Text(
            value="blur",
            description="Background",
            placeholder="blur, #203040 or an image's path",
            layout=WIDE,
            style=STYLE,
        )
        self.crf = widgets.IntSlider(
            value=defaults.crf, min=10, max=35, description="Quality (less is better)", layout=WIDE, style=STYLE
        )
        self.seed = widgets.IntText(value=0, description="Seed", layout=WIDE, style=STYLE)
        self.label = _tick("Show a plate: AI-generated")

    @property
    def advanced(self) -> widgets.Accordion:
        """Everything that has a working default, closed."""
        motion = widgets.VBox([self.head_motion, self.expression, self.blink, self.still])
        finish = widgets.VBox([self.upscale, self.restore, self.strength, self.background])
        output = widgets.VBox([self.fps, self.crf, self.seed, self.label])
        fold = widgets.Accordion(children=[motion, finish, output], selected_index=None)
        for index, title in enumerate(("Motion", "Finishing and background", "Output")):
            fold.set_title(index, title)
        return fold

    def settings(self, text: str = "") -> RenderSettings:
        """Return what the widgets stand for.

        Args:
            text: what is said, when known.
        """
        values = {name: getattr(self, name).value for name in vars(self)}
        return RenderSettings(**{**values, "background": values["background"].strip() or "blur"}, text=text)

    def watch(self, changed: Any) -> None:
        """Call ``changed()`` whenever a widget's value changes."""
        for widget in vars(self).values():
            widget.observe(lambda _: changed(), names="value")
