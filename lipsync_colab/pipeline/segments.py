"""Finished segments of one render: published whole, checked before they are trusted again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.pipeline.storage import wait_for
from lipsync_colab.types import RenderPlan

_BLOCK = 1 << 20


def file_digest(path: Path) -> str:
    """Return the sha256 of a file as hex, read in blocks."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


@dataclass(frozen=True)
class Segments:
    """The folder of one plan's segments.

    Attributes:
        folder: ``work/<plan digest>``.
        plan: what is rendered.
        head: frames at the beginning that are a segment of their own, for a cross-fade with what comes before.
        tail: likewise at the end.
    """

    folder: Path
    plan: RenderPlan
    head: int = 0
    tail: int = 0

    def prepare(self, resume: bool) -> None:
        """Make the folder, write the plan into it, and drop what an interrupted run left half done."""
        if not resume:
            self.discard()
        self.folder.mkdir(parents=True, exist_ok=True)
        for stale in self.folder.glob("*.part"):
            stale.unlink(missing_ok=True)  # a mounted drive may list what is gone
        (self.folder / "plan.json").write_text(json.dumps(self.plan.to_json(), indent=1), encoding="utf-8")

    @property
    def starts(self) -> tuple[int, ...]:
        """First frame of every segment, in order."""
        last = self.plan.frames - self.tail
        regular = (start for start in range(0, self.plan.frames, self.plan.segment) if self.head <= start < last)
        return tuple(sorted({0, *regular, self.head, *([last] if self.tail else [])}))

    @property
    def body(self) -> tuple[int, ...]:
        """First frames of the segments between head and tail."""
        return tuple(start for start in self.starts if self.head <= start < self.plan.frames - self.tail)

    def length(self, start: int) -> int:
        """Frames in the segment that begins at ``start``."""
        following = [other for other in self.starts if other > start]
        return (following[0] if following else self.plan.frames) - start

    def path(self, start: int) -> Path:
        """The segment's file."""
        return self.folder / f"{start:08d}.mp4"

    def record(self, start: int, size: int, mouth: str = "") -> None:
        """Note a finished segment's size and hash beside it.

        Args:
            start: its first frame.
            size: bytes that were written; a mounted drive may show them only later.
            mouth: what told the mouth how to move, where the engine says so.

        Raises:
            MachineError: the folder does not show the segment.
        """
        path = self.path(start)
        wait_for(path, size)
        note = {
            "frames": self.length(start),
            "bytes": path.stat().st_size,
            "sha256": file_digest(path),
            "mouth_from": mouth,
        }
        part = path.with_suffix(".json.part")
        part.write_text(json.dumps(note), encoding="utf-8")
        part.replace(path.with_suffix(".json"))

    def finished(self, start: int) -> bool:
        """Whether the segment is there and is what was recorded; a damaged one is removed."""
        path = self.path(start)
        try:
            note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            whole = path.stat().st_size == note["bytes"] and file_digest(path) == note["sha256"]
            if whole and note["frames"] == self.length(start):
                return True
        except (OSError, ValueError, KeyError):
            pass
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
        return False

    @property
    def mouth(self) -> str:
        """What told the mouth how to move when the first segment was made; empty where nobody said."""
        with contextlib.suppress(OSError, ValueError):
            return str(json.loads(self.path(0).with_suffix(".json").read_text(encoding="utf-8")).get("mouth_from", ""))
        return ""

    def discard(self) -> None:
        """Remove the folder, and the one above it when it is empty then."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # it holds something else, or is gone already
            self.folder.parent.rmdir()
