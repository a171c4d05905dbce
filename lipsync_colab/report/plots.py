"""The report's plots, each as the bytes of a PNG: voice and lips, lag curve, timeline."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lipsync_colab.audio.level import STEP, levels
from lipsync_colab.report.measure import SHUT, Report, closure_spans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DPI = 10.5, 144
"""Inches and dots an inch: 1512 pixels, sharp on a page of 1050 and legible on one of 750."""
CLOSE_SECONDS = 8.0
"""What the plot of voice and lips shows at most: more would hide single sounds."""
COLUMNS = 1400
"""Points of a curve over a whole clip at most; of more frames, each point shows the least and the greatest."""
VOICE, LIPS, WANTED, PAUSE, WARN = "#8a94a6", "#c2410c", "#1d4ed8", "#eef1f5", "#b91c1c"
_STYLE: dict[str, Any] = {
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b7280",
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "xtick.color": "#374151",
    "ytick.color": "#374151",
    "legend.frameon": False,
}


def busiest_seconds(report: Report, seconds: float = CLOSE_SECONDS) -> tuple[float, float]:
    """Return the stretch of the clip that has the most speech, as ``(start, end)`` in seconds."""
    rate = float(report.video.fps)
    frames = len(report.motion)
    width = min(frames, round(seconds * rate))
    spoken = np.concatenate([[0.0], np.cumsum(report.gate, dtype=np.float64)])
    start = int((spoken[width:] - spoken[: frames - width + 1]).argmax())
    return start / rate, (start + width) / rate


def voice_and_lips(report: Report) -> bytes:
    """Draw the waveform over the lips' opening, seen and asked for, in the busiest seconds."""
    start, end = busiest_seconds(report)
    with _drawn(4.6, 2, (1, 1.7)) as (figure, (above, below)):
        _waveform(above, report, start, end)
        above.set_title("Voice")
        _openings(below, report, start, end)
        below.set_title("Opening of the lips, in eye distances")
        below.set_xlabel("seconds")
        for axes in (above, below):
            _pauses(axes, report, start, end)
            axes.set_xlim(start, end)
        above.tick_params(labelbottom=False)
        return _png(figure)


def lag_curve(report: Report) -> bytes:
    """Draw how well lips and sound agree at every shift, beside what chance gives."""
    curve, rate = report.lag.curve, float(report.video.fps)
    reach = len(curve) // 2
    shifts = np.arange(-reach, reach + 1)
    chance = report.figures["chance_correlation"]
    with _drawn(3.3) as (figure, (axes,)):
        axes.axvspan(-1, 1, color=PAUSE, zorder=0)
        axes.axhline(0, color="#9ca3af", linewidth=0.8)
        if chance is not None:
            axes.axhline(chance, color=VOICE, linestyle="--", linewidth=1.3, label="what 1 in 20 other voices reaches")
        axes.plot(shifts, curve, color=LIPS, marker="o", markersize=4, linewidth=1.8, label="this video")
        if np.isfinite(report.lag.correlation):
            axes.axvline(report.lag.frames, color=WANTED, linewidth=1.3, label=f"best at {report.lag.frames:+.2f}")
        axes.set_xlabel(f"frames by which the lips come after the sound (one is {1000 / rate:.0f} ms)")
        axes.set_ylabel("correlation")
        axes.set_xlim(-reach - 0.3, reach + 0.3)
        # Beside the axes, so that it hides no point.
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return _png(figure)


def timeline(report: Report) -> bytes:
    """Draw loudness, opening, sharpness and flicker over the whole clip."""
    rate, frames = float(report.video.fps), len(report.motion)
    seconds = np.arange(frames) / rate
    sampled = np.array(report.meter.at) / rate
    level = levels(report.speech)
    rows = ("Level of the sound, dBFS", "Opening, eye distances", "Sharpness, mouth over nose", "Flicker, levels")
    with _drawn(6.6, 4, (1, 1, 0.8, 0.8)) as (figure, axes):
        _curve(axes[0], np.arange(len(level)) * STEP, level, VOICE)
        axes[0].set_ylim(max(-90.0, float(level.min()) - 3), 0)
        _curve(axes[1], seconds, report.motion.aperture, LIPS)
        _curve(axes[2], sampled, np.array(report.meter.sharpness), "#0f766e")
        _curve(axes[3], sampled, np.array(report.meter.flicker), "#6d28d9")
        for row, title in zip(axes, rows, strict=True):
            row.set_title(title)
            _pauses(row, report, 0, frames / rate)
            _missing(row, report)
            row.set_xlim(0, frames / rate)
        for row in axes[1:]:
            row.set_ylim(bottom=0)
        # Less than this is nothing to see, and a scale fitted to it would look like a fault.
        axes[3].set_ylim(top=max(0.5, axes[3].get_ylim()[1]))
        for row in axes[:-1]:
            row.tick_params(labelbottom=False)
        axes[-1].set_xlabel("seconds")
        return _png(figure)


class _drawn:  # noqa: N801 - used as a function
    """A figure with rows of axes, in our style, that no window system is asked for."""

    def __init__(self, height: float, rows: int = 1, ratios: Sequence[float] = (1,)) -> None:
        self._shape = height, rows, ratios

    def __enter__(self) -> tuple[Figure, Sequence[Axes]]:
        import matplotlib
        from matplotlib.figure import Figure

        height, rows, ratios = self._shape
        self._style = matplotlib.rc_context(cast(Any, _STYLE))  # its stubs want literal keys
        self._style.__enter__()
        figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
        grid = figure.subplots(rows, 1, squeeze=False, gridspec_kw={"height_ratios": list(ratios)})
        return figure, list(grid[:, 0])

    def __exit__(self, *error: Any) -> None:
        self._style.__exit__(*error)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _waveform(axes: Axes, report: Report, start: float, end: float) -> None:
    speech = report.speech
    samples = np.asarray(speech.samples[int(start * speech.rate) : int(end * speech.rate)], np.float32)
    times, low, high = _envelope(start + np.arange(len(samples)) / speech.rate, samples)
    axes.fill_between(times, low, high, color=VOICE, linewidth=0.4, edgecolor=VOICE)
    reach = max(0.05, float(np.abs(samples).max(initial=0)))
    axes.set_ylim(-1.1 * reach, 1.1 * reach)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _openings(axes: Axes, report: Report, start: float, end: float) -> None:
    """Draw the opening that is seen, the one that the sound asks for on the same scale, and the closures."""
    rate = float(report.video.fps)
    first, last = round(start * rate), round(end * rate)
    times = np.arange(first, last) / rate
    seen, asked = report.motion.aperture, report.expected
    scaled = _scaled(asked, seen)
    if scaled is not None:
        axes.plot(
            times, scaled[first:last], color=WANTED, linewidth=1.4, linestyle="--", label="asked for by the sound"
        )
    axes.plot(times, seen[first:last], color=LIPS, linewidth=2, label="seen")
    axes.axhline(SHUT, color="#9ca3af", linewidth=0.8, linestyle=":")
    top = max(0.1, float(np.nanmax(seen)) * 1.3)
    axes.set_ylim(-0.005, top)
    for left, right in closure_spans(report.phonemes, rate):
        span = seen[left:right]
        if left >= last or right <= first or not np.isfinite(span).any():
            continue
        hit = float(np.nanmin(span)) < SHUT
        label = "m, b, p: shut" if hit else "m, b, p: missed"
        place = (left + right - 1) / 2 / rate
        axes.plot(place, top * 0.95, marker="v", color="#15803d" if hit else WARN, markersize=6, ls="", label=label)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4)


def _scaled(asked: np.ndarray, seen: np.ndarray) -> np.ndarray | None:
    """Return the asked opening, which has no unit, brought to the seen one's range; None where it never varies."""
    found = np.isfinite(seen)
    low, high = np.percentile(asked, [5, 95])
    if high - low < 1e-6:
        return None
    bottom, top = np.percentile(seen[found], [5, 95])
    return bottom + (asked - low) * (top - bottom) / (high - low)


def _pauses(axes: Axes, report: Report, start: float, end: float) -> None:
    """Shade where nothing is said."""
    rate = float(report.video.fps)
    for left, right in _runs(report.gate == 0):
        if right / rate > start and left / rate < end:
            axes.axvspan(max(start, left / rate), min(end, right / rate), color=PAUSE, zorder=0, linewidth=0)


def _missing(axes: Axes, report: Report) -> None:
    """Mark where no face was found."""
    rate = float(report.video.fps)
    for left, right in _runs(~report.motion.found):
        axes.axvspan(left / rate, right / rate, color=WARN, alpha=0.25, zorder=0, linewidth=0)


def _runs(flags: np.ndarray) -> Iterable[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _curve(axes: Axes, times: np.ndarray, values: np.ndarray, colour: str) -> None:
    if len(values) <= COLUMNS:
        axes.plot(times, values, color=colour, linewidth=1.4)
    else:
        middles, low, high = _envelope(times, values)
        axes.fill_between(middles, low, high, color=colour, linewidth=0.5, edgecolor=colour)


def _envelope(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return at most ``COLUMNS`` times with the least and the greatest value around each."""
    if not len(values):
        return times, values, values
    edges = np.unique(np.linspace(0, len(values), min(COLUMNS, len(values)) + 1).astype(int))[:-1]
    return times[edges], np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)
