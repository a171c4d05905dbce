"""The report as one HTML file that needs no other: figures, plots and pictures embedded."""

from __future__ import annotations

import base64
import html
import importlib.resources
from collections.abc import Iterator
from pathlib import Path

from lipsync_colab.report.measure import Report
from lipsync_colab.report.plots import busiest_seconds, lag_curve, timeline, voice_and_lips
from lipsync_colab.report.readings import Reading
from lipsync_colab.report.stills import Still, stills
from lipsync_colab.version import __version__

MARK = {True: "good", False: "bad", None: "plain"}


def write_page(report: Report, path: Path) -> None:
    """Write the page, published by rename.

    Args:
        report: from :func:`lipsync_colab.report.measure.measure`; its video is read once more for the pictures.
        path: of the HTML file.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(page(report), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _text(words: str) -> str:
    """Return words for the page: escaped, and with no line break between a figure and its sign."""
    return html.escape(words.replace(" %", "\N{NO-BREAK SPACE}%"))


def page(report: Report) -> str:
    """Return the page's text."""
    style = importlib.resources.files("lipsync_colab.report").joinpath("page.css").read_text(encoding="utf-8")
    name = html.escape(report.video.path.name)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{name}: lips against sound</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>",
            f"<h1>{name}</h1>",
            f'<p class="facts">{html.escape(_facts(report))}</p>',
            *_verdict(report.readings),
            *_table(report.readings),
            *_figures(report),
            *_row(stills(report)),
            *_numbers(report),
            f"<footer>Measured by lipsync-colab {__version__} on landmarks found anew in every frame. "
            "“A silent track” is a mouth made from silence and held against the same voice.</footer>",
            "</main>\n</body>\n</html>\n",
        ]
    )


def _facts(report: Report) -> str:
    figures = report.figures
    fps = float(report.video.fps)
    return (
        f"{figures['width']} × {figures['height']} · {fps:g} frames/s · {figures['seconds']:.2f} s · "
        f"phonemes from: {figures['phonemes_from']}"
    )


def _verdict(found: tuple[Reading, ...]) -> Iterator[str]:
    yield '<ul class="verdict">'
    for reading in found:
        yield f'<li class="{MARK[reading.fine]}">{_text(reading.sentence)}</li>'
    yield "</ul>"


def _table(found: tuple[Reading, ...]) -> Iterator[str]:
    yield "<h2>Figures</h2>\n<table>\n<thead><tr><th>Measure</th><th>This video</th><th>Real speech</th>"
    yield "<th>A silent track</th></tr></thead>\n<tbody>"
    for reading in found:
        title, shown, real, silent = (
            _text(text) for text in (reading.title, reading.shown, reading.real, reading.silent)
        )
        yield f'<tr><th>{title}</th><td class="{MARK[reading.fine]}">{shown}</td><td>{real}</td><td>{silent}</td></tr>'
    yield "</tbody>\n</table>"


def _figures(report: Report) -> Iterator[str]:
    start, end = busiest_seconds(report)
    whole = end - start >= len(report.motion) / float(report.video.fps) - 1e-6
    part = "the whole clip" if whole else f"seconds {start:.1f} to {end:.1f}, where most is said"
    yield from _figure(
        "Voice and lips",
        voice_and_lips(report),
        f"Shown: {part}. Grey ground: nothing is said, and the lips should rest. The dashed line is what the sound "
        "asks for, brought to the range of the opening that was seen; a triangle marks each m, b and p, at which the "
        "opening should fall below the dotted line.",
    )
    yield from _figure(
        "Lag",
        lag_curve(report),
        "A video in sync has one clear summit within the grey band, far above the dashed line. Without a relation "
        "between lips and sound there is no summit, and the curve stays below the line.",
    )
    yield from _figure(
        "Timeline",
        timeline(report),
        "The whole clip. Grey ground: nothing is said. Red ground: no face was found. Jumps in sharpness are frames "
        "in which the mouth blurs; peaks in flicker are changes where nothing should move (small ones at regular "
        "distances are the codec's key frames).",
    )


def _figure(title: str, png: bytes, caption: str) -> Iterator[str]:
    yield f"<h2>{title}</h2>\n<figure>"
    yield f'<img alt="{html.escape(title)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
    yield f"<figcaption>{html.escape(caption)}</figcaption>\n</figure>"


def _row(found: list[Still]) -> Iterator[str]:
    yield '<h2>Mouths</h2>\n<div class="row">'
    for still in found:
        source = base64.b64encode(still.jpeg).decode()
        yield f'<figure><img alt="{still.title}" src="data:image/jpeg;base64,{source}">'
        yield f"<figcaption>{still.title}, {still.seconds:.2f} s</figcaption></figure>"
    yield "</div>"


def _numbers(report: Report) -> Iterator[str]:
    yield "<details>\n<summary>All figures</summary>\n<table>\n<tbody>"
    for name, value in report.figures.items():
        shown = "not measured" if value is None else str(value)
        yield f"<tr><td>{html.escape(name)}</td><td>{html.escape(shown)}</td></tr>"
    yield "</tbody>\n</table>\n</details>"
