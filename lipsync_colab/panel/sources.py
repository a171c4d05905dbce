"""The two inputs side by side: a portrait, and a voice as a file or as text."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from lipsync_colab.errors import InputError
from lipsync_colab.panel.host import Host
from lipsync_colab.panel.uploads import Upload, uploads
from lipsync_colab.types import Speech

STYLE = {"description_width": "118px"}
WIDE = widgets.Layout(width="98%")
PICTURES, SOUNDS = ".png,.jpg,.jpeg,.webp,.bmp,.tif,.tiff", "audio/*,video/*"


class FileSource:
    """One file: uploaded, typed as a path, or, on Colab, sent through the dialogue for large files.

    Args:
        label: what is asked for.
        accept: file kinds for the browser's dialogue.
        host: the machine's side.
        changed: called with the file's path whenever another one is chosen.
    """

    def __init__(self, label: str, accept: str, host: Host, changed: Callable[[Path], None]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lipsync-colab-"))
        self._host, self._changed = host, changed
        self.path: Path | None = None
        self.button = widgets.FileUpload(accept=accept, multiple=False, description=label, layout=WIDE)
        self.typed = widgets.Text(
            description="or its path", placeholder="/content/… or Drive", layout=WIDE, style=STYLE
        )
        self.typed.continuous_update = False
        self.large = widgets.Button(description="Send a large file", layout=WIDE)
        self.button.observe(self._uploaded, names="value")
        self.typed.observe(self._written, names="value")
        self.large.on_click(self._received)
        rows = [self.button, self.typed] + ([self.large] if host.takes_large_files else [])
        self.widget = widgets.VBox(rows)

    def _uploaded(self, change: Any) -> None:
        files = uploads(change["new"])
        if files:
            self._take(files[-1].save(self._folder))

    def _written(self, change: Any) -> None:
        if change["new"].strip():
            self._take(Path(change["new"].strip()).expanduser())

    def _received(self, _: Any) -> None:
        file = self._host.receive()
        if file is not None:
            self._take(Upload(*file).save(self._folder))

    def _take(self, path: Path) -> None:
        self.path = path
        self._changed(path)


class VoiceSource:
    """The voice: a recording (with its words, when known) or a text for the embedded voice.

    Args:
        host: the machine's side.
        changed: called whenever something else is chosen.
    """

    def __init__(self, host: Host, changed: Callable[[], None]) -> None:
        self.file = FileSource("Voice", SOUNDS, host, self._heard)
        self._changed = changed
        self.player = widgets.HTML()
        self.words = widgets.Text(
            description="What is said",
            placeholder="if you know it: more exact lips (English)",
            layout=WIDE,
            style=STYLE,
        )
        self.text = widgets.Textarea(
            description="Text", placeholder="What should be said, in English", rows=6, layout=WIDE, style=STYLE
        )
        self.text.observe(lambda _: changed(), names="value")
        recording = widgets.VBox([self.file.widget, self.words, self.player])
        self.widget = widgets.Tab(children=[widgets.VBox([self.text]), recording])
        for index, title in enumerate(("Write it", "Use a recording")):
            self.widget.set_title(index, title)

    def _heard(self, path: Path) -> None:
        size = path.stat().st_size / 1e6 if path.is_file() else 0
        self.player.value = f"<small>{path.name}, {size:.1f} MB</small>" if size else "<small>no such file</small>"
        self._changed()

    @property
    def known_text(self) -> str:
        """The recording's words; empty for a text, which the voice itself knows."""
        return str(self.words.value).strip() if self.widget.selected_index == 1 else ""

    def speech(self, folder: Path) -> Path | Speech:
        """Return the recording's path, or the text spoken into ``folder``.

        Raises:
            InputError: nothing was given.
        """
        if self.widget.selected_index == 1:
            if self.file.path is None:
                raise InputError("no recording yet: upload one, or write a text in the other tab")
            return self.file.path
        from lipsync_colab.narrate.voice import speak

        text = str(self.text.value).strip()
        if not text:
            raise InputError("nothing to say yet: write a text, or use a recording in the other tab")
        return speak(text, path=folder / "voice.wav")
