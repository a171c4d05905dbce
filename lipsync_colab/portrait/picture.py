"""Picture files: what a portrait may be, read safely into an upright RGB array."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from lipsync_colab.errors import InputError
from lipsync_colab.portrait.silence import native_silence
from lipsync_colab.types import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
SMALLEST, LARGEST = 64, 8000
"""Allowed pixels a side."""
ORIENTATION = 0x0112
"""EXIF tag that says how the camera was held."""
TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""
FOREIGN = (
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"<svg", "an SVG drawing"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"RIFF", "an audio or video file"),
)
"""First bytes of what people pass by mistake."""


def shown(path: str | os.PathLike[str]) -> str:
    """Return a file's name as one printable line, whatever bytes it holds."""
    text = os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode("ascii") for mark in text)


def read_picture(path: str | os.PathLike[str]) -> Image:
    """Read a picture file: PNG, JPEG, WebP, BMP or TIFF.

    The EXIF orientation is applied, transparency laid over white, 16-bit and float samples scaled to 8, and a colour
    profile converted to sRGB. The size is checked in the header, before anything is decoded.

    Args:
        path: the file.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        InputError: it is missing, no such picture, damaged, animated, or not 64 to 8,000 pixels a side.
    """
    file = Path(path)
    name = shown(path)
    _check_file(file, name)
    with warnings.catch_warnings(), native_silence():
        warnings.simplefilter("ignore")
        with _open(file, name) as picture:
            _check_size(picture.size, name)
            _check_still(picture, name)
            try:
                return _rgb(picture)
            except Exception as error:  # decoders raise a dozen unrelated kinds on damaged data
                raise InputError(f"{name} is damaged ({_reason(error)}): save it again as PNG or JPEG") from error


def _check_file(file: Path, name: str) -> None:
    try:
        if file.is_dir():
            raise InputError(f"{name} is a folder: give the picture file in it")
        if not file.exists():
            raise InputError(f"portrait not found: {name}: check the path")
        if not file.is_file():
            raise InputError(f"{name} is not a regular file: give a PNG, JPEG, WebP, BMP or TIFF")
        if file.stat().st_size == 0:
            raise InputError(f"{name} is empty: save or upload it again")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {name}: {_reason(error)}") from error


def _open(file: Path, name: str) -> Pillow.Image:
    try:
        return Pillow.open(file, formats=FORMATS)
    except Pillow.DecompressionBombError as error:
        raise InputError(
            f"{name} declares far more pixels than a portrait has: resize it to at most {LARGEST} a side"
        ) from error
    except (UnidentifiedImageError, SyntaxError) as error:
        raise InputError(f"{name} {_guess(file)}: give a PNG, JPEG, WebP, BMP or TIFF") from error
    except PermissionError as error:
        raise InputError(f"cannot read {name}: permission denied") from error
    except Exception as error:  # a parser of headers fails in as many ways as a decoder
        raise InputError(f"{name} is damaged ({_reason(error)}): save it again as PNG or JPEG") from error


def _guess(file: Path) -> str:
    with file.open("rb") as stream:
        head = stream.read(16)
    if head[4:8] == b"ftyp":
        return "is a HEIC, AVIF or video file"
    for start, what in FOREIGN:
        if head.lower().startswith(start.lower()):
            return f"is {what}"
    return "is not a picture that can be read"


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if min(size) < SMALLEST:
        raise InputError(f"{name} is {width}×{height} pixels: at least {SMALLEST} a side are needed")
    if max(size) > LARGEST:
        raise InputError(f"{name} is {width}×{height} pixels: resize it to at most {LARGEST} a side")


def _check_still(picture: Pillow.Image, name: str) -> None:
    frames = getattr(picture, "n_frames", 1)
    # A second page of a TIFF is a thumbnail, a second picture of a phone's JPEG a depth map: only these two move.
    if picture.format in ("PNG", "WEBP") and frames > 1:
        raise InputError(f"{name} is an animation of {frames} frames: save one of them as PNG")


def _rgb(picture: Pillow.Image) -> Image:
    turn = _turn(picture)
    picture.load()
    upright = picture if turn is None else picture.transpose(turn)
    pixels = np.asarray(_to_srgb(_flat(_eight_bits(upright)), picture.info.get("icc_profile")))
    return np.ascontiguousarray(pixels)


def _turn(picture: Pillow.Image) -> Pillow.Transpose | None:
    with contextlib.suppress(Exception):  # broken EXIF is no reason to refuse the picture
        return TURNS.get(picture.getexif().get(ORIENTATION, 1))
    return None


def _eight_bits(picture: Pillow.Image) -> Pillow.Image:
    """Bring 16-bit, 32-bit and float greys to 8 bits; Pillow's own conversion clips them instead."""
    if not (picture.mode == "F" or picture.mode.startswith("I")):
        return picture
    values = np.nan_to_num(np.asarray(picture).astype(np.float64), posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    if picture.mode == "F" and top <= 1.0:
        full = 1.0
    else:
        full = 255.0 if picture.mode in ("I", "F") and top <= 255 else 65535.0 if top <= 65535 else top
    return Pillow.fromarray(np.clip(values * (255.0 / full) + 0.5, 0, 255).astype(np.uint8))


def _flat(picture: Pillow.Image) -> Pillow.Image:
    """Lay transparency over white."""
    if not picture.has_transparency_data:
        return picture
    layer = picture.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _to_srgb(picture: Pillow.Image, profile: Any) -> Pillow.Image:
    if picture.mode in ("P", "1", "LA", "La", "PA", "RGBA", "RGBX", "RGBa"):
        picture = picture.convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        with contextlib.suppress(Exception):  # a profile that does not fit is ignored, as viewers do
            from PIL import ImageCms

            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
    return picture.convert("RGB")


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "strerror", None) or error).splitlines()
    return shown(text[0])[:120] if text and text[0] else type(error).__name__
