"""What a batch did, as JSON values and as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lipsync_colab.batch.schedule import Record
from lipsync_colab.batch.tasks import PART, Outcome
from lipsync_colab.version import __version__

HEADINGS = ("line", "output", "state", "frames", "seconds", "parts", "lost")


def summary_path(jobs: Path) -> Path:
    """Return the name of the summary beside a list of jobs."""
    return jobs.with_name(jobs.stem + ".summary.json")


def read_summary(path: Path) -> dict[str, Any]:
    """Return the summary of an earlier run of a list; an empty one where there is none that can be read."""
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def summarise(
    records: Sequence[Record], folder: Path, seconds: float, slots: int, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return a batch as JSON values.

    Args:
        records: what became of each job.
        folder: of the list; outputs are named from there.
        seconds: wall time of the whole.
        slots: tasks that could run at once.
        before: the summary of an earlier run: what it measured of videos that were found now is kept.
    """
    jobs = [_job(record, folder) for record in records]
    earlier = _rendered(before or {})
    for job in jobs:
        if job["state"] == "found":
            job["rendered"] = earlier.get(job["output"], [])
    states = [job["state"] for job in jobs]
    return {
        "version": __version__,
        "jobs": jobs,
        "done": states.count("done"),
        "found": states.count("found"),
        "failed": states.count("failed"),
        "left": states.count("left"),
        "lost_tasks": sum(record.lost for record in records),
        "frames": sum(job["frames"] for job in jobs if job["state"] == "done"),
        "busy_seconds": round(sum(job["seconds"] for job in jobs), 3),
        "wall_seconds": round(seconds, 3),
        "slots": slots,
    }


def _rendered(summary: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the tasks that rendered each video of an earlier run."""
    found = {}
    for job in summary.get("jobs", []):
        tasks = job.get("tasks") if job.get("state") == "done" else job.get("rendered")
        if isinstance(tasks, list) and tasks:
            found[job.get("output")] = tasks
    return found


def _job(record: Record, folder: Path) -> dict[str, Any]:
    state = "failed" if record.error else "found" if record.found else "done" if record.frames else "left"
    return {
        "line": record.job.line,
        "output": str(record.job.output.relative_to(folder)),
        "state": state,
        "error": record.error,
        "exit_code": record.exit_code,
        "frames": record.frames,
        "seconds": round(sum(outcome.seconds for _, outcome in record.outcomes), 3),
        "lost": record.lost,
        "notes": sorted({note for _, outcome in record.outcomes for note in outcome.notes}),
        "tasks": [_task(kind, outcome) for kind, outcome in record.outcomes],
    }


def _task(kind: str, outcome: Outcome) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": kind, "seconds": round(outcome.seconds, 3), "worker": outcome.worker}
    if kind == PART:
        values |= {"made": list(outcome.made), "kept": list(outcome.kept)}
    return values


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write a summary, published by rename."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(summary, indent=1), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def table(summary: dict[str, Any]) -> str:
    """Return a summary as lines for a person: one for each job, then the totals."""
    rows = [HEADINGS]
    for job in summary["jobs"]:
        kinds = [task["kind"] for task in job["tasks"]]
        parts = f"{kinds.count(PART)}" if PART in kinds else "-"
        rows.append(
            (
                str(job["line"]),
                job["output"],
                job["state"],
                str(job["frames"]),
                f"{job['seconds']:.1f}",
                parts,
                str(job["lost"]),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    left = (1, 2)  # names and states; figures stand on the right
    lines = [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines += [f"line {job['line']}: {job['error']}" for job in summary["jobs"] if job["error"]]
    return "\n".join([*lines, totals(summary)])


def totals(summary: dict[str, Any]) -> str:
    """Return the last line of the table."""
    counts = [f"{summary[name]} {name}" for name in ("done", "found", "failed", "left") if summary[name]]
    wall, busy = summary["wall_seconds"], summary["busy_seconds"]
    lost = f", {summary['lost_tasks']} lost tasks given out again" if summary["lost_tasks"] else ""
    return (
        f"{', '.join(counts)}: {summary['frames']} frames in {wall:.1f} s, {busy:.1f} s of work "
        f"on {summary['slots']} worker{'s' * (summary['slots'] != 1)}{lost}"
    )


def exit_code(summary: dict[str, Any]) -> int:
    """Return 0, or the code of the first job that failed."""
    return next((int(job["exit_code"]) for job in summary["jobs"] if job["error"]), 0)
