"""A picture file becomes a portrait, or is refused in one line before any work is done."""

from __future__ import annotations

import os

from lipsync_colab.errors import InputError
from lipsync_colab.portrait.landmarks import FaceTracker
from lipsync_colab.portrait.picture import read_picture, shown
from lipsync_colab.portrait.pose import head_pose
from lipsync_colab.types import Face, Image, Portrait

SMALLEST_FACE = 48
"""Pixels, the longer side of the landmarks' box."""
WIDEST_YAW = 55.0
"""Degrees: beyond it the far half of the mouth is hidden, and nothing can be drawn there."""


def load_portrait(path: str | os.PathLike[str], face: int | None = None) -> Portrait:
    """Read a picture and choose the face that will speak.

    Args:
        path: PNG, JPEG, WebP, BMP or TIFF, 64 to 8,000 pixels a side.
        face: 1 for the largest face, 2 for the next; None takes the largest.

    Returns:
        The upright picture, the chosen face, and the others.

    Raises:
        InputError: the file cannot be used, or the face is missing, too small or turned too far.
        WeightsError: the landmark model is missing and cannot be fetched.

    >>> from lipsync_colab import load_portrait
    >>> portrait = load_portrait("portrait.jpg")
    >>> portrait.size, portrait.face.mesh.shape
    ((512, 600), (478, 3))
    """
    image = read_picture(path)
    with FaceTracker() as tracker:
        faces = tracker.detect(image, depth=1)
        if face is not None and face > len(faces):
            faces = tracker.detect(image, depth=2)
    return portrait_of(image, faces, face, shown(os.path.basename(path)))  # noqa: PTH119


def portrait_of(image: Image, faces: tuple[Face, ...], face: int | None, source: str) -> Portrait:
    """Choose a face and check that it can be animated.

    Args:
        image: uint8 (H, W, 3) RGB, upright.
        faces: what was found, largest first.
        face: 1-based choice, or None.
        source: the picture's name, for messages.

    Raises:
        InputError: there is no such face, or it is too small or turned too far.
    """
    if not faces:
        size = f"{image.shape[1]}×{image.shape[0]} pixels"
        raise InputError(f"no face found in {source} ({size}): use a picture that shows a face from the front")
    if face is not None and not 1 <= face <= len(faces):
        raise InputError(f"--face {face}: {_count(faces)} found in {source}: choose 1 to {len(faces)}, 1 the largest")
    chosen = faces[(face or 1) - 1]
    _check_size(chosen, faces, source)
    _check_yaw(chosen, faces, source)
    return Portrait(image, chosen, source, tuple(other for other in faces if other is not chosen))


def _check_size(face: Face, faces: tuple[Face, ...], source: str) -> None:
    left, top, right, bottom = face.box
    if max(right - left, bottom - top) < SMALLEST_FACE:
        raise InputError(
            f"the face in {source} is {right - left:.0f}×{bottom - top:.0f} pixels ({_count(faces)} found): "
            f"at least {SMALLEST_FACE} are needed, use a larger picture or a closer crop"
        )


def _check_yaw(face: Face, faces: tuple[Face, ...], source: str) -> None:
    yaw = head_pose(face).yaw
    if abs(yaw) > WIDEST_YAW:
        side = "right" if yaw > 0 else "left"
        raise InputError(
            f"the face in {source} is turned {abs(yaw):.0f}° to the {side} ({_count(faces)} found): "
            f"at most {WIDEST_YAW:.0f}° can be animated, use a more frontal picture"
            + (" or --face N for another face" if len(faces) > 1 else "")
        )


def _count(faces: tuple[Face, ...]) -> str:
    return "1 face" if len(faces) == 1 else f"{len(faces)} faces"
