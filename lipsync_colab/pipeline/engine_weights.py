"""What an engine needs before any work is done: options that it takes, terms that were accepted, weights."""

from __future__ import annotations

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.types import Progress, RenderPlan
from lipsync_colab.weights.store import Store


def check_engine(plan: RenderPlan) -> None:
    """Refuse what the engine would refuse later; nothing is fetched.

    Raises:
        InputError: one of the engine's own options has a wrong value.
        WeightsError: the terms of one of its weights have not been accepted.
    """
    info = ENGINES[plan.engine]
    info.check(plan.settings)
    store = Store()
    store.acceptances.require([store.manifest[name] for name in info.rows(plan.settings)])


def fetch_weights(plan: RenderPlan, progress: Progress) -> None:
    """Make the engine's weights present, so that a missing one stops the render at its beginning.

    Raises:
        WeightsError: one of them cannot be had.
    """
    rows = ENGINES[plan.engine].rows(plan.settings)
    if rows:
        Store().fetch(rows, progress)
