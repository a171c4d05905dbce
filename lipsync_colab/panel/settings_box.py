"""Everything that was chosen as JSON and as a shell line: to copy, to save, and to load again."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from lipsync_colab.errors import InputError, LipSyncError
from lipsync_colab.panel.look import classed, column, file_link, note, row
from lipsync_colab.panel.order import settings_from, settings_json
from lipsync_colab.panel.uploads import uploads
from lipsync_colab.pipeline.command_line import command_line
from lipsync_colab.types import RenderSettings


class SettingsBox:
    """The text box, its link and its buttons.

    Args:
        fill: shows settings in the controls, and returns what this machine does not offer.
    """

    def __init__(self, fill: Callable[[RenderSettings], list[str]]) -> None:
        self._fill = fill
        self.text = classed(widgets.Textarea(description="Settings as JSON", rows=8), "lsc-top", "lsc-code")
        self.apply = widgets.Button(description="Apply this text", icon="check")
        self.load = widgets.FileUpload(accept=".json", multiple=False, description="Load a settings file")
        self.link, self.line, self.said = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.apply.on_click(lambda _: self._apply(str(self.text.value)))
        self.load.observe(lambda change: self._loaded(change["new"]), names="value")
        self.widget = column(self.line, self.text, row(self.apply, self.load, self.link), self.said)

    def show(self, settings: RenderSettings, portrait: str, voice: str, output: str) -> None:
        """Show settings, and the line that repeats them."""
        text = json.dumps(settings_json(settings), indent=1, ensure_ascii=False)
        line = command_line(portrait or "portrait.jpg", voice or "voice.wav", output, settings)
        self.text.value = text
        self.link.value = file_link(f"{Path(output).stem}.settings.json", text, "Save as a file")
        said = "The same from a shell:"
        self.line.value = f"<div>{said}</div><pre class='lsc-line'>{html.escape(line)}</pre>"

    def _loaded(self, value: object) -> None:
        for file in uploads(value):
            self._apply(file.content.decode("utf-8", "replace"))

    def _apply(self, text: str) -> None:
        try:
            lost = self._fill(settings_from(_parsed(text)))
        except LipSyncError as error:
            self.said.value = note(str(error), "bad")
            return
        left = f" Not offered on this machine, left as it was: {', '.join(lost)}." if lost else ""
        self.said.value = note(f"Settings loaded.{left}", "bad" if lost else "good")


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"this is no JSON ({error}): paste what “Settings as JSON” shows") from error
