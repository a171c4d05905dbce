"""What a video says of its own making, as figures of a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lipsync_colab.marks import credentials
from lipsync_colab.marks.record import find_record
from lipsync_colab.report.watermark_row import watermark_of


def marks_row(video: Path) -> dict[str, Any]:
    """Return what marks a file carries, by name; None where there is none."""
    record = find_record(video) or {}
    found = credentials.read(video) if credentials.available() else None
    mark = watermark_of(video)
    return {
        "watermark": None if mark is None else mark.present,
        "watermark_bits": None if mark is None else mark.agree,
        "credentials": None if found is None else ("intact" if found.intact else "broken"),
        "credentials_signer": found.signer or None if found is not None else None,
        "generated": record.get("generated"),
        "made_by": f"{record['tool']} {record.get('version', '')}".strip() if record else None,
        "engine": record.get("engine"),
        "plan": record.get("plan"),
        "weights": record.get("weights"),
    }
