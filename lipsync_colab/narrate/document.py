"""JSON that a person or a model wrote, read strictly: every refusal is one line that says where and what."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError

LARGEST_FILE = 1_000_000
"""Bytes of a script or a storyboard."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def read_document(path: Path, kind: str) -> str:
    """Return the text of a JSON file.

    Args:
        path: of the file.
        kind: what it should be, for messages: ``"script"``.

    Raises:
        InputError: it cannot be read.
    """
    try:
        # A device or a pipe says that it holds nothing and gives bytes without end.
        if path.exists() and not path.is_file():
            raise InputError(f"{path.name} is not a regular file: give a {kind} as a JSON file")
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path.name} has more than {LARGEST_FILE:,} bytes: that is no {kind}")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a {kind} ({error}): give a JSON file in UTF-8") from error


def parse_document(text: str, name: str, shape: str = "with 'scenes'") -> dict[str, Any]:
    """Return the one object that a JSON text holds; no key may stand twice, no number may be NaN or infinite.

    Args:
        text: of the file.
        name: of it, for messages.
        shape: what the object should look like, for messages.

    Raises:
        InputError: it is anything else.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no valid JSON ({error}): write one object {shape}") from error
    if not isinstance(document, dict):
        raise InputError(f"{name} holds a {type(document).__name__}: write one object {shape}")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def refuse_keys(values: dict[str, Any], known: Collection[str], name: str) -> None:
    """Refuse an object with a key that nobody reads.

    Raises:
        InputError: names the first unknown key, and those that there are.
    """
    unknown = sorted(str(key) for key in set(values) - set(known))
    if unknown:
        raise InputError(f"{name} has the unknown key {unknown[0]!r}: the keys are {', '.join(sorted(known))}")


def number(values: dict[str, Any], key: str, default: float, low: float, high: float, name: str) -> float:
    """Return a number of an object, or the default where there is none.

    Raises:
        InputError: it is no number, or outside ``low`` to ``high``.
    """
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{name}: {key!r} must be a number from {low:g} to {high:g}, not {value!r}")
    return float(value)
