"""The comparison of restorers as a sheet of pictures, as bars, and as a table."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from lipsync_colab.bench.restorers import Comparison
from lipsync_colab.portrait.mouth_crop import mouth_crop

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    ("psnr_db", "PSNR", "dB, more is nearer"),
    ("ssim", "SSIM", "1 is equal"),
    ("landmark_shift", "Landmark shift", "% of the eyes' distance"),
    ("sharpness", "Sharpness", "1 is the original's"),
    ("seconds", "Time", "s"),
    ("memory_mb", "Host memory", "MB"),
    ("device_memory_mb", "GPU memory", "MB"),
)
"""Key, heading, unit."""
ACCENT = "#2f7d5b"


def picture_sheet(comparison: Comparison) -> Figure:
    """Return the faces above and their mouths below: the original, what each network was given, what each gave."""
    from matplotlib.figure import Figure

    task = comparison.task
    given = np.repeat(np.repeat(task.small, task.factor, axis=0), task.factor, axis=1)
    shown = [("original", task.truth.image), (f"given: 1/{task.factor}", given)]
    shown += [(run.name, run.picture) for run in comparison.runs]
    figure = Figure(figsize=(2.6 * len(shown), 4.9), layout="constrained")
    axes = figure.subplots(2, len(shown), squeeze=False, height_ratios=(1.5, 1))
    for column, (name, image) in enumerate(shown):
        axes[0, column].set_title(name, fontsize=10)
        axes[0, column].imshow(image)
        axes[1, column].imshow(mouth_crop(task.truth.face, image), interpolation="nearest")
        for axis in axes[:, column]:
            axis.set_axis_off()
    return figure


def bars(comparison: Comparison) -> Figure:
    """Return one small bar chart for each figure that was measured."""
    from matplotlib.figure import Figure

    runs = comparison.runs
    shown = [column for column in COLUMNS if any(run.figures[column[0]] for run in runs)]
    rows = -(-len(shown) // 3)
    figure = Figure(figsize=(11, (0.9 + 0.3 * len(runs)) * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, 3, squeeze=False).ravel()
    for axis, (key, heading, unit) in zip(grid, shown, strict=False):
        drawn = axis.barh([run.name for run in runs], [run.figures[key] for run in runs], color=ACCENT, height=0.6)
        axis.bar_label(drawn, padding=3, fontsize=8)
        axis.set_title(f"{heading} ({unit})", fontsize=9, loc="left")
        axis.invert_yaxis()
        axis.margins(x=0.25)
        axis.tick_params(labelsize=8)
        axis.xaxis.set_visible(False)
        for side in ("top", "right", "bottom"):
            axis.spines[side].set_visible(False)
    for axis in grid[len(shown) :]:
        axis.set_axis_off()
    return figure


def table(comparison: Comparison) -> str:
    """Return the figures, and what was not run with the command that brings it, as HTML."""
    runs = comparison.runs
    shown = [column for column in COLUMNS if any(run.figures[column[0]] for run in runs)]
    heads = "".join(f"<th>{heading}<br><small>{unit}</small></th>" for _, heading, unit in shown)
    rows = "".join(
        f"<tr><td>{run.name}</td>" + "".join(f"<td>{run.figures[key]:g}</td>" for key, _, _ in shown) + "</tr>"
        for run in runs
    )
    absent = "".join(
        f"<li><b>{each.name}</b> was not run: {html.escape(each.reason)}.<br>"
        f"<code>{html.escape(each.remedy)}</code></li>"
        for each in comparison.absent
    )
    return f"<table><tr><th></th>{heads}</tr>{rows}</table>" + (f"<ul>{absent}</ul>" if absent else "")
