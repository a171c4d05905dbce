"""Diffusion on the still, opt-in: Stable Diffusion's ×4 upscaler. Never on frames: it invents, and each time anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipsync_colab.errors import MachineError, WeightsError
from lipsync_colab.finish.resample import resize, size_times
from lipsync_colab.types import Image, Progress

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

PREFIX = "sd-x4"
"""Of the pipeline's files in the weights table: ``stabilityai/stable-diffusion-x4-upscaler`` (OpenRAIL++-M)."""
STEPS = 50
"""Denoising steps."""
GUIDANCE = 4.0
"""Classifier-free guidance: less than the pipeline's 9, which hardens skin."""
NOISE_LEVEL = 20
"""Noise added to the small picture, of 350: the pipeline's default. More invents more."""
PROMPT = "a sharp photograph of a person, natural skin, fine detail"
TILE = 128
"""Side of one piece in source pixels, what the network was trained on (128 → 512)."""
OVERLAP = 24
"""Source pixels that two pieces share; they are blended there."""


def load_pipeline(kind: str, folder: Path, device: str) -> DiffusionPipeline:
    """Load a diffusers pipeline from a folder, in half precision on a GPU, without its safety checker's download.

    Args:
        kind: name of the class in diffusers.
        folder: a complete pipeline.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        MachineError: diffusers is not installed.
        WeightsError: the folder holds no such pipeline, or only a part of one.
    """
    try:
        import diffusers
        import torch
    except ModuleNotFoundError as error:
        raise MachineError("diffusion needs diffusers: pip install 'lipsync-colab[diffusion]'") from error
    dtype = torch.float16 if device == "cuda" else torch.float32
    # The table holds half-precision files only; on a CPU they are widened.
    variant = "fp16" if any(folder.rglob("*.fp16.safetensors")) else None
    try:
        pipeline = getattr(diffusers, kind).from_pretrained(
            folder, torch_dtype=dtype, variant=variant, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder} holds no complete {kind}: {str(error).splitlines()[0][:200]}") from error
    pipeline.set_progress_bar_config(disable=True)
    pipeline.enable_attention_slicing()
    if device == "cuda" and torch.cuda.mem_get_info()[0] < 10e9:
        pipeline.enable_model_cpu_offload()
        return pipeline
    return pipeline.to(device)


def positions(length: int, tile: int, overlap: int) -> list[int]:
    """Return where pieces of ``tile`` pixels start so that they cover ``length`` and share ``overlap`` or more."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def ramp(length: int, start: int, total: int, width: int) -> np.ndarray:
    """Return the weight of a piece along one side: it rises over ``width`` pixels from each edge it shares.

    Args:
        length: of the piece.
        start: where it starts.
        total: length of the picture.
        width: of the rise.

    Returns:
        float32 (length,) in (0, 1].
    """
    place = np.arange(length, dtype=np.float32)
    rise = np.ones(length, np.float32) if start == 0 else np.minimum(1, (place + 1) / (width + 1))
    fall = np.ones(length, np.float32) if start + length == total else np.minimum(1, (length - place) / (width + 1))
    return rise * fall


class DiffusionUpscaler:
    """Stable Diffusion ×4 on a still, piece by piece.

    Args:
        device: ``"cpu"`` (an hour for a portrait) or ``"cuda"``.
        seed: of the noise; the same seed gives the same picture.
        progress: told ``("upscale", done, total)`` after each denoising step.
        load: gives the pipeline; fetches its weights by default.
        steps: denoising steps of each piece.
        tile: side of a piece in source pixels.

    Attributes:
        scale: 4.
        key: what decides the result beside the picture.
    """

    scale = 4

    def __init__(
        self,
        device: str = "cpu",
        seed: int = 0,
        progress: Progress | None = None,
        *,
        load: Callable[[str], Any] | None = None,
        steps: int = STEPS,
        tile: int = TILE,
    ) -> None:
        self._device, self._seed, self._progress, self._steps = device, seed, progress, steps
        self._tile, self._overlap = tile, min(OVERLAP, tile // 4)
        self._load = load or _released
        self.key = f"{PREFIX} {device} {seed} {steps} {GUIDANCE} {NOISE_LEVEL} 1"

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large."""
        return resize(self.enlarge(image), size_times(image, scale))

    def enlarge(self, image: Image) -> Image:
        """Return the picture four times as large.

        Raises:
            WeightsError: the weights are missing or their licence was not accepted.
            MachineError: diffusers is missing, or memory runs out.
        """
        pipeline, tile, overlap = self._load(self._device), self._tile, self._overlap
        padded = _at_least(image, tile)
        height, width = padded.shape[:2]
        total = np.zeros((height * 4, width * 4, 3), np.float32)
        weight = np.zeros((height * 4, width * 4, 1), np.float32)
        places = [(y, x) for y in positions(height, tile, overlap) for x in positions(width, tile, overlap)]
        for index, (top, left) in enumerate(places):
            large = self._piece(pipeline, padded[top : top + tile, left : left + tile], index, len(places))
            vertical = ramp(tile * 4, top * 4, height * 4, overlap * 4)
            across = ramp(tile * 4, left * 4, width * 4, overlap * 4)
            share = (vertical[:, None] * across[None, :])[..., None]
            area = np.s_[top * 4 : (top + tile) * 4, left * 4 : (left + tile) * 4]
            total[area] += large * share
            weight[area] += share
        result = np.clip(np.rint(total / weight), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(result[: image.shape[0] * 4, : image.shape[1] * 4])

    def _piece(self, pipeline: Any, piece: Image, index: int, pieces: int) -> np.ndarray:
        """Return one piece four times as large, float32."""
        import torch
        from PIL import Image as Picture

        def told(step: int, _: Any, __: Any) -> None:
            if self._progress is not None:
                self._progress("upscale", index * self._steps + step + 1, pieces * self._steps)

        try:
            output = pipeline(
                prompt=PROMPT,
                image=Picture.fromarray(piece),
                num_inference_steps=self._steps,
                guidance_scale=GUIDANCE,
                noise_level=NOISE_LEVEL,
                generator=torch.Generator("cpu").manual_seed(self._seed),
                callback=told,
                output_type="np",
            )
        except torch.OutOfMemoryError as error:
            raise MachineError("the GPU's memory does not hold sd-x4; use --upscale realesrgan-x4plus") from error
        return np.asarray(output.images[0], np.float32) * 255


def _released(device: str) -> Any:
    from lipsync_colab.weights.store import Store

    return load_pipeline("StableDiffusionUpscalePipeline", Store().folder_of(PREFIX), device)


def _at_least(image: Image, side: int) -> Image:
    """Return the picture with mirrored pixels to the right and below until neither side is shorter than ``side``."""
    height, width = image.shape[:2]
    missing = ((0, max(0, side - height)), (0, max(0, side - width)), (0, 0))
    return np.pad(image, missing, mode="symmetric")
