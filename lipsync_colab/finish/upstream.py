"""The packages that published these networks, ``realesrgan`` and ``gfpgan``, for those who want exactly them.

They are an extra, not the default road: ``basicsr`` does not build on Python 3.13 and does not import beside
torchvision 0.17 or later without an alias; ``GFPGANer`` downloads two detectors into the working directory when it is
made and feeds fresh noise in each frame. Here it is made without detectors (the face is already aligned) and called
without noise. Where they do not install: ``pip install --no-deps`` as in ``RECIPE``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.finish.catalogue import UPSCALERS
from lipsync_colab.finish.resample import resize, size_times
from lipsync_colab.types import Image

RECIPE = "pip install --no-deps realesrgan==0.3.0 gfpgan==1.3.8 facexlib==0.3.0 new-basicsr==1.0.0"
"""Runs on Python 3.11 to 3.13 (``new-basicsr`` is a pure wheel of basicsr's last state)."""
MOVED = "torchvision.transforms.functional_tensor"
"""Imported by basicsr 1.4.2; torchvision 0.17 removed it."""
TILE_CONTEXT = 64
"""``tile_pad`` that leaves no seam; the package's own 10 leaves one."""


def package(name: str) -> ModuleType:
    """Import one of the packages or a module of it.

    Raises:
        MachineError: it is not installed or does not import; the message has the recipe.
    """
    try:
        with _moved_module():
            return importlib.import_module(name)
    except (ImportError, KeyError) as error:
        raise MachineError(f"{name.split('.', maxsplit=1)[0]} does not import ({error}); {RECIPE}") from error


@contextmanager
def _moved_module() -> Iterator[None]:
    """Let ``MOVED`` mean the module that took its place, only where the real one is missing and only meanwhile."""
    if importlib.util.find_spec("torchvision") is None or MOVED in sys.modules or _exists(MOVED):
        yield
        return
    sys.modules[MOVED] = importlib.import_module("torchvision.transforms.functional")
    try:
        yield
    finally:
        sys.modules.pop(MOVED, None)


def _exists(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


class UpstreamUpscaler:
    """``RealESRGANer`` behind our protocol.

    Args:
        name: a key of :data:`lipsync_colab.finish.catalogue.UPSCALERS`.
        paths: the released file, and for ``realesr-general-x4v3`` its twin.
        device: ``"cpu"`` or ``"cuda"``.
        denoise: of ``realesr-general-x4v3``, in [0, 1].
        tile: side of a tile in pixels, 0 for none.

    Raises:
        InputError: no such name.
        MachineError: the packages are missing.
    """

    def __init__(
        self, name: str, paths: list[Path], *, device: str = "cpu", denoise: float = 0.5, tile: int = 0
    ) -> None:
        if name not in UPSCALERS:
            raise InputError(f"no upscaler is called {name!r}; there are {', '.join(UPSCALERS)}")
        self.scale = UPSCALERS[name].scale
        mixed = len(paths) > 1 and denoise < 1
        self._upscaler: Any = package("realesrgan").RealESRGANer(
            scale=self.scale,
            model_path=[str(path) for path in paths] if mixed else str(paths[0]),
            dni_weight=[denoise, 1 - denoise] if mixed else None,
            model=_architecture(UPSCALERS[name].network),
            tile=tile,
            tile_pad=TILE_CONTEXT,
            pre_pad=0,
            half=device == "cuda",
            device=torch.device(device),
        )

    def enlarge(self, image: Image) -> Image:
        """Return the picture :attr:`scale` times as large."""
        large, _ = self._upscaler.enhance(np.ascontiguousarray(image[:, :, ::-1]))
        return np.ascontiguousarray(large[:, :, ::-1])

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large."""
        return resize(self.enlarge(image), size_times(image, scale))


def _architecture(network: str) -> torch.nn.Module:
    """Return the package's own class for a network of ours."""
    if network.startswith("rrdbnet"):
        rrdbnet = package("basicsr.archs.rrdbnet_arch").RRDBNet
        scale = 2 if network.endswith("x2") else 4
        return rrdbnet(num_in_ch=3, num_out_ch=3, num_feat=64, num_block=23, num_grow_ch=32, scale=scale)
    convolutions = 32 if network == "srvgg-x4v3" else 16
    compact = package("realesrgan.archs.srvgg_arch").SRVGGNetCompact
    return compact(num_in_ch=3, num_out_ch=3, num_feat=64, num_conv=convolutions, upscale=4, act_type="prelu")


class UpstreamFaceNetwork:
    """``GFPGANer``'s network (clean architecture, GFPGAN 1.3 and 1.4) as a face network of ours.

    Args:
        path: the released file.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        MachineError: the packages are missing.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        module: Any = package("gfpgan.utils")
        made = module.FaceRestoreHelper
        # Its helper would fetch two detectors into the working directory, and we never ask it to detect.
        module.FaceRestoreHelper = lambda *arguments, **options: None
        try:
            restorer = module.GFPGANer(str(path), upscale=1, device=torch.device(device))
        finally:
            module.FaceRestoreHelper = made
        self._network: torch.nn.Module = restorer.gfpgan
        self._device = device

    def __call__(self, faces: Tensor) -> Tensor:
        """Return (B, 3, 512, 512) in about [-1, 1] from the same in [-1, 1]."""
        with torch.inference_mode():
            return (
                self._network(faces.to(self._device).contiguous(), return_rgb=False, randomize_noise=False)[0]
                .float()
                .cpu()
            )
