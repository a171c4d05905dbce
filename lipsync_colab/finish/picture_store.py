"""Pictures that took long to make, kept on disk by a name that says what they were made from."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from pathlib import Path

import cv2
import numpy as np

from lipsync_colab.types import Image

LIMIT = 2_000_000_000
"""Bytes that all kept pictures may take together; the least recently used go first."""


class PictureStore:
    """A folder of lossless pictures by name.

    Args:
        folder: made when something is first kept.
        limit: bytes that all pictures may take together.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder, self._limit = folder, limit

    def path(self, name: str) -> Path:
        """Return where the picture of a name lies or would lie.

        Args:
            name: 64 hex digits.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", name):
            raise ValueError(f"{name!r} is no sha256")
        return self._folder / f"{name}.png"

    def load(self, name: str) -> Image | None:
        """Return a kept picture, uint8 (H, W, 3) RGB, or None; one that cannot be read is removed."""
        path = self.path(name)
        try:
            data = np.frombuffer(path.read_bytes(), np.uint8)
        except OSError:
            return None
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if decoded is None:
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return np.ascontiguousarray(decoded[:, :, ::-1]).astype(np.uint8)

    def save(self, name: str, image: Image) -> None:
        """Keep a picture; a disk that refuses costs the next render its time and this one nothing."""
        path = self.path(name)
        part = path.with_suffix(f".{uuid.uuid4().hex[:8]}.part")
        ready, data = cv2.imencode(".png", image[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
        try:
            if ready:
                self._folder.mkdir(parents=True, exist_ok=True)
                part.write_bytes(data.tobytes())
                part.replace(path)
                self._prune(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _prune(self, newest: Path) -> None:
        """Remove the least recently used pictures until the rest fit, never the newest."""
        files = sorted(self._folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= self._limit:
                return
            if path != newest:
                total -= path.stat().st_size
                path.unlink(missing_ok=True)
