"""The portrait: upload, the face that was found drawn on it, and a choice where there are several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from lipsync_colab.errors import LipSyncError
from lipsync_colab.panel.files import FileSource
from lipsync_colab.panel.host import Host
from lipsync_colab.panel.look import classed, column, note, picture, shown
from lipsync_colab.panel.pictures import portrait_thumbnail
from lipsync_colab.portrait import load_portrait
from lipsync_colab.types import Face, Portrait

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
EMPTY = (
    "<div class='lsc-empty'>Your portrait appears here, with the face framed.<br>"
    "One person, seen from the front; PNG, JPEG or WebP.</div>"
)


class PortraitSource:
    """Everything about the portrait.

    Args:
        host: the machine's side.
        folder: where the uploaded picture is kept.
        changed: called with the portrait, or None when there is none any more.
    """

    def __init__(self, host: Host, folder: Path, changed: Callable[[Portrait | None], None]) -> None:
        self._changed = changed
        self._faces: tuple[Face, ...] = ()
        self.portrait: Portrait | None = None
        self.file = FileSource("Upload a portrait", ENDINGS, host, folder, self._read)
        self.face = classed(widgets.Dropdown(description="Who speaks", options=[("the framed face", 0)]), "lsc-top")
        self.trouble = widgets.HTML()
        self.thumbnail = widgets.HTML(EMPTY)
        self.face.observe(self._chosen, names="value")
        shown(self.face, False)
        self.widget = column(self.file.widget, self.face, self.trouble, self.thumbnail)

    @property
    def number(self) -> int | None:
        """The chosen face, 1 the largest; None where there is only one."""
        return int(self.face.value) if len(self._faces) > 1 else None

    def take(self, path: Path, face: int | None = None) -> None:
        """Take a picture of this machine and one of its faces."""
        if self.file.take(path) and face is not None and face <= len(self._faces):
            self.face.value = face

    def _read(self, path: Path) -> str:
        self._faces, self.portrait = (), None
        self.thumbnail.value, self.trouble.value = EMPTY, ""
        shown(self.face, False)
        try:
            found = load_portrait(path)
        except LipSyncError:
            self._changed(None)
            raise
        self._faces = (found.face, *found.others)
        several = len(self._faces) > 1
        self.face.options = [(f"face {number}", number) for number in range(1, len(self._faces) + 1)]
        self.face.value = 1
        shown(self.face, several)
        self.file.path = path
        self._show(found)
        width, height = found.size
        faces = f"{len(self._faces)} faces found" if several else "face found"
        return f"{path.name}, {width}×{height} pixels, {faces}"

    def _chosen(self, change: Any) -> None:
        if len(self._faces) < 2 or self.file.path is None or change["new"] is None:
            return
        self.trouble.value = ""
        try:
            self._show(load_portrait(self.file.path, int(change["new"])))
        except LipSyncError as error:
            self.portrait = None
            self.trouble.value = note(str(error), "bad")
            self._changed(None)

    def _show(self, portrait: Portrait) -> None:
        self.portrait = portrait
        self.thumbnail.value = picture(
            portrait_thumbnail(portrait, self._faces), "The portrait, with the face that will speak framed"
        )
        self._changed(portrait)
