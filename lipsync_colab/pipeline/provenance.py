"""What a video says of itself: that it is generated, from what, by which engine and weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.pipeline.needed_weights import rows_of
from lipsync_colab.pipeline.segments import file_digest
from lipsync_colab.types import RenderPlan
from lipsync_colab.weights.store import Store


def provenance(plan: RenderPlan) -> dict[str, Any]:
    """Return the record that goes into the file and, with more, beside it; it holds no path and no name."""
    info = ENGINES[plan.engine]
    return {
        "generated": True,
        "tool": "lipsync-colab",
        "version": plan.version,
        "plan": plan.digest,
        "portrait_sha256": plan.portrait,
        "speech_sha256": plan.speech,
        "engine": plan.engine,
        "engine_licence": info.licence,
        "weights": list(rows_of(plan)),
    }


def sidecar(output: Path) -> Path:
    """Return the name of the JSON file beside a video."""
    return output.with_name(output.name + ".json")


def write_sidecar(output: Path, plan: RenderPlan, report: dict[str, Any], seconds: dict[str, float]) -> Path:
    """Write the provenance, hashes, the whole plan and the figures beside the video, published by rename."""
    return write_record(output, provenance(plan), plan.to_json(), report, seconds)


def write_record(
    output: Path,
    said: dict[str, Any],
    plan: dict[str, Any],
    report: dict[str, Any],
    seconds: dict[str, float],
) -> Path:
    """Write the JSON beside a video.

    Args:
        output: the video.
        said: the record that the file itself carries.
        plan: as JSON values; its digest stands in the record.
        report: figures.
        seconds: wall seconds by stage.
    """
    store = Store()
    rows = [store.manifest[name] for name in said["weights"]]
    expected = store.inventory.lock.expected
    record = {
        "provenance": said,
        "video_sha256": file_digest(output),
        "weights": [{"name": row.name, "sha256": expected(row), "licence": row.licence.name} for row in rows],
        "plan": plan,
        "report": report,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
    }
    path = sidecar(output)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(path)
    return path


def storyboard_provenance(plans: Sequence[RenderPlan], digest: str, voices: Sequence[str]) -> dict[str, Any]:
    """Return the record of a video of several scenes.

    Args:
        plans: of its scenes.
        digest: of the whole plan.
        voices: sha256 of each scene's recording, or of what a voice spoke.
    """
    first = provenance(plans[0])
    return first | {
        "plan": digest,
        "portrait_sha256": [plan.portrait for plan in plans],
        "speech_sha256": list(voices),
        "weights": sorted({name for plan in plans for name in rows_of(plan)}),
    }
