"""The face's box as the release finds it: S3FD, once per still."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from lipsync_colab.engines.wav2lip.crop import padded
from lipsync_colab.errors import InputError
from lipsync_colab.networks.s3fd import S3FD
from lipsync_colab.types import Array, Face, Image, Portrait

MEAN = (104, 117, 123)
"""What is taken from blue, green and red."""
FINEST_STRIDE = 4
ANCHOR = 4
"""An anchor is this many strides wide."""
CENTRE_SCALE, SIZE_SCALE = 0.1, 0.2
"""How offsets are scaled (the "variances" of SSD)."""
CANDIDATE, ACCEPTED = 0.05, 0.5
"""Least scores: to take part in the suppression, and to count as a face."""
OVERLAP = 0.3
"""Boxes that share more than this with a better one are dropped."""
LONGEST_SIDE = 640
"""Larger stills are shrunk for the search: S3FD finds faces from 16 pixels on."""
SAME_FACE = 0.3
"""Least intersection over union of S3FD's box and the landmarks' box of one face."""

Box = tuple[float, float, float, float]


class FaceFinder:
    """Finds face boxes.

    Args:
        network: with its weights; moved to the device.
        device: ``"cpu"`` or ``"cuda"``.
    """

    def __init__(self, network: S3FD, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._network = network.to(self._device)

    def boxes(self, image: Image) -> Array:
        """Return faces, float32 (n, 5): left, top, right, bottom in pixels and score, best first.

        Args:
            image: uint8 (H, W, 3) RGB.
        """
        scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
        values = small[..., ::-1].astype(np.float32) - np.array(MEAN, np.float32)
        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)[None]))
            outputs = [output.float().cpu().numpy()[0] for output in self._network(tensor.to(self._device))]
        found = suppress(decode(outputs))
        found[:, [0, 2]] *= image.shape[1] / small.shape[1]
        found[:, [1, 3]] *= image.shape[0] / small.shape[0]
        return found

    def crop_box(self, portrait: Portrait, pads: tuple[float, ...]) -> Box:
        """Return the padded box of the portrait's chosen face: the one that its landmarks share most with.

        Raises:
            InputError: S3FD sees no face there.
        """
        found = self.boxes(portrait.image)
        shares = [shared(box, portrait.face) for box in found]
        if not shares or max(shares) < SAME_FACE:
            raise InputError("S3FD finds no face where the landmarks are; use detector = mesh")
        left, top, right, bottom = (float(edge) for edge in found[int(np.argmax(shares))][:4])
        return padded((left, top, right, bottom), pads)


def decode(outputs: list[Array]) -> Array:
    """Return every candidate box, float32 (n, 5), left, top, right, bottom, score.

    Args:
        outputs: of one picture: class scores (2, h, w) and offsets (4, h, w) of each level in turn.
    """
    results = [np.zeros((0, 5), np.float32)]
    for level in range(len(outputs) // 2):
        classes, offsets = outputs[2 * level], outputs[2 * level + 1]
        stride = FINEST_STRIDE * 2**level
        score = 1 / (1 + np.exp(classes[0] - classes[1]))
        rows, columns = np.nonzero(score > CANDIDATE)
        moved = offsets[:, rows, columns].T
        centre = (np.column_stack([columns, rows]) + 0.5) * stride + moved[:, :2] * CENTRE_SCALE * ANCHOR * stride
        half = ANCHOR * stride * np.exp(moved[:, 2:] * SIZE_SCALE) / 2
        results.append(np.column_stack([centre - half, centre + half, score[rows, columns]]).astype(np.float32))
    return np.concatenate(results)


def suppress(boxes: Array) -> Array:
    """Return the accepted boxes, best first, without those that a better one covers.

    Args:
        boxes: float32 (n, 5) from :func:`decode`.
    """
    waiting = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept = []
    while len(waiting) and waiting[0, 4] > ACCEPTED:
        best, waiting = waiting[0].copy(), waiting[1:]  # a view would keep every round's boxes alive
        kept.append(best)
        waiting = waiting[_overlap(best, waiting) <= OVERLAP]
    return np.array(kept, np.float32).reshape(-1, 5)


def _overlap(box: Array, others: Array) -> Array:
    """Return the intersection over union of one box with others; edges are whole pixels and count in."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:4], others[:, 2:4])
    common = np.prod(np.maximum(high - low + 1, 0), axis=1)
    areas = np.prod(others[:, 2:4] - others[:, :2] + 1, axis=1)
    return np.asarray(common / (np.prod(box[2:4] - box[:2] + 1) + areas - common))


def shared(box: Array, face: Face) -> float:
    """Return the intersection over union of a box and a face's landmarks."""
    return float(_overlap(box, np.array([[*face.box, 0]], np.float32))[0])
