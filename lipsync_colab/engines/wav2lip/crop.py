"""The square that Wav2Lip looks at: placed once per still, cut out of it once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from lipsync_colab.errors import InputError
from lipsync_colab.networks.wav2lip import FACE_SIZE
from lipsync_colab.types import Array, Face, Image

OVAL = 468
"""Vertices of the mesh without the irises."""
DEFAULT_PADS = (0.0, 5.0, 0.0, 0.0)
"""Top, bottom, left, right in percent of the box: the release's 10 pixels at the bottom of a face 200 pixels high."""
WIDEST_PAD = 100.0


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """Where the network's 96×96 square lies on the still.

    Attributes:
        transform: float32 (2, 3), crop pixels to still pixels, pixel centres at integers.
    """

    transform: Array

    @classmethod
    def of_box(cls, box: tuple[float, float, float, float], angle: float = 0.0) -> FaceCrop:
        """Return the crop of a box.

        Args:
            box: left, top, right, bottom: edges in the frame that is turned by ``angle`` about the origin.
            angle: radians, clockwise in the picture.
        """
        left, top, right, bottom = box
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        scale = np.array([right - left, bottom - top]) / FACE_SIZE
        # Pixel i covers i - 0.5 to i + 0.5, so the crop's edge lies at -0.5.
        origin = np.array([left, top]) + 0.5 * scale - 0.5
        return cls(np.column_stack([turn * scale, turn @ origin]).astype(np.float32))

    @classmethod
    def of_face(cls, face: Face, pads: tuple[float, ...] = DEFAULT_PADS) -> FaceCrop:
        """Return the crop of a face by its landmarks, turned so that the eyes lie level.

        Args:
            face: with its mesh on the still.
            pads: percent of the box, see ``DEFAULT_PADS``.
        """
        across = face.points[1] - face.points[0]
        angle = math.atan2(float(across[1]), float(across[0]))
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        level = face.landmarks[:OVAL].astype(np.float64) @ turn
        (left, top), (right, bottom) = level.min(axis=0), level.max(axis=0) + 1
        return cls.of_box(padded((left, top, right, bottom), pads), angle)

    @property
    def inverse(self) -> Array:
        """float32 (2, 3), still pixels to crop pixels."""
        return np.asarray(cv2.invertAffineTransform(self.transform), np.float32)

    def locate(self, points: Array) -> Array:
        """Return still points (N, 2) in crop pixels."""
        matrix = self.inverse
        return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)

    def cut(self, still: Image) -> Image:
        """Return the square, uint8 (96, 96, 3) RGB, each pixel the mean of what it covers; edges are repeated."""
        step = float(np.linalg.norm(self.transform[:, :2], axis=0).max())
        fine = max(1, math.ceil(step))
        shrink = np.array([[1 / fine, 0, 0.5 / fine - 0.5], [0, 1 / fine, 0.5 / fine - 0.5], [0, 0, 1]])
        matrix = (np.vstack([self.transform, [0, 0, 1]]) @ shrink)[:2]
        side = FACE_SIZE * fine
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(still, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(warped, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def padded(box: tuple[float, float, float, float], pads: tuple[float, ...]) -> tuple[float, float, float, float]:
    """Return a box grown by percent of its size: top, bottom, left, right."""
    left, top, right, bottom = box
    width, height = (right - left) / 100, (bottom - top) / 100
    return left - pads[2] * width, top - pads[0] * height, right + pads[3] * width, bottom + pads[1] * height


def parse_pads(text: str) -> tuple[float, ...]:
    """Return paddings from ``"top,bottom,left,right"`` in percent of the face's box; the default for an empty text.

    Raises:
        InputError: not four numbers, or one outside -100 to 100 percent, or nothing would be left.
    """
    if not text:
        return DEFAULT_PADS
    try:
        pads = tuple(float(part) for part in text.split(","))
    except ValueError:
        pads = ()
    usable = len(pads) == 4 and all(-WIDEST_PAD <= pad <= WIDEST_PAD for pad in pads)
    if not usable or min(pads[0] + pads[1], pads[2] + pads[3]) <= -90:
        raise InputError(
            f"pads = {text!r}: give top,bottom,left,right in percent of the face's box, such as "
            + ",".join(f"{pad:g}" for pad in DEFAULT_PADS)
        )
    return pads
