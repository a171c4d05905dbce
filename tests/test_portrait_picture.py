"""Picture files: what is read, and what is refused in one line."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms

from lipsync_colab.errors import InputError
from lipsync_colab.portrait.picture import read_picture, shown

GRADIENT = np.stack(np.broadcast_arrays(np.arange(80)[None] * 3, np.arange(100)[:, None] * 2, 90), -1).astype(np.uint8)


def encoded(form: str, pixels: np.ndarray = GRADIENT, **options: object) -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, form, **options)
    return stream.getvalue()


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_picture(path)
    message = str(caught.value)
    assert "\n" not in message and message.isprintable()
    return message


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, form: str) -> None:
    assert np.array_equal(read_picture(put(tmp_path, "p", encoded(form))), GRADIENT)


@pytest.mark.parametrize(("form", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"quality": 95})])
def test_lossy_formats_are_read(tmp_path: Path, form: str, options: dict[str, object]) -> None:
    image = read_picture(put(tmp_path, "p", encoded(form, **options)))
    assert image.dtype == np.uint8 and image.flags.c_contiguous
    assert np.abs(image.astype(int) - GRADIENT).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    turned = {
        1: GRADIENT,
        2: GRADIENT[:, ::-1],
        3: GRADIENT[::-1, ::-1],
        4: GRADIENT[::-1],
        5: GRADIENT.transpose(1, 0, 2),
        6: np.rot90(GRADIENT, 1),
        7: GRADIENT.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(GRADIENT, -1),
    }[orientation]
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    path = put(tmp_path, "p.png", encoded("PNG", np.ascontiguousarray(turned), exif=exif))
    assert np.array_equal(read_picture(path), GRADIENT)


def test_broken_exif_is_ignored(tmp_path: Path) -> None:
    path = put(tmp_path, "p.jpg", encoded("JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xffgarbage"))
    assert read_picture(path).shape == GRADIENT.shape


def test_alpha_lies_over_white(tmp_path: Path) -> None:
    alpha = np.zeros((100, 80), np.uint8)
    alpha[:50] = 255
    alpha[50:60] = 128
    image = read_picture(put(tmp_path, "p.png", encoded("PNG", np.dstack([GRADIENT, alpha]))))
    assert np.array_equal(image[:50], GRADIENT[:50])
    assert (image[60:] == 255).all()
    half = GRADIENT[50:60] * (128 / 255) + 255 * (127 / 255)
    assert np.abs(image[50:60] - half).max() <= 1


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    grey = (np.arange(100)[:, None] * 650 + np.zeros((1, 80))).astype(np.uint16)
    for form in ("PNG", "TIFF"):
        image = read_picture(put(tmp_path, "p", encoded(form, grey)))
        assert np.abs(image[..., 0] - grey / 257).max() <= 1
        assert np.array_equal(image[..., 0], image[..., 2])


def test_sixteen_bit_colour(tmp_path: Path) -> None:
    wide = GRADIENT.astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 80, 100, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    body = b"".join(chunk(*each) for each in chunks)
    assert np.array_equal(read_picture(put(tmp_path, "p.png", b"\x89PNG\r\n\x1a\n" + body)), GRADIENT)


def test_float_tiff(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 8000, dtype=np.float32).reshape(100, 80)
    values[0, 0] = np.nan
    image = read_picture(put(tmp_path, "p.tif", encoded("TIFF", values)))
    assert image[-1, -1, 0] == 255 and abs(int(image[50, 0, 0]) - 128) <= 1 and image[0, 0, 0] == 0


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK"])
def test_other_colour_modes(tmp_path: Path, mode: str) -> None:
    picture = Pillow.fromarray(GRADIENT).convert(mode)
    stream = io.BytesIO()
    picture.save(stream, "TIFF")
    image = read_picture(put(tmp_path, "p.tif", stream.getvalue()))
    assert image.shape == (100, 80, 3)
    if mode == "CMYK":
        assert np.abs(image.astype(int) - GRADIENT).max() <= 2
    if mode in ("L", "LA"):
        assert np.abs(image[..., 0].astype(int) - np.asarray(Pillow.fromarray(GRADIENT).convert("L"))).max() <= 1


def test_cmyk_jpeg(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Pillow.fromarray(GRADIENT).convert("CMYK").save(stream, "JPEG", quality=95)
    image = read_picture(put(tmp_path, "p.jpg", stream.getvalue()))
    assert np.abs(image.astype(int) - GRADIENT).mean() < 6


def test_a_palette_with_transparency(tmp_path: Path) -> None:
    picture = Pillow.new("P", (80, 100), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.paste(0, (0, 0, 40, 100))
    stream = io.BytesIO()
    picture.save(stream, "PNG", transparency=0)
    image = read_picture(put(tmp_path, "p.png", stream.getvalue()))
    assert (image[:, :40] == 255).all() and (image[:, 40:] == (0, 0, 255)).all()


def test_colour_profiles_are_applied_or_ignored(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = read_picture(put(tmp_path, "srgb.png", encoded("PNG", icc_profile=srgb)))
    assert np.abs(same.astype(int) - GRADIENT).max() <= 1
    broken = read_picture(put(tmp_path, "broken.png", encoded("PNG", icc_profile=b"no profile at all")))
    assert np.array_equal(broken, GRADIENT)


def bomb(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds next to nothing."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" * 99))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.png", b"", "is empty: save or upload it again"),
        ("text.png", b"this is a letter, not a picture\n" * 20, "is not a picture that can be read: give a PNG"),
        ("truncated.jpg", encoded("JPEG", np.repeat(GRADIENT, 4, axis=0))[:900], "is damaged"),
        (
            "truncated.png",
            encoded("PNG", np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))[:9000],
            "is d",
        ),
        ("dot.png", encoded("PNG", GRADIENT[:1, :1]), "is 1×1 pixels: at least 64 a side"),
        ("slim.png", encoded("PNG", GRADIENT[:, :63]), "is 63×100 pixels: at least 64 a side"),
        ("bomb.png", bomb(20_000, 20_000), "far more pixels than a portrait has: resize it to at most 8000"),
        ("wide.png", bomb(8001, 100), "is 8001×100 pixels: resize it to at most 8000 a side"),
        ("page.pdf", b"%PDF-1.7\n" + b"x" * 99, "is a PDF: give a PNG"),
        ("phone.heic", b"\0\0\0\x18ftypheic" + b"\0" * 99, "is a HEIC, AVIF or video file: give a PNG"),
        ("sound.wav", b"RIFF\0\0\0\0WAVEfmt " + b"\0" * 99, "is an audio or video file: give a PNG"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    text = refused(put(tmp_path, name, content))
    assert name in text and message in text


def frames() -> list[Pillow.Image]:
    return [Pillow.fromarray(np.roll(GRADIENT, shift, axis=0)) for shift in (0, 9, 18)]


def test_animations_are_refused(tmp_path: Path) -> None:
    first, *rest = frames()
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest)
    first.save(tmp_path / "a.webp", save_all=True, append_images=rest)
    first.save(tmp_path / "apng.png", save_all=True, append_images=rest)
    assert "is a GIF" in refused(tmp_path / "a.gif")
    assert "an animation of 3 frames: save one of them as PNG" in refused(tmp_path / "a.webp")
    assert "an animation of 3 frames" in refused(tmp_path / "apng.png")


def test_places_that_are_no_file(tmp_path: Path) -> None:
    assert "portrait not found" in refused(tmp_path / "nobody.png")
    assert "is a folder" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(tmp_path / "pipe")
    assert "cannot read" in refused(tmp_path / ("x" * 5000))
    assert "nul\\x00byte" in refused(Path("nul\0byte"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = put(tmp_path, "p.png", encoded("PNG"))
    path.chmod(0)
    assert "permission denied" in refused(path).lower()


@pytest.mark.parametrize(
    "name", ["two words.png", 'it\'s "quoted".png', "ünï 像.png", b"latin \xe9.png", "new\nline.png"]
)
def test_any_name_is_read_and_shown_as_one_line(tmp_path: Path, name: str | bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(encoded("PNG"))
    assert np.array_equal(read_picture(path), GRADIENT)
    path.write_bytes(b"no picture")
    refused(path)
    assert shown(path).encode("utf-8").decode().isprintable()


def test_native_decoders_write_nothing_to_the_terminal(tmp_path: Path) -> None:
    broken = bytearray(encoded("TIFF", np.repeat(GRADIENT, 8, axis=0), compression="tiff_lzw"))
    broken[200:400] = bytes(200)
    path = put(tmp_path, "p.tif", bytes(broken))
    code = (
        "import sys\nfrom lipsync_colab.portrait.picture import read_picture\n"
        "from lipsync_colab.errors import InputError\n"
        "try:\n    read_picture(sys.argv[1])\nexcept InputError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""


SEEDS = [encoded(form) for form in ("PNG", "BMP", "TIFF", "JPEG", "WEBP")] + [
    encoded("TIFF", compression="tiff_lzw"),
    encoded("PNG", GRADIENT[..., 0]),
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=12),
    cut=st.one_of(st.none(), st.integers(0, 2000)),
    extra=st.binary(max_size=20),
)
def test_mutated_files_are_read_or_refused(
    tmp_path: Path, seed: bytes, changes: list[tuple[int, int]], cut: int | None, extra: bytes
) -> None:
    content = bytearray(seed)
    for place, value in changes:
        content[place % len(content)] = value
    path = put(tmp_path, "mutated", bytes(content[:cut]) + extra)
    try:
        image = read_picture(path)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        assert min(image.shape[:2]) >= 64 and max(image.shape[:2]) <= 8000
