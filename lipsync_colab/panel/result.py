"""The result: a player, the file by link, download or Drive, and how it came about."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from lipsync_colab.errors import LipSyncError
from lipsync_colab.panel.host import Host
from lipsync_colab.panel.look import classed, column, download_link, picture, row, shown
from lipsync_colab.panel.session import Outcome

WIDTH = 480
"""Pixels of the player at most."""


class ResultView:
    """Shows what a job made.

    Args:
        host: the machine's side.
        say: shows a sentence of a kind.
    """

    def __init__(self, host: Host, say: Callable[[str, str], None]) -> None:
        self._host, self._say = host, say
        self._outcome: Outcome | None = None
        self.player = widgets.Video(
            format="mp4", autoplay=False, loop=False, layout=widgets.Layout(max_width="100%", width=f"{WIDTH}px")
        )
        self.still, self.facts, self.link = classed(widgets.HTML(), "lsc-preview"), widgets.HTML(), widgets.HTML()
        self.download = widgets.Button(description="Download", icon="download")
        self.save = widgets.Button(description="Save to Drive", icon="cloud-upload")
        self.download.on_click(lambda _: self._after(self._host.download))
        self.save.on_click(lambda _: self._after(self._saved))
        self._buttons = row(self.download, self.save, self.link)
        seen, told = column(self.player, self.still), column(self.facts, self._buttons)
        self.widget = column(row(seen, told, classes="lsc-seen"), classes="lsc-result")
        self._show(None)

    def show(self, outcome: Outcome | None) -> None:
        """Show an outcome, unless it is shown already."""
        if outcome is not self._outcome:
            self._show(outcome)

    def _show(self, outcome: Outcome | None) -> None:
        self._outcome = outcome
        result = outcome.result if outcome else None
        still = outcome.still if outcome else b""
        if outcome and outcome.clip:
            self.player.value = outcome.clip
        self.still.value = picture(still, "One finished frame of the video") if still else ""
        link = self._host.link(result.path) if result else None
        if result:
            plan, size = result.plan, result.path.stat().st_size / 1e6
            what = f"{plan.width}×{plan.height}, {plan.frames / float(plan.rate):.1f} s, {size:.1f} MB."
            more = "The player shows a small copy; the file has the full size."
            if result.path.with_suffix(".srt").is_file():
                more += " Captions lie beside it as .srt and .vtt."
            path = html.escape(str(result.path))
            self.facts.value = f"<div><b>{path}</b></div><div class='lsc-facts'>{what} {more}</div>"
            self.link.value = download_link(result.path.name, link) if link else ""
        shown(self.player, bool(result))
        shown(self.still, bool(still))
        shown(self.facts, bool(result))
        shown(self._buttons, bool(result))
        shown(self.link, link is not None)
        shown(self.download, self._host.name == "colab")
        shown(self.save, self._host.can_save)
        shown(self.widget, outcome is not None)

    def _after(self, act: Callable[[Path], object]) -> None:
        if self._outcome is None or self._outcome.result is None:
            return
        try:
            act(self._outcome.result.path)
        except LipSyncError as error:
            self._say(str(error), "bad")

    def _saved(self, path: Path) -> None:
        self._say(f"Saved as {self._host.save(path)}", "good")
