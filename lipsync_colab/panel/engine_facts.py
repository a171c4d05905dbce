"""What a person must know of an engine before choosing it: licence, state of its weights, memory."""

from __future__ import annotations

import html

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.pipeline.needed_weights import rows_of_settings
from lipsync_colab.types import RenderSettings
from lipsync_colab.weights.manifest import WeightFile
from lipsync_colab.weights.store import Store


def needed_rows(settings: RenderSettings, store: Store) -> list[WeightFile]:
    """Return the weights that settings may come to read."""
    return [store.manifest[name] for name in rows_of_settings(settings)]


def weights_state(rows: list[WeightFile], store: Store) -> str:
    """Return the state of weights for people: present, to fetch with its size, or refused with the remedy."""
    if not rows:
        return "no weights to fetch"
    states = {row: store.inventory.state(row) for row in rows}
    refused = [row.name for row in rows if states[row] == "refused"]
    if refused:
        return f"weights not to be had by us: `lipsync-colab weights fetch {refused[0]} --file PATH --sha256 HEX`"
    absent = [row for row in rows if states[row] != "present"]
    if not absent:
        return "weights present"
    size = sum(row.size or 0 for row in absent)
    return f"{size / 1e6:,.0f} MB of weights to fetch at the first run"


def engine_facts(settings: RenderSettings, store: Store) -> str:
    """Return an engine in one line of HTML."""
    info = ENGINES["viseme" if settings.engine == "auto" else settings.engine]
    allowed = "commercial use allowed" if info.commercial else "no commercial use"
    name = f"{info.name.capitalize()} {info.summary}"
    facts = (name, f"{info.licence} ({allowed})", weights_state(needed_rows(settings, store), store))
    memory = f"about {info.memory / 1e9:.1f} GB of memory for the engine"
    return f"<div class='lsc-facts'>{html.escape(' · '.join((*facts, memory)))}</div>"
