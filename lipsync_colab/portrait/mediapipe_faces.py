"""The face landmark model in MediaPipe's own runtime."""

from __future__ import annotations

import atexit
import weakref
from functools import partial
from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from lipsync_colab.portrait.mesh import face_of
from lipsync_colab.portrait.silence import native_silence
from lipsync_colab.types import Face, Image

MOST_FACES = 32
CONFIDENCE = 0.5


class MediapipeFaces:
    """MediaPipe's FaceLandmarker in picture mode: nothing is carried from one picture to the next.

    Args:
        model: ``face_landmarker.task``.
    """

    name = "mediapipe"

    def __init__(self, model: Path) -> None:
        # From bytes: MediaPipe cannot open a path that is not UTF-8.
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
            num_faces=MOST_FACES,
            min_face_detection_confidence=CONFIDENCE,
            min_face_presence_confidence=CONFIDENCE,
            output_face_blendshapes=True,
        )
        self._at_exit = partial(_forget, weakref.ref(self))
        atexit.register(self._at_exit)
        with native_silence():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
            # The first picture starts the interpreter threads, which log too.
            self.find(np.zeros((64, 64, 3), np.uint8))

    def find(self, image: Image) -> list[Face]:
        """Return the faces in ``image`` (uint8 (H, W, 3) RGB), in its own pixels."""
        height, width = image.shape[:2]
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        result = self._landmarker.detect(picture)
        faces = []
        for marks, shapes in zip(result.face_landmarks, result.face_blendshapes, strict=True):
            mesh = np.array([(mark.x * width, mark.y * height, mark.z * width) for mark in marks], np.float32)
            faces.append(face_of(mesh, {shape.category_name: float(shape.score) for shape in shapes}))
        return faces

    def close(self) -> None:
        """Free the model; a second time does nothing."""
        atexit.unregister(self._at_exit)
        self._landmarker.close()


def _forget(reference: weakref.ref[MediapipeFaces]) -> None:
    """Drop the handle of a landmarker still open when Python ends: its own finaliser would fail at length."""
    faces = reference()
    if faces is not None and hasattr(faces, "_landmarker"):
        faces._landmarker._handle = None
