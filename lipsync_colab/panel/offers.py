"""What a person may choose on this machine: each choice with its cost, and what is not offered with its reason."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lipsync_colab.device import Machine
from lipsync_colab.errors import InputError
from lipsync_colab.estimate import Estimate, estimate
from lipsync_colab.panel.look import unfolding
from lipsync_colab.pipeline.needed_packages import install_command
from lipsync_colab.types import Portrait, RenderSettings

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Offer:
    """One choice of a drop-down list.

    Attributes:
        value: of the setting.
        label: for people, with its cost.
        refusal: why it is not offered; empty when it is.
    """

    value: str
    label: str
    refusal: str = ""


def offers(
    field: str,
    names: Iterable[tuple[str, str]],
    settings: RenderSettings,
    machine: Machine,
    portrait: Portrait | None = None,
    *,
    obtainable: Sequence[str] = (),
    missing: Callable[[str], str] | None = None,
) -> list[Offer]:
    """Return the choices of one setting, the other settings being as they are.

    Args:
        field: of :class:`~lipsync_colab.types.RenderSettings`.
        names: label and value of each choice.
        settings: the others.
        machine: where it would run.
        portrait: the still, when there is one.
        obtainable: upscalers that ``auto`` may choose.
        missing: tells what must be installed for a value; :func:`missing_packages` by default.
    """
    made = []
    for label, value in names:
        lacking = (missing or missing_packages)(value)
        try:
            changes: dict[str, Any] = {field: value}
            cost = estimate(dataclasses.replace(settings, **changes), machine, portrait, obtainable)
            refusal = lacking or cost.refusal
            made.append(Offer(value, f"{label} · {priced(cost)}", refusal))
        except InputError as error:
            made.append(Offer(value, label, str(error)))
    return made


def missing_packages(value: str) -> str:
    """Return what must be installed for a choice, in a few words; empty when nothing is missing."""
    command = install_command(value)
    return f"needs {command}" if command else ""


def priced(cost: Estimate) -> str:
    """Return a cost in the few letters that fit into a drop-down list."""
    once = f" + {duration(cost.once)}" if cost.once >= 10 else ""
    return f"×{rounded(cost.per_second)}{once} · {cost.memory / 1e9:.1f} GB" + (
        f" + {cost.device_memory / 1e9:.1f} GB GPU" if cost.device_memory else ""
    )


def rounded(value: float) -> str:
    """Return a number with the digits that an estimate has."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def duration(seconds: float) -> str:
    """Return seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def pairs(made: Iterable[Offer]) -> Pairs:
    """Return the choices that can be made, as a drop-down list takes them."""
    return tuple((one.label, one.value) for one in made if not one.refusal)


def refusals(refused: Iterable[tuple[str, str]]) -> str:
    """Return what is not offered and why as HTML that unfolds; empty when everything is.

    Args:
        refused: name for people and reason of each choice.
    """
    by_reason: dict[str, list[str]] = {}
    for name, reason in refused:
        by_reason.setdefault(reason, []).append(name)
    count = sum(map(len, by_reason.values()))
    lines = [f"<li>{html.escape(', '.join(names))}: {html.escape(why)}</li>" for why, names in by_reason.items()]
    said = f"{count} choice{'s are' if count > 1 else ' is'} not offered on this machine"
    return (
        unfolding(f"{said}: what {'they need' if count > 1 else 'it needs'}", f"<ul>{''.join(lines)}</ul>")
        if count
        else ""
    )
