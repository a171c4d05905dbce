"""One order: which portrait says what in which voice with which settings; plain values that outlive the widgets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError
from lipsync_colab.panel.spoken import spoken
from lipsync_colab.plan import check_settings
from lipsync_colab.types import Progress, RenderSettings, Speech

RECORDING, TEXT = "recording", "text"


@dataclass(frozen=True)
class Order:
    """What a person chose.

    Attributes:
        portrait: path of the picture; empty for none yet.
        mode: ``"text"`` or ``"recording"``.
        text: what is to be said.
        voice: who says it.
        recording: path of the sound; empty for none yet.
        words: what the recording says, when known.
        settings: everything else.
    """

    portrait: str = ""
    mode: str = TEXT
    text: str = ""
    voice: str = "hibari"
    recording: str = ""
    words: str = ""
    settings: RenderSettings = field(default_factory=RenderSettings)

    def check(self) -> None:
        """Refuse an order that lacks something, in the order in which the panel asks for it.

        Raises:
            InputError: names what is missing.
        """
        if not self.portrait:
            raise InputError("no portrait yet: upload a picture that shows a face from the front")
        if self.mode == RECORDING and not self.recording:
            raise InputError("no recording yet: upload one, or choose “Write it”")
        if self.mode == TEXT and not self.text.strip():
            raise InputError("nothing to say yet: write a text, or choose “Recording”")
        check_settings(self.settings)

    def speech(self, folder: Path, progress: Progress) -> Path | Speech:
        """Return the recording's path, or the text spoken.

        Args:
            folder: where spoken texts are kept.
            progress: of the sentences.

        Raises:
            InputError: the text cannot be said.
        """
        if self.mode == RECORDING:
            return Path(self.recording)
        return spoken(self.text.strip(), self.voice, folder, progress)

    @property
    def render_settings(self) -> RenderSettings:
        """The settings with what is said, when that is known."""
        known = self.text if self.mode == TEXT else self.words
        return dataclasses.replace(self.settings, text=known.strip())

    def to_json(self) -> dict[str, Any]:
        """Return the order as plain JSON values."""
        return {**dataclasses.asdict(self), "settings": settings_json(self.settings)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Order:
        """Return the order that :meth:`to_json` gave; unknown names are left out, for older and newer versions."""
        known = {name.name for name in dataclasses.fields(cls)}
        chosen = {name: value for name, value in values.items() if name in known and name != "settings"}
        return cls(**chosen, settings=settings_from(values.get("settings", {})))


def settings_json(settings: RenderSettings) -> dict[str, Any]:
    """Return settings as plain JSON values."""
    return {**dataclasses.asdict(settings), "options": dict(settings.options)}


def settings_from(values: Any) -> RenderSettings:
    """Return settings of JSON: as the panel writes them, or the record beside a video.

    Raises:
        InputError: it is neither, or holds what no setting takes.
    """
    if isinstance(values, Mapping) and isinstance(values.get("plan"), Mapping):
        values = values["plan"].get("settings")
    if not isinstance(values, Mapping):
        raise InputError("these are no settings: paste what “Settings as JSON” shows, or the .json beside a video")
    fields = {one.name: one for one in dataclasses.fields(RenderSettings)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InputError(f"no setting is called {unknown[0]!r}; there are {', '.join(fields)}")
    chosen = dict(values)
    options = chosen.get("options", {})
    pairs = options.items() if isinstance(options, Mapping) else options
    try:
        chosen["options"] = tuple(sorted((str(name), str(value)) for name, value in pairs))
        settings = RenderSettings(**chosen)
        check_settings(settings)
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"a setting has a value of the wrong kind ({error})") from error
    return settings
