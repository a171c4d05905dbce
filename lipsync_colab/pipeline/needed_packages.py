"""The Python packages that a choice needs beyond the base, and the extra that brings them."""

from __future__ import annotations

import importlib.util

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.errors import MachineError
from lipsync_colab.finish.catalogue import RESTORERS, UPSCALERS

PACKAGES: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(RESTORERS, (("torch", "spandrel"), "enhance")),
    **dict.fromkeys(UPSCALERS, (("torch",), "enhance")),
    **{name: (("torch", "safetensors"), "neural") for name, info in ENGINES.items() if info.needs_torch},
    "codeformer": (("torch", "spandrel", "spandrel_extra_arches"), "enhance,codeformer"),
    "sd-x4": (("torch", "diffusers", "transformers"), "diffusion"),
    "audio2head": (("torch", "safetensors", "pyworld"), "audio2head"),
    "hallo": (("torch", "safetensors", "diffusers", "transformers"), "hallo"),
}
"""By the values of ``--engine``, ``--restore`` and ``--upscale``: modules, and the extras that bring them."""


def lacking_packages(value: str) -> list[str]:
    """Return the modules that a choice needs and that are not installed."""
    modules, _ = PACKAGES.get(value, ((), ""))
    return [module for module in modules if importlib.util.find_spec(module) is None]


def install_command(value: str) -> str:
    """Return the shell line that brings what a choice lacks; empty when nothing is missing."""
    return f"pip install 'lipsync-colab[{PACKAGES[value][1]}]'" if lacking_packages(value) else ""


def check_packages(value: str) -> None:
    """Refuse a choice before any work is done for it.

    Raises:
        MachineError: names the modules and the line that brings them.
    """
    lacking = lacking_packages(value)
    if lacking:
        raise MachineError(f"{value} needs {' and '.join(lacking)}: {install_command(value)}")
