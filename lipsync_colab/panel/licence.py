"""The check box that accepts the terms of what was chosen, before its first use."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import ipywidgets as widgets

from lipsync_colab.panel.look import column, shown
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
        self.widget = column(self.terms, self.accept)
        shown(self.widget, False)

    def show(self, rows: Iterable[WeightFile]) -> None:
        """Show what is still to be accepted of these weights, or nothing."""
        self._rows = Store().acceptances.missing(rows)
        lines = [f"<b>{html.escape(row.name)}</b>: {html.escape(terms_of(row))}" for row in self._rows]
        self.terms.value = f"<div class='lsc-note'>{'<br>'.join(lines)}</div>"
        self.accept.value = False
        shown(self.widget, bool(self._rows))

    def _accepted(self, change: Any) -> None:
        if change["new"] and self._rows:
            Store().accept([row.name for row in self._rows])
            self._rows = []
            shown(self.widget, False)
