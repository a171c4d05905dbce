"""What a person must know of an engine before choosing it: licence, state of its weights, memory."""

from __future__ import annotations

import html

from lipsync_colab.engines.registry import ENGINES, EngineInfo
from lipsync_colab.panel.look import unfolding
from lipsync_colab.pipeline.needed_weights import rows_of_settings
from lipsync_colab.types import RenderSettings
from lipsync_colab.weights.manifest import WeightFile
from lipsync_colab.weights.store import Store

TITLES = {
    "viseme": "Embedded",
    "wav2lip": "Wav2Lip",
    "sadtalker": "SadTalker",
    "audio2head": "Audio2Head",
    "hallo": "Hallo",
}
"""What people read for an engine's name."""


def needed_rows(settings: RenderSettings, store: Store) -> list[WeightFile]:
    """Return the weights that settings may come to read."""
    return [store.manifest[name] for name in rows_of_settings(settings)]


def weights_state(rows: list[WeightFile], store: Store) -> str:
    """Return the state of weights for people: present, to fetch with its size, or refused with the remedy."""
    if not rows:
        return "none to fetch"
    states = {row: store.inventory.state(row) for row in rows}
    refused = [row.name for row in rows if states[row] == "refused"]
    if refused:
        return f"not to be had by us: `lipsync-colab weights fetch {refused[0]} --file PATH --sha256 HEX`"
    absent = [row for row in rows if states[row] != "present"]
    if not absent:
        return "present"
    size = sum(row.size or 0 for row in absent)
    return f"{size / 1e6:,.0f} MB to fetch at the first run"


def engine_facts(settings: RenderSettings, store: Store) -> str:
    """Return the chosen engine's summary and facts as HTML."""
    info = ENGINES["viseme" if settings.engine == "auto" else settings.engine]
    values = (*_licence_and_memory(info), weights_state(needed_rows(settings, store), store))
    facts = "".join(
        f"<span><b>{name}</b> {html.escape(value)}</span>"
        for name, value in zip(("Licence", "Memory", "Weights"), values, strict=True)
    )
    return (
        f"<div>{html.escape(TITLES[info.name])} {html.escape(info.summary)}.</div><div class='lsc-list'>{facts}</div>"
    )


def engine_table(store: Store) -> str:
    """Return all engines side by side, each with its default weights, as HTML that unfolds."""
    lines = []
    for info in ENGINES.values():
        plain = RenderSettings(engine=info.name, restore="none", upscale="none")
        cells = (*_licence_and_memory(info), weights_state(needed_rows(plain, store), store))
        told = f"<b>{html.escape(TITLES[info.name])}</b> {html.escape(info.summary)}"
        lines.append(
            f"<tr><th scope='row'>{told}</th>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
        )
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("Engine", "Licence", "Memory", "Weights"))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return unfolding("Compare the engines", table)


def _licence_and_memory(info: EngineInfo) -> tuple[str, str]:
    allowed = "commercial use allowed" if info.commercial else "no commercial use"
    return f"{info.licence} ({allowed})", f"about {info.memory / 1e9:.1f} GB"
