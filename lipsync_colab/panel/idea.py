"""From an idea to a script: which language model, how long, and the button that lets it write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from lipsync_colab.device import Machine, inspect_machine
from lipsync_colab.narrate.llm import MODELS, ModelSpec, is_present, missing_packages, room_for
from lipsync_colab.panel.licence import LicenceBox
from lipsync_colab.panel.look import classed, column, note
from lipsync_colab.weights.manifest import WeightFile
from lipsync_colab.weights.store import Store


@dataclass(frozen=True)
class ModelOffer:
    """A language model as a choice.

    Attributes:
        name: of the registry.
        label: with what is here, what would be fetched, and the memory.
        refusal: why it is not offered; empty when it is.
    """

    name: str
    label: str
    refusal: str


def model_offers(machine: Machine, store: Store) -> list[ModelOffer]:
    """Return every language model, those that are here first."""
    made = []
    for spec in MODELS.values():
        here = is_present(spec, store)
        need, free = room_for(spec, machine)
        sizes = [row.size for row in rows_of_model(spec, store)]
        size = sum(size or 0 for size in sizes)
        known = f"{size / 1e9:.1f} GB" if all(sizes) else f"about {spec.memory('cuda') / 1e9:.0f} GB or more"
        state = "here" if here else f"{known} to fetch"
        lacking = missing_packages(spec.runtime)
        refusal = ""
        if lacking:
            refusal = "needs pip install 'lipsync-colab[llm]'"
        elif need > free:
            refusal = f"needs {need / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"
        made.append((not here, ModelOffer(spec.name, f"{spec.name} · {state} · {need / 1e9:.1f} GB memory", refusal)))
    return [offer for _, offer in sorted(made, key=lambda pair: pair[0])]


def rows_of_model(spec: ModelSpec, store: Store) -> list[WeightFile]:
    """Return the files of a language model."""
    return [row for row in store.manifest.rows.values() if spec.name in row.engines]


class Idea:
    """The widgets above the script."""

    def __init__(self) -> None:
        self._store = Store()
        made = model_offers(inspect_machine(), self._store)
        options = [(offer.label, offer.name) for offer in made if not offer.refusal]
        self.prompt = classed(
            widgets.Textarea(description="The idea", placeholder="A friendly welcome to our museum of clocks", rows=3),
            "lsc-top",
        )
        self.model = classed(
            widgets.Dropdown(description="Who writes it", options=options or [("no language model can run here", "")]),
            "lsc-top",
        )
        self.seconds = classed(widgets.IntSlider(value=20, min=2, max=120, description="Seconds"), "lsc-slide")
        self.write = widgets.Button(description="Write the script", icon="pencil", disabled=not options)
        refused = "; ".join(f"{offer.name} {offer.refusal}" for offer in made if offer.refusal)
        self.refused = widgets.HTML(note(f"Not on this machine: {refused}.") if refused else "")
        self.licence = LicenceBox()
        self.model.observe(lambda _: self._chosen(), names="value")
        self.widget = column(self.prompt, self.model, self.licence.widget, self.seconds, self.write, self.refused)
        self._chosen()

    def request(self, voice: str, seed: int) -> dict[str, Any]:
        """Return what the model is asked."""
        return {
            "prompt": self.prompt.value,
            "model": self.model.value,
            "seconds": self.seconds.value,
            "voice": voice,
            "seed": seed,
        }

    def _chosen(self) -> None:
        spec = MODELS.get(str(self.model.value))
        self.licence.show(rows_of_model(spec, self._store) if spec else [])
