"""The weights that a render reads: their terms are checked before any work, their files fetched at its beginning."""

from __future__ import annotations

from collections.abc import Iterable

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.finish.catalogue import RESTORERS
from lipsync_colab.marks.names import ENCODER
from lipsync_colab.types import Progress, RenderPlan, RenderSettings
from lipsync_colab.weights.store import Store


def rows_of(plan: RenderPlan) -> tuple[str, ...]:
    """Return the rows of the weights table that a plan's engine and restorers read."""
    restorers = {name for name in (plan.restore_still, plan.restore_patch) if name != "none"}
    mark = (ENCODER,) if plan.settings.watermark else ()
    return (*ENGINES[plan.engine].rows(plan.settings), *mark, *sorted(RESTORERS[name].weights for name in restorers))


def rows_of_settings(settings: RenderSettings) -> tuple[str, ...]:
    """Return the rows that settings may come to read, before there is a plan."""
    engine = ENGINES["viseme" if settings.engine == "auto" else settings.engine]
    restorers = () if settings.restore == "none" else (RESTORERS[settings.restore].weights,)
    return (*engine.rows(settings), *((ENCODER,) if settings.watermark else ()), *restorers)


def check_weights(plan: RenderPlan, accept: Iterable[str] = ()) -> None:
    """Refuse what would be refused later; nothing is fetched.

    Args:
        plan: what will run.
        accept: names of weights or engines whose terms the caller accepts.

    Raises:
        InputError: one of the engine's own options has a wrong value.
        WeightsError: the terms of one of the weights have not been accepted.
    """
    ENGINES[plan.engine].check(plan.settings)
    store = Store()
    store.accept(accept)
    store.acceptances.require([store.manifest[name] for name in rows_of(plan)])


def fetch_weights(plan: RenderPlan, progress: Progress) -> None:
    """Make the weights present, so that a missing one stops the render at its beginning.

    Raises:
        WeightsError: one of them cannot be had.
    """
    rows = rows_of(plan)
    if rows:
        Store().fetch(rows, progress)
