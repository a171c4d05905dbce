"""Faces in a picture: one protocol, two backends that run the same model, and a search that finds small faces."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np

from lipsync_colab.portrait.search import LEVELS, Box, covered, overlap, views
from lipsync_colab.types import Face, Image

VIEW_SIDE = 640
"""Pixels a side that a view is shrunk to, by area, before the model sees it."""
SAME_FACE = 0.3
"""Two boxes that share this much of their union show one face."""
COVERED = 0.5
"""A box that shares this much of the smaller of two with a known face is a part of it, seen by a tile."""
FIRST_TALKER = (0, 10, 33)
"""The first MediaPipe release whose landmarker contacts a server. Portraits are private: it is not used."""


class Backend(Protocol):
    """Finds faces in one view of a picture."""

    name: str

    def find(self, image: Image) -> list[Face]:
        """Return the faces in ``image`` (uint8 (H, W, 3) RGB), in its own pixels."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...


class FaceTracker:
    """Keeps the landmark model open over many pictures; a context manager.

    Args:
        backend: ``"auto"``, ``"mediapipe"`` or ``"opencv"``. Auto takes MediaPipe where a release that stays off
            the network is importable, and OpenCV's DNN elsewhere.
        model: ``face_landmarker.task``; by default the one in the weights store.

    Raises:
        WeightsError: the model is missing and cannot be fetched.
    """

    def __init__(self, backend: str = "auto", model: Path | None = None) -> None:
        self._backend = _open_backend(backend, model or _task())

    @property
    def backend(self) -> str:
        """``"mediapipe"`` or ``"opencv"``."""
        return self._backend.name

    def detect(self, image: Image, near: Face | None = None, depth: int = 0) -> tuple[Face, ...]:
        """Return the faces of a picture, largest first.

        Args:
            image: uint8 (H, W, 3) RGB.
            near: where the face is about: when it is still there, only it is returned, and quickly. On the frames of
                one clip pass the same face each time: a wandering crop moves the landmarks by up to 1 % of the face.
            depth: levels of enlarged parts to search for further faces when some were found: 1 or 2 (all). When none
                was found every level is searched.
        """
        if near is not None:
            close = self._look(image, _around(near, image))
            if close:
                return (max(close, key=lambda face: overlap(face.box, near.box)),)
        found: list[Face] = []
        for level, boxes in enumerate(views(image.shape[1], image.shape[0])):
            if found and level > depth:
                break
            for box in boxes:
                found = _merged(found, self._find(image, box))
        return tuple(sorted(found, key=_rank))

    def close(self) -> None:
        """Free the model."""
        self._backend.close()

    def __enter__(self) -> FaceTracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, image: Image, box: Box) -> list[Face]:
        """Search one view, and look again at each face from nearby: larger, and not cut by a tile's edge."""
        found = self._look(image, box)
        whole = box == (0, 0, image.shape[1], image.shape[0])
        if whole and max(box) <= VIEW_SIDE:
            return found
        closer = [self._closer(image, face) or (face if whole else None) for face in found]
        return [face for face in closer if face is not None]

    def _closer(self, image: Image, face: Face) -> Face | None:
        seen = self._look(image, _around(face, image))
        best = max(seen, key=lambda other: overlap(face.box, other.box), default=None)
        return best if best is not None and overlap(face.box, best.box) > SAME_FACE else None

    def _look(self, image: Image, box: Box) -> list[Face]:
        view = _cut(image, box)
        height, width = view.shape[:2]
        ratio = max(width, height) / VIEW_SIDE
        across, down = 1.0, 1.0
        if ratio > 1:
            # The model samples without a filter, and detail that aliases moves its landmarks by more than a pixel.
            size = max(round(width / ratio), 1), max(round(height / ratio), 1)
            view = np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8)
            across, down = width / size[0], height / size[1]
        place = np.array([[across, 0, box[0] + (across - 1) / 2], [0, down, box[1] + (down - 1) / 2]], np.float32)
        return [face.moved(place) for face in self._backend.find(view)]


def detect(image: Image, backend: str = "auto", model: Path | None = None) -> tuple[Face, ...]:
    """Return every face of one picture, largest first, small ones included.

    Args:
        image: uint8 (H, W, 3) RGB.
        backend: as for :class:`FaceTracker`, which is the thing to keep open for many pictures.
        model: ``face_landmarker.task``; by default the one in the weights store.
    """
    with FaceTracker(backend, model) as tracker:
        return tracker.detect(image, depth=LEVELS)


def mediapipe_usable() -> bool:
    """Whether MediaPipe is installed in a release that works without the network."""
    try:
        found = metadata.version("mediapipe")
        release = tuple(int(part) for part in found.split(".")[:3])
    except (metadata.PackageNotFoundError, ValueError):
        return False
    return release < FIRST_TALKER


def _open_backend(name: str, model: Path) -> Backend:
    if name not in ("auto", "mediapipe", "opencv"):
        raise ValueError(f"no landmark backend {name!r}")
    if name == "mediapipe" or (name == "auto" and mediapipe_usable()):
        try:
            from lipsync_colab.portrait.mediapipe_faces import MediapipeFaces

            return MediapipeFaces(model)
        except (ImportError, OSError, AttributeError):  # a broken native library shows as any of the three
            if name == "mediapipe":
                raise
    from lipsync_colab.portrait.opencv_faces import OpencvFaces

    return OpencvFaces(model)


def _task() -> Path:
    from lipsync_colab.weights import store

    return store.path_of("face_landmarker.task")


def _cut(image: Image, box: Box) -> Image:
    """Cut a box out of a picture; what lies outside is black, as the detector saw in training."""
    left, top, right, bottom = box
    height, width = image.shape[:2]
    inside = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    pad = ((max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0)), (0, 0))
    return np.ascontiguousarray(np.pad(inside, pad) if any(map(any, pad)) else inside)


def _around(face: Face, image: Image) -> Box:
    left, top, right, bottom = face.box
    reach = 1.25 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    height, width = image.shape[:2]
    return max(int(x - reach), 0), max(int(y - reach), 0), min(int(x + reach), width), min(int(y + reach), height)


def _merged(known: list[Face], new: list[Face]) -> list[Face]:
    """Add the faces that are not there yet: the first view to see a face saw it whole."""
    for face in new:
        if all(covered(face.box, other.box) < COVERED for other in known):
            known = [*known, face]
    return known


def _rank(face: Face) -> tuple[float, float, float]:
    left, top, right, bottom = face.box
    return -(right - left) * (bottom - top), left, top
