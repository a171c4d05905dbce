"""How the panel looks: one style sheet that follows light and dark pages, and the few pieces of HTML it is made of."""

from __future__ import annotations

import base64
import html
from importlib.resources import files
from typing import Any

import ipywidgets as widgets

FULL = "100%"


def asset(name: str) -> str:
    """Return the text of a file of this folder."""
    return files("lipsync_colab.panel").joinpath(name).read_text(encoding="utf-8")


def style_sheet() -> widgets.HTML:
    """Return the invisible widget that carries the style sheet."""
    return widgets.HTML(f"<style>{asset('studio.css')}</style>", layout=widgets.Layout(display="none"))


def classed(widget: Any, *names: str) -> Any:
    """Give a widget classes of the style sheet, and return it."""
    for name in names:
        widget.add_class(name)
    return widget


def column(*children: Any, classes: str = "") -> Any:
    """Return widgets one below the other."""
    return classed(widgets.VBox(list(children), layout=widgets.Layout(width=FULL)), *classes.split())


def row(*children: Any, classes: str = "lsc-row") -> Any:
    """Return widgets side by side that wrap where there is no room."""
    return classed(widgets.Box(list(children), layout=widgets.Layout(width=FULL)), *classes.split())


def heading(number: str, title: str) -> widgets.HTML:
    """Return a section's heading with its number."""
    return widgets.HTML(f"<div class='lsc-heading'><span>{number}</span>{html.escape(title)}</div>")


def note(text: str, kind: str = "info") -> str:
    """Return a sentence as HTML; ``kind`` is ``"info"``, ``"good"`` or ``"bad"``."""
    return f"<div class='lsc-note lsc-{kind}' role='status'>{html.escape(text)}</div>" if text else ""


def picture(data: bytes, said: str) -> str:
    """Return a PNG as HTML with what it shows in words."""
    encoded = base64.b64encode(data).decode()
    return f"<img class='lsc-picture' alt='{html.escape(said, quote=True)}' src='data:image/png;base64,{encoded}'>"


def file_link(name: str, content: str, label: str) -> str:
    """Return a link that saves a short text as a file."""
    encoded = base64.b64encode(content.encode()).decode()
    address = f"data:application/json;base64,{encoded}"
    return f"<a class='lsc-link' download='{html.escape(name, quote=True)}' href='{address}'>{html.escape(label)}</a>"


def unfolding(title: str, content: str) -> str:
    """Return HTML that shows a line, and more when it is pressed."""
    return f"<details class='lsc-more'><summary>{html.escape(title)}</summary>{content}</details>"


def download_link(name: str, file: str) -> str:
    """Return a link that saves a file beside the notebook; ``links.js`` finds its address and shows it."""
    name, file = html.escape(name, quote=True), html.escape(file, quote=True)
    return f"<a class='lsc-link' hidden download='{name}' data-file='{file}'>Download the file</a>"


def shown(widget: Any, visible: bool) -> None:
    """Show a widget or take it out of the page."""
    display = None if visible else "none"
    if widget.layout.display != display:
        widget.layout.display = display
