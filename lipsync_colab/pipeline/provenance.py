"""What a video says of itself: that it is generated, from what, by which engine and weights."""

from __future__ import annotations

import json
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
    store = Store()
    rows = [store.manifest[name] for name in rows_of(plan)]
    expected = store.inventory.lock.expected
    record = {
        "provenance": provenance(plan),
        "video_sha256": file_digest(output),
        "weights": [{"name": row.name, "sha256": expected(row), "licence": row.licence.name} for row in rows],
        "plan": plan.to_json(),
        "report": report,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
    }
    path = sidecar(output)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(path)
    return path
