"""The voice: a text and who says it, a recording, or an idea that a language model writes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from lipsync_colab.audio import load_speech
from lipsync_colab.panel.files import FileSource
from lipsync_colab.panel.host import Host
from lipsync_colab.panel.idea import Idea
from lipsync_colab.panel.look import classed, column, row, shown
from lipsync_colab.panel.offers import duration
from lipsync_colab.panel.order import RECORDING, TEXT
from lipsync_colab.panel.pictures import preview_sound
from lipsync_colab.panel.spoken import spoken_seconds, voice_choices

MODES = (("Write it", TEXT), ("Recording", RECORDING), ("From an idea", "idea"))
ENDINGS = (".wav", ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".aac", ".mp4", ".mov", ".mkv", ".webm")


class VoiceSource:
    """Everything about the voice.

    Args:
        host: the machine's side.
        folder: where recordings and spoken texts are kept.
        changed: called whenever something else is chosen.
    """

    def __init__(self, host: Host, folder: Path, changed: Callable[[], None]) -> None:
        self._host, self._changed = host, changed
        self._length = 0.0
        self.mode = widgets.ToggleButtons(options=MODES, value=TEXT, description="Where the voice comes from")
        self.mode.style.button_width = "auto"
        self.file = FileSource("Upload a recording", ENDINGS, host, folder, self._heard, accept="audio/*,video/*")
        self.words = classed(
            widgets.Text(description="What is said, if you know it (English: more exact lips)"), "lsc-top"
        )
        self.text = classed(
            widgets.Textarea(
                description="What is said, in English", placeholder="Write what the portrait should say.", rows=5
            ),
            "lsc-top",
        )
        self.voice = classed(widgets.Dropdown(description="Who says it", options=voice_choices()), "lsc-top")
        self.listen = widgets.Button(description="Listen", icon="volume-up")
        self.length = widgets.HTML()
        self.player = widgets.Audio(format="mp3", autoplay=False, loop=False)
        self.idea = Idea()
        self._written = column(self.text, self.voice, row(self.listen, self.length))
        self._recording = column(self.file.widget, self.words)
        self.widget = column(self.mode, self.idea.widget, self._written, self._recording, self.player)
        for widget in (self.mode, self.text, self.voice, self.words):
            widget.observe(lambda _: self._touched(), names="value")
        self.text.observe(lambda _: self.play(b""), names="value")
        self.voice.observe(lambda _: self.play(b""), names="value")
        self.mode.observe(lambda _: self._switched(), names="value")
        self.play(b"")
        self._touched()

    @property
    def recorded(self) -> bool:
        """Whether the voice is a recording."""
        return bool(self.mode.value == RECORDING)

    @property
    def seconds(self) -> float:
        """How long the voice is; an estimate for a text, 0 when there is nothing yet."""
        return self._length if self.recorded else spoken_seconds(str(self.text.value), str(self.voice.value))

    def play(self, sound: bytes) -> None:
        """Show a player with an MP3, or none."""
        if sound:
            self.player.value = sound
        shown(self.player, bool(sound))

    def _heard(self, path: Path) -> str:
        self._length = 0.0
        self.play(b"")
        speech = load_speech(path)
        sound = preview_sound(path, self._host.embed)
        self._length = speech.seconds
        self.file.path = path
        if self.recorded:
            self.play(sound)
        self._changed()
        return f"{path.name}, {speech.seconds:.1f} s"

    def _switched(self) -> None:
        self.play(b"")
        if self.recorded and self.file.path is not None:
            self.play(preview_sound(self.file.path, self._host.embed))

    def _touched(self) -> None:
        shown(self.idea.widget, self.mode.value == "idea")
        shown(self._written, not self.recorded)
        shown(self._recording, self.recorded)
        seconds = self.seconds
        self.length.value = f"<span class='lsc-facts'>about {duration(seconds)} spoken</span>" if seconds else ""
        self._changed()
