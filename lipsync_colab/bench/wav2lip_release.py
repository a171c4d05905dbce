"""The loop that Wav2Lip's release runs, plainly: what the engine is measured against.

Every frame is kept in a list, S3FD looks at every frame at full size, the generator runs in batches of 128 without
sharing anything between frames, and each face is enlarged and pasted as a hard box.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from lipsync_colab.engines.wav2lip.detector import MEAN, decode, suppress
from lipsync_colab.networks.s3fd import S3FD
from lipsync_colab.networks.wav2lip import FACE_SIZE, Wav2Lip
from lipsync_colab.types import Array, Image

BATCH = 128
Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class ReleaseLoop:
    """The two networks of the release.

    Attributes:
        generator: in eval mode.
        detector: in eval mode.
    """

    generator: Wav2Lip
    detector: S3FD

    def detect(self, frames: list[Image]) -> list[Array]:
        """Return each frame's boxes, float32 (n, 5), best first.

        Args:
            frames: uint8 (H, W, 3) BGR, at full size.
        """
        found = []
        with torch.no_grad():
            for frame in frames:
                values = frame.astype(np.float32) - np.array(MEAN, np.float32)
                outputs = self.detector(torch.from_numpy(values.transpose(2, 0, 1)[None].copy()))
                found.append(suppress(decode([output.numpy()[0] for output in outputs])))
        return found

    def paste(self, frames: list[Image], boxes: list[Box], mel: Array) -> list[Image]:
        """Return every frame with its mouth drawn.

        Args:
            frames: uint8 (H, W, 3) BGR.
            boxes: top, bottom, left, right of each frame's face in pixels.
            mel: float32 (frames, 1, 80, 16).
        """
        done = []
        for first in range(0, len(frames), BATCH):
            part = slice(first, first + BATCH)
            copies = [frame.copy() for frame in frames[part]]
            drawn = self._draw(copies, boxes[part], mel[part])
            for frame, (top, bottom, left, right), face in zip(copies, boxes[part], drawn, strict=True):
                frame[top:bottom, left:right] = cv2.resize(face.astype(np.uint8), (right - left, bottom - top))
                done.append(frame)
        return done

    def _draw(self, frames: list[Image], boxes: list[Box], mel: Array) -> Array:
        """Return faces, float32 (n, 96, 96, 3) BGR in [0, 255]."""
        crops = [
            cv2.resize(frame[top:bottom, left:right], (FACE_SIZE, FACE_SIZE))
            for frame, (top, bottom, left, right) in zip(frames, boxes, strict=True)
        ]
        reference = np.asarray(crops)
        hidden = reference.copy()
        hidden[:, FACE_SIZE // 2 :] = 0
        faces = np.concatenate([hidden, reference], axis=3) / 255.0
        with torch.no_grad():
            drawn = self.generator(
                torch.from_numpy(np.ascontiguousarray(mel)),
                torch.from_numpy(faces.transpose(0, 3, 1, 2).astype(np.float32)),
            )
        return np.asarray(drawn.numpy().transpose(0, 2, 3, 1) * 255.0)
