"""Extending a portrait by diffusion: what lies beyond its edges is drawn once, on the still.

Used by ``--background inpaint`` when an inpainting pipeline of diffusers is on this machine; where none is,
:func:`open_outpaint` says so and the canvas continues with its own blurred reflection.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lipsync_colab.errors import LipSyncError, MachineError, WeightsError
from lipsync_colab.finish.diffusion import load_pipeline
from lipsync_colab.finish.resample import resize
from lipsync_colab.types import Array, Image

REPOSITORY = "stable-diffusion-v1-5/stable-diffusion-inpainting"
"""Looked for in the Hub's cache on this machine (OpenRAIL-M); never downloaded: the table has no hash of it."""
SIDE = 512
"""Short side that the pipeline draws at: what it was trained on. What it draws is soft background in the result."""
LONGEST = 1024
"""Longest side that it draws at."""
MULTIPLE = 8
"""Latents are an eighth of the picture."""
STEPS = 40
PROMPT = "the same scene continued, out of focus background, natural light"
AVOID = "person, face, text, frame, border, collage"
SEAM = 0.02
"""Width of the transition from the picture to what was drawn, of the canvas's short side."""


class Outpainter:
    """Draws what is missing around a picture.

    Args:
        pipeline: a diffusers inpainting pipeline.
        seed: of the noise; the same seed gives the same picture.
        prompt: what the surroundings show.
        steps: denoising steps.
        side: short side that it draws at, pixels.
        cancel: called at each step; may raise to stop.
    """

    def __init__(
        self,
        pipeline: Any,
        seed: int = 0,
        *,
        prompt: str = PROMPT,
        steps: int = STEPS,
        side: int = SIDE,
        cancel: Callable[[], None] | None = None,
    ) -> None:
        self._pipeline, self._seed, self._prompt, self._steps = pipeline, seed, prompt, steps
        self._side, self._cancel = side, cancel

    def __call__(self, image: Image, missing: Array) -> Image:
        """Return the picture with its missing part drawn.

        Args:
            image: uint8 (H, W, 3) RGB; the missing part holds a first guess.
            missing: float32 (H, W), 1 where it is to be drawn.

        Returns:
            uint8 (H, W, 3); bit-equal where nothing is missing.

        Raises:
            MachineError: memory runs out.
        """
        if not (missing > 0).any():
            return image
        size = drawing_size((image.shape[1], image.shape[0]), self._side)
        hole = cv2.resize((missing > 0).astype(np.uint8) * 255, size, interpolation=cv2.INTER_NEAREST)
        drawn = resize(self._drawn(resize(image, size), hole), (image.shape[1], image.shape[0]))
        return laid_beyond(image, drawn, missing)

    def _drawn(self, image: Image, hole: np.ndarray) -> Image:
        import torch
        from PIL import Image as Picture

        def told(_: Any, __: int, ___: Any, values: dict[str, Any]) -> dict[str, Any]:
            if self._cancel is not None:
                self._cancel()
            return values

        try:
            output = self._pipeline(
                prompt=self._prompt,
                negative_prompt=AVOID,
                image=Picture.fromarray(image),
                mask_image=Picture.fromarray(hole),
                width=image.shape[1],
                height=image.shape[0],
                num_inference_steps=self._steps,
                generator=torch.Generator("cpu").manual_seed(self._seed),
                callback_on_step_end=told,
                output_type="np",
            )
        except torch.OutOfMemoryError as error:
            raise MachineError("the GPU's memory does not hold the inpainting model; use --background blur") from error
        return np.clip(np.rint(np.asarray(output.images[0]) * 255), 0, 255).astype(np.uint8)


def drawing_size(size: tuple[int, int], side: int = SIDE) -> tuple[int, int]:
    """Return ``(w, h)`` that the pipeline draws at: the canvas's shape, its short side ``side``, in multiples of 8."""
    scale = min(side / min(size), LONGEST / max(size))
    width, height = (max(MULTIPLE, round(length * scale / MULTIPLE) * MULTIPLE) for length in size)
    return width, height


def laid_beyond(image: Image, drawn: Image, missing: Array) -> Image:
    """Return the picture with what was drawn laid where it was missing.

    The picture itself stays bit-equal; beyond its edge the guess in ``image``, which continues it without a seam,
    fades into the drawing, whose colours are first brought to those of the guess at the edge.
    """
    gone = (missing > 0).astype(np.uint8)
    width = max(1.0, SEAM * min(image.shape[:2]))
    distance = cv2.distanceTransform(gone, cv2.DIST_L2, 5)
    border = (distance > 0) & (distance <= 2 * width)
    offset = (image[border].astype(np.float32) - drawn[border]).mean(axis=0) if border.any() else np.zeros(3)
    fade = np.exp(-distance / (6 * width))[..., None]
    share = np.clip(distance / width, 0, 1)[..., None]
    toned = drawn + offset.astype(np.float32) * fade
    laid = image + (toned - image) * share
    return np.where(gone[..., None] > 0, np.clip(np.rint(laid), 0, 255), image).astype(np.uint8)


def find_pipeline(folder: Path | None = None) -> Path | None:
    """Return the folder of a complete inpainting pipeline on this machine, or None; nothing is fetched.

    Args:
        folder: of a pipeline that a person names; the Hub's cache is searched by default.
    """
    if folder is not None:
        return folder if (folder / "model_index.json").is_file() else None
    from huggingface_hub import try_to_load_from_cache

    index = try_to_load_from_cache(REPOSITORY, "model_index.json")
    return Path(index).parent if isinstance(index, str) else None


def open_outpaint(
    device: str = "cpu",
    seed: int = 0,
    *,
    folder: Path | None = None,
    note: Callable[[str], None] | None = None,
    cancel: Callable[[], None] | None = None,
) -> Outpainter | None:
    """Return what draws the surroundings, or None after saying why not: then the blurred reflection stands in.

    Args:
        device: ``"cpu"`` (some minutes) or ``"cuda"``.
        seed: of the noise.
        folder: of a diffusers inpainting pipeline; the Hub's cache is searched for ``REPOSITORY`` by default.
        note: told one sentence when there is none.
        cancel: called at each step; may raise to stop.

    Raises:
        WeightsError: a folder was named that holds no pipeline.
    """
    found = find_pipeline(folder)
    if found is None and folder is not None:
        raise WeightsError(f"{folder} holds no diffusers pipeline (no model_index.json); name another folder")
    try:
        if found is None:
            raise WeightsError(
                f"no inpainting model on this machine: `huggingface-cli download {REPOSITORY}` fetches one"
            )
        pipeline = load_pipeline("AutoPipelineForInpainting", found, device)
    except LipSyncError as error:
        if folder is not None:
            raise
        if note is not None:
            note(f"background: blurred reflection in place of inpaint, {error}")
        return None
    return Outpainter(pipeline, seed, cancel=cancel)
