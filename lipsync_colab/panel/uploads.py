"""What an upload button holds, in the shape of ipywidgets 7 and of ipywidgets 8."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Upload:
    """One uploaded file.

    Attributes:
        name: as the browser gave it, without any folder.
        content: its bytes.
    """

    name: str
    content: bytes

    def save(self, folder: Path) -> Path:
        """Write the file into a folder under a safe form of its name, and return where."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / safe_name(self.name)
        path.write_bytes(self.content)
        return path


def uploads(value: Any) -> list[Upload]:
    """Return the files of a ``FileUpload.value``: a dict by name (7.x) or a tuple of dicts (8.x)."""
    if isinstance(value, Mapping):
        return [Upload(_last(name), bytes(entry["content"])) for name, entry in value.items()]
    return [Upload(_last(entry["name"]), bytes(entry["content"])) for entry in value]


def _last(name: str) -> str:
    return re.split(r"[/\\]", name)[-1]


def safe_name(name: str) -> str:
    """Return a file name with nothing in it that a file system or a person would stumble over."""
    cleaned = re.sub(r"[^\w.\- ]", "_", _last(name)).strip(". ")
    return cleaned[-100:] or "upload"
