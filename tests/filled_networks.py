"""Networks with rule-filled weights, in the place of released ones."""

from __future__ import annotations

import functools
from typing import Any

from golden import Golden

from lipsync_colab import networks
from lipsync_colab.networks.folding import fold


@functools.lru_cache(maxsize=8)
def filled(name: str) -> Any:
    """Return a folded network filled from its golden keys; shared, so tests must not change it."""
    return fold(Golden(name.replace(".", "/")).load_into(networks.build(name))).requires_grad_(False)


def ready(name: str, row: str, prefix: str = "", device: str = "cpu", dtype: str = "float32") -> Any:
    """Stand in for :func:`lipsync_colab.engines.headmotion.loading.ready`."""
    assert device == "cpu" and dtype == "float32"
    return filled(name)
