"""The upscalers and restorers there are: files, sizes and costs, as data that a planner reads without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UpscalerEntry:
    """A super-resolution network with released weights.

    Attributes:
        network: its name for :func:`lipsync_colab.networks.build`; empty for a diffusers pipeline.
        weights: the released file.
        scale: how many times it enlarges.
        flops: floating-point operations for one source pixel (counted; a multiplication and an addition are two).
        twin: a second file to interpolate with; empty for none.
        quality: rank among all upscalers for photographs of people, 0 the least.
        photographs: whether it may be chosen for a photograph without being asked for.
    """

    network: str
    weights: str
    scale: int
    flops: float
    twin: str = ""
    quality: int = 0
    photographs: bool = True


@dataclass(frozen=True)
class RestorerEntry:
    """A face restorer with released weights.

    Attributes:
        architecture: spandrel's name of it.
        weights: the released file.
        flops: for one face (counted at 512 × 512).
        fidelity: whether its call takes a fidelity weight.
    """

    architecture: str
    weights: str
    flops: float
    fidelity: bool = False


UPSCALERS: dict[str, UpscalerEntry] = {
    # Trained on drawings: on the demo's portrait it turns wrinkles into pen strokes and skin into flat colour.
    "realesr-animevideov3": UpscalerEntry(
        "srvgg-animevideov3", "realesr-animevideov3.pth", 4, 1.24e6, quality=1, photographs=False
    ),
    "realesr-general-x4v3": UpscalerEntry(
        "srvgg-x4v3", "realesr-general-x4v3.pth", 4, 2.42e6, "realesr-general-wdn-x4v3.pth", quality=2
    ),
    "realesrgan-x2plus": UpscalerEntry("rrdbnet-x2", "RealESRGAN_x2plus.pth", 2, 8.97e6, quality=3),
    "realesrgan-x4plus": UpscalerEntry("rrdbnet-x4", "RealESRGAN_x4plus.pth", 4, 35.86e6, quality=4),
}
"""By the names of ``--upscale``; ``sd-x4`` (a diffusers pipeline), ``auto`` and ``none`` are no networks."""

CARRIED = {
    "RealESRGAN_x4plus.pth": "RealESRGAN_x4plus",
    "realesr-animevideov3.pth": "realesr-animevideov3",
}
"""Released file to the name of the ncnn pair (``.param`` and ``.bin``) with the same network in half precision, which
Python packages carry: it can be had where only a package index can be reached."""

FACE_SIZE = 512
"""Side of the square that every restorer here was trained on."""

RESTORERS: dict[str, RestorerEntry] = {
    "gfpgan": RestorerEntry("GFPGAN", "GFPGANv1.4.pth", 396e9),
    "gfpgan-1.3": RestorerEntry("GFPGAN", "GFPGANv1.3.pth", 396e9),
    "restoreformer": RestorerEntry("RestoreFormer", "RestoreFormer.pth", 683e9),
    "codeformer": RestorerEntry("CodeFormer", "codeformer.pth", 810e9, fidelity=True),
}
"""By the names of ``--restore``."""
