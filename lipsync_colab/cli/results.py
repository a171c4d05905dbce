"""What the command line says of a plan and of a finished video."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lipsync_colab.types import RenderPlan, RenderResult

if TYPE_CHECKING:
    from lipsync_colab.pipeline.storyboard import StoryboardResult


def print_plan(plan: RenderPlan, as_json: bool) -> None:
    """Print a plan, for a person or for a program."""
    if as_json:
        print(json.dumps(plan.to_json()))
        return
    print(f"{plan.width}×{plan.height}, {plan.frames} frames at {plan.fps} fps, {plan.device} {plan.dtype}")
    for reason in plan.reasons:
        print(f"  {reason}")
    for line in budget_lines(plan):
        print(f"  {line}")


def budget_lines(plan: RenderPlan) -> list[str]:
    """Return what a plan takes, in lines for people."""
    budget = plan.budget
    if budget is None:
        return []
    device = f", {budget.device_memory / 1e9:.1f} GB on the GPU" if budget.device_memory else ""
    source = "by a probe of this machine" if budget.measured else "by a table of speeds, not measured here"
    count, length = -(-plan.frames // plan.segment), float(plan.segment / plan.rate)
    return [
        f"{count} segment{'s' * (count > 1)} of {length:.0f} s: what an interruption costs at most",
        f"memory {budget.memory / 1e9:.1f} GB{device}; disk {max(1, budget.disk // 1_000_000)} MB, on the safe side",
        f"time about {budget.seconds:.0f} s, {source}",
    ]


def print_result(result: RenderResult, quiet: bool, as_json: bool) -> None:
    """Print where the video is and what it took."""
    if as_json:
        record = {"stage": "done", "path": str(result.path), "report": result.report, "seconds": result.seconds}
        print(json.dumps(record), flush=True)
    elif not quiet:
        total = sum(result.seconds.values())
        plan = result.plan
        for line in result.report["notes"]:
            print(line)
        print(f"{result.path}: {plan.width}×{plan.height}, {plan.frames} frames at {plan.fps} fps, in {total:.1f} s")


def print_plans(plans: Sequence[RenderPlan], as_json: bool) -> None:
    """Print the plans of several scenes."""
    if as_json:
        print(json.dumps({"scenes": [plan.to_json() for plan in plans]}))
        return
    for place, plan in enumerate(plans, 1):
        print(f"scene {place}: ", end="")
        print_plan(plan, as_json=False)


def print_storyboard(result: StoryboardResult, quiet: bool, as_json: bool, kept: str = "") -> None:
    """Print where a video of several scenes is and what it took.

    Args:
        result: of the render.
        quiet: say nothing.
        as_json: one JSON line.
        kept: folder in which the scenes stay, if they do.
    """
    if as_json:
        record = {
            "stage": "done",
            "path": str(result.path),
            "starts": result.starts,
            "report": result.report,
            "seconds": result.seconds,
        }
        print(json.dumps(record), flush=True)
    elif not quiet:
        for line in result.report["notes"]:
            print(line)
        plan, frames = result.plans[0], result.report["frames"]
        scenes = f"{len(result.plans)} scene{'s' * (len(result.plans) > 1)}, "
        spent = sum(result.seconds.values())
        print(f"{result.path}: {scenes}{plan.width}×{plan.height}, {frames} frames at {plan.fps} fps, in {spent:.1f} s")
        if kept:
            print(f"{kept} keeps the scenes: after a change only what changed is rendered again; delete it when done")
