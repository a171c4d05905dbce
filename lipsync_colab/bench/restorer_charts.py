"""The comparison of restorers as a sheet of pictures, as bars, and as a table."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from lipsync_colab.bench.restorers import PLAIN, Comparison
from lipsync_colab.portrait.mouth_crop import mouth_crop

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    ("psnr_db", "PSNR", "dB, more is nearer"),
    ("ssim", "SSIM", "1 is equal"),
    ("landmark_shift", "Landmark shift", "% of eye distance"),
    ("sharpness", "Sharpness", "1 is the original's"),
    ("seconds", "Time", "s"),
    ("memory_mb", "Host memory", "MB"),
    ("device_memory_mb", "GPU memory", "MB"),
)
"""Key, heading, unit."""
ACCENT, PLAIN_COLOUR = "#1f8f55", "#9aa5a0"
"""Of the networks' bars (the Studio's own accent), and of what they have to beat."""
COLUMN = 2.6
"""Inches of one column of pictures."""


def picture_sheet(comparison: Comparison) -> Figure:
    """Return the faces above and their mouths below: the original, what each network was given, what each gave."""
    from matplotlib.figure import Figure

    task = comparison.task
    given = np.repeat(np.repeat(task.small, task.factor, axis=0), task.factor, axis=1)
    shown = [("original", task.truth.image), (f"given: 1/{task.factor}", given)]
    shown += [(run.name, run.picture) for run in comparison.runs]
    mouths = [mouth_crop(task.truth.face, image) for _, image in shown]
    # As tall as the pictures are, so that nothing is left between the rows.
    tall = tuple(image.shape[0] / image.shape[1] for image in (task.truth.image, mouths[0]))
    figure = Figure(figsize=(COLUMN * len(shown), COLUMN * sum(tall) + 0.4), layout="constrained")
    axes = figure.subplots(2, len(shown), squeeze=False, height_ratios=tall)
    for column, (name, image) in enumerate(shown):
        axes[0, column].set_title(name, fontsize=10)
        axes[0, column].imshow(image)
        axes[1, column].imshow(mouths[column], interpolation="nearest")
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
        colours = [PLAIN_COLOUR if run.name == PLAIN else ACCENT for run in runs]
        values = [run.figures[key] for run in runs]
        drawn = axis.barh([run.name for run in runs], values, color=colours, height=0.6)
        axis.bar_label(drawn, labels=[f"{value:.3g}" for value in values], padding=3, fontsize=8)
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
        f"<tr><td>{run.name}</td>" + "".join(f"<td>{run.figures[key]:.4g}</td>" for key, _, _ in shown) + "</tr>"
        for run in runs
    )
    absent = "".join(
        f"<li><b>{each.name}</b> was not run: {html.escape(each.reason)}.<br>"
        f"<code>{html.escape(each.remedy)}</code></li>"
        for each in comparison.absent
    )
    return f"<table><tr><th></th>{heads}</tr>{rows}</table>" + (f"<ul>{absent}</ul>" if absent else "")
