"""The face landmark model run by OpenCV's DNN alone, for machines where MediaPipe does not install.

The order of operations follows MediaPipe's face landmarker graph: the detector on the letterboxed picture, a square
around each face turned upright by the eyes, the mesh inside it, the expression scores from the mesh.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lipsync_colab.errors import WeightsError
from lipsync_colab.portrait.blazeface import SIDE, Detection, anchors, decode
from lipsync_colab.portrait.mesh import BLENDSHAPE_VERTICES, BLENDSHAPES, face_of
from lipsync_colab.types import Array, Face, Image

MESH_SIDE = 256
"""Pixels a side of the landmark model's input."""
ROOM = 1.5
"""Side of the square around a face, of the longer side of its detected box."""
LEAST_PRESENCE = 0.5
MESH_OUTPUT, PRESENCE_OUTPUT = "Identity", "Identity_1"
PARTS = ("face_detector", "face_landmarks_detector", "face_blendshapes")


class OpencvFaces:
    """The three networks of the task file in OpenCV's DNN.

    Args:
        model: ``face_landmarker.task``, a zip of TensorFlow Lite files.

    Raises:
        WeightsError: it is not that file.
    """

    name = "opencv"

    def __init__(self, model: Path) -> None:
        self._detector, self._landmarks, self._blendshapes = _networks(model)
        self._anchors = anchors()

    def find(self, image: Image) -> list[Face]:
        """Return the faces in ``image`` (uint8 (H, W, 3) RGB), in its own pixels."""
        faces = (self._mesh(image, detection) for detection in self._detections(image))
        return [face for face in faces if face is not None]

    def close(self) -> None:
        """Free the model: OpenCV frees a network with its last reference."""
        del self._detector, self._landmarks, self._blendshapes

    def _detections(self, image: Image) -> list[Detection]:
        height, width = image.shape[:2]
        side = max(width, height)
        corner = np.array([(width - side) / 2, (height - side) / 2])
        square = _warped(image, corner, np.array([side, 0.0]), np.array([0.0, side]), SIDE, cv2.BORDER_CONSTANT)
        self._detector.setInput(cv2.dnn.blobFromImage(square, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        regressors, logits = self._detector.forward(("regressors", "classificators"))
        return decode(np.asarray(regressors, np.float32)[0], np.asarray(logits, np.float32)[0, :, 0], self._anchors)

    def _mesh(self, image: Image, detection: Detection) -> Face | None:
        corner, across, down = _region(detection, image.shape[1], image.shape[0])
        crop = _warped(image, corner, across, down, MESH_SIDE, cv2.BORDER_REPLICATE)
        self._landmarks.setInput(cv2.dnn.blobFromImage(crop, 1 / 255))
        raw, presence = self._landmarks.forward((MESH_OUTPUT, PRESENCE_OUTPUT))
        if 1 / (1 + math.exp(-float(np.ravel(presence)[0]))) < LEAST_PRESENCE:
            return None
        unit = np.asarray(raw, np.float64).reshape(-1, 3) / MESH_SIDE
        flat = corner + unit[:, :1] * across + unit[:, 1:2] * down
        mesh = np.column_stack([flat, unit[:, 2] * np.linalg.norm(across)]).astype(np.float32)
        return face_of(mesh, self._scores(mesh), detection.score)

    def _scores(self, mesh: Array) -> dict[str, float]:
        if self._blendshapes is None:
            return {}
        self._blendshapes.setInput(np.ascontiguousarray(mesh[None, BLENDSHAPE_VERTICES, :2]))
        scores = np.ravel(self._blendshapes.forward())
        return dict(zip(BLENDSHAPES, (float(score) for score in scores), strict=True))


def _networks(model: Path) -> list[Any]:
    # OpenCV 5 has a new engine that does not read these files; OpenCV 4 knows no choice.
    engine = (cv2.dnn.ENGINE_CLASSIC,) if hasattr(cv2.dnn, "ENGINE_CLASSIC") else ()
    try:
        # From a path: OpenCV 4.10 cannot read TensorFlow Lite from memory.
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(model) as task:
            detector, landmarks, blendshapes = (str(task.extract(f"{part}.tflite", folder)) for part in PARTS)
            required = [cv2.dnn.readNetFromTFLite(path, *engine) for path in (detector, landmarks)]
            return [*required, _blendshapes(blendshapes, engine)]
    except (zipfile.BadZipFile, KeyError, cv2.error) as error:
        raise WeightsError(f"{model} is no face landmark model: run lipsync-colab weights verify") from error


def _blendshapes(path: str, engine: tuple[int, ...]) -> Any:
    """Return the expression network, or None: OpenCV before 4.12 cannot read it, and faces then come without scores."""
    with contextlib.suppress(cv2.error):
        return cv2.dnn.readNetFromTFLite(path, *engine)
    return None


def _region(detection: Detection, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the upright square around a face: its first corner and its two sides, in picture pixels."""
    side = max(width, height)
    shift = np.array([(width - side) / 2, (height - side) / 2])
    left, top, right, bottom = detection.box
    middle = np.array([(left + right) / 2, (top + bottom) / 2]) * side + shift
    eyes = (detection.points[1] - detection.points[0]) * side
    turn = math.atan2(eyes[1], eyes[0])
    length = ROOM * side * max(right - left, bottom - top)
    across = length * np.array([math.cos(turn), math.sin(turn)])
    down = length * np.array([-math.sin(turn), math.cos(turn)])
    return middle - (across + down) / 2, across, down


def _warped(image: Image, corner: np.ndarray, across: np.ndarray, down: np.ndarray, side: int, border: int) -> Image:
    """Sample a turned square, ``side`` pixels wide, as MediaPipe's CPU converter does: bilinear, without a filter."""
    matrix = np.vstack([np.column_stack([across / side, down / side, corner]), [0, 0, 1]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(image, matrix, (side, side), flags=flags, borderMode=border), np.uint8)
