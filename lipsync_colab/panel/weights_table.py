"""The model files as a table for a notebook: what each is for, its size, its terms, and whether it is here."""

from __future__ import annotations

import html
from collections.abc import Iterable

from lipsync_colab.weights.licences import terms_of
from lipsync_colab.weights.store import Store

COMMERCIAL = {"yes": "yes", "no": "<b>no</b>", "unclear": "unclear", "conditions": "under conditions"}
HEADINGS = ("file", "for", "MB", "licence", "commercial use", "state", "terms")


def weights_table(names: Iterable[str] = ("all",), terms: bool = False) -> str:
    """Return the table as HTML.

    Args:
        names: of files, of engines, or ``"all"``.
        terms: show each licence's terms in full.
    """
    store = Store()
    rows = []
    for row in store.manifest.select(names):
        date = store.acceptances.date(row)
        needed = "–" if not row.needs_acceptance else f"accepted {date}" if date else "to be accepted"
        size = "?" if row.size is None else f"{row.size / 1e6:,.0f}" if row.size >= 1e6 else "&lt; 1"
        licence = terms_of(row) if terms else row.licence.name
        use = COMMERCIAL.get(row.licence.commercial, html.escape(row.licence.commercial))
        state = store.inventory.state(row)
        shown = [html.escape(row.name), html.escape(", ".join(row.engines)), size, html.escape(licence), use]
        rows.append([*shown, f"<b>{state}</b>" if state == "present" else state, needed])
    head = "".join(f"<th style='text-align:left'>{heading}</th>" for heading in HEADINGS)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left;vertical-align:top'>{cell}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
