"""The check box that accepts the terms of what was chosen, before its first use."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets

from lipsync_colab.pipeline.needed_weights import rows_of_settings
from lipsync_colab.types import RenderSettings
from lipsync_colab.weights.licences import terms_of
from lipsync_colab.weights.manifest import WeightFile
from lipsync_colab.weights.store import Store


class LicenceBox:
    """Shows the terms that are still to be accepted, and records that they were."""

    def __init__(self) -> None:
        self._rows: list[WeightFile] = []
        self.terms = widgets.HTML()
        self.accept = widgets.Checkbox(value=False, description="I accept these terms", indent=False)
        self.accept.observe(self._accepted, names="value")
        self.widget = widgets.VBox([self.terms, self.accept], layout=widgets.Layout(display="none"))

    def show(self, settings: RenderSettings) -> None:
        """Show what these settings would need, or nothing."""
        store = Store()
        rows = [store.manifest[name] for name in rows_of_settings(settings)]
        self._rows = store.acceptances.missing(rows)
        lines = [f"<b>{html.escape(row.name)}</b>: {html.escape(terms_of(row))}" for row in self._rows]
        self.terms.value = f"<small>{'<br>'.join(lines)}</small>"
        self.accept.value = False
        self.widget.layout.display = "" if self._rows else "none"

    def _accepted(self, change: Any) -> None:
        if change["new"] and self._rows:
            Store().accept([row.name for row in self._rows])
            self._rows = []
            self.widget.layout.display = "none"
