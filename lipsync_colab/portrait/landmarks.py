"""Faces in a picture: one protocol, two backends that run the same model, and a search that finds small faces."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np

from lipsync_colab.portrait.search import LEVELS, Box, covered, overlap, views
from lipsync_colab.types import Array, Face, Image

VIEW_SIDE = 640
"""Pixels a side that a view is shrunk to, by area, before the model sees it."""
SMALLEST_VIEW = 16
"""Pixels a side below which there is nothing to see."""
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
        box = None if near is None else _around(near, image)
        if near is not None and box is not None:
            close = self._look(image, box)
            if close:
                return (max(close, key=lambda face: overlap(face.box, near.box)),)
        overview, grown = _shrunk(image, VIEW_SIDE << LEVELS)
        found: list[Face] = []
        for level, boxes in enumerate(views(overview.shape[1], overview.shape[0])):
            if found and level > depth:
                break
            for view in boxes:
                seen = [face.moved(grown) for face in self._look(overview, view)]
                found = _merged(found, seen if self._whole(image, view) else self._closer(image, seen, level > 0))
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

    def _whole(self, image: Image, view: Box) -> bool:
        """Whether a view was the picture itself, unshrunk."""
        return max(image.shape[:2]) <= VIEW_SIDE and view == (0, 0, image.shape[1], image.shape[0])

    def _closer(self, image: Image, faces: list[Face], confirm: bool) -> list[Face]:
        """Look again at each face from nearby: larger, and not cut by a tile's edge.

        Args:
            image: the picture.
            faces: as they were seen from afar.
            confirm: drop those that are not there when looked at closely.
        """
        found = []
        for face in faces:
            box = _around(face, image)
            seen = [] if box is None else self._look(image, box)
            best = max(seen, key=lambda other: overlap(face.box, other.box), default=None)
            if best is not None and overlap(face.box, best.box) > SAME_FACE:
                found.append(best)
            elif not confirm:
                found.append(face)
        return found

    def _look(self, image: Image, box: Box) -> list[Face]:
        # The model samples without a filter, and detail that aliases moves its landmarks by more than a pixel.
        view, place = _shrunk(_cut(image, box), VIEW_SIDE)
        place[:, 2] += box[:2]
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


def _shrunk(image: Image, side: int) -> tuple[Image, Array]:
    """Shrink a picture by area until no side is longer than ``side``; also return the way back, float32 (2, 3)."""
    height, width = image.shape[:2]
    ratio = max(width, height, side) / side
    size = max(round(width / ratio), 1), max(round(height / ratio), 1)
    across, down = width / size[0], height / size[1]
    back = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]], np.float32)
    if size == (width, height):
        return image, back
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), back


def _around(face: Face, image: Image) -> Box | None:
    """Return the surroundings of a face within a picture, or None when it lies outside."""
    left, top, right, bottom = face.box
    reach = 1.25 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    height, width = image.shape[:2]
    box = max(int(x - reach), 0), max(int(y - reach), 0), min(int(x + reach), width), min(int(y + reach), height)
    return box if min(box[2] - box[0], box[3] - box[1]) >= SMALLEST_VIEW else None


def _merged(known: list[Face], new: list[Face]) -> list[Face]:
    """Add the faces that are not there yet: the first view to see a face saw it whole."""
    for face in new:
        if all(covered(face.box, other.box) < COVERED for other in known):
            known = [*known, face]
    return known


def _rank(face: Face) -> tuple[float, float, float]:
    left, top, right, bottom = face.box
    return -(right - left) * (bottom - top), left, top
