"""Colour at the seam: one smooth offset for a clip, found once by Poisson cloning, added to every frame."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from lipsync_colab.types import Array, Image, Patch

REACH = 0.02
"""Mask value from which a pixel counts as covered: the seam is where the mask begins."""
LARGEST = 48.0
"""Levels: a larger offset is a difference of content (a hand, a microphone), not of colour."""
SMOOTH = 1 / 12
"""Standard deviation of the field's smoothing, of the patch's longer side: the skin's own texture at the seam must
not be carried inwards."""
PAD = 4
"""Pixels round the patch while it is cloned; OpenCV leaves the outermost ones alone."""


class SeamOffset:
    """Adds to every patch of a clip the colour offset that its first patch needs at its border.

    Cloning each frame by Poisson's equation costs a tenth of a second or more and flickers with the frame's content;
    the field that it adds is smooth and belongs to lighting and colour, which do not change within a clip.

    Args:
        still: uint8 (H, W, 3) RGB, the canvas.
        patch: of a frame at rest, with its mask.
    """

    def __init__(self, still: Image, patch: Patch) -> None:
        self._field = None if patch.mask is None else seam_field(still, patch)

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch with its colours brought to the still's.

        Args:
            patch: of the size of the first.
        """
        if self._field is None or patch.mask is None:
            return patch
        pixels = np.rint(patch.pixels + self._field).clip(0, 255).astype(np.uint8)
        return replace(patch, pixels=pixels)


def seam_field(still: Image, patch: Patch) -> Array:
    """Return what must be added to a patch so that it continues the still at the mask's border.

    Args:
        still: uint8 (H, W, 3) RGB.
        patch: with a mask.

    Returns:
        float32 (h, w, 3) in levels, smooth, within ``LARGEST``; 0 where the mask covers nothing.
    """
    assert patch.mask is not None
    height, width = patch.pixels.shape[:2]
    inside = np.asarray(patch.mask) > REACH
    if not inside.any():
        return np.zeros((height, width, 3), np.float32)
    cloned = _cloned(patch.pixels, beneath(still, patch), inside)
    # OpenCV truncates where it should round: half a level too low on average.
    change = np.where(inside[..., None], cloned.astype(np.float32) + 0.5 - patch.pixels, 0)
    sigma = SMOOTH * max(height, width)
    weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sigma)
    smooth = cv2.GaussianBlur(change, (0, 0), sigma) / np.maximum(weight, 1e-3)[..., None]
    return np.clip(smooth, -LARGEST, LARGEST).astype(np.float32)


def beneath(still: Image, patch: Patch) -> Image:
    """Return what lies under a patch, in the patch's own pixels.

    Args:
        still: uint8 (H, W, 3) RGB.
        patch: anywhere on it.
    """
    matrix = np.asarray(patch.transform, np.float64)
    height, width = patch.pixels.shape[:2]
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    source = still
    if scale > 1:
        # The patch is coarser than the still: sampling alone would alias.
        source = np.asarray(cv2.GaussianBlur(still, (0, 0), max(0.5 * scale, 0.1)), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(source, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _cloned(pixels: Image, under: Image, inside: np.ndarray) -> Image:
    """Clone the covered pixels into what lies beneath, keeping their gradients (Pérez et al., 2003)."""
    around = ((PAD, PAD), (PAD, PAD), (0, 0))
    source, target = np.pad(pixels, around, mode="edge"), np.pad(under, around, mode="edge")
    mask = np.pad(inside, PAD).astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(mask)
    # OpenCV centres the mask's bounding box on the point that it is given.
    centre = (left + width // 2, top + height // 2)
    result = cv2.seamlessClone(source, target, mask, centre, cv2.NORMAL_CLONE)
    return np.asarray(result, np.uint8)[PAD:-PAD, PAD:-PAD]
