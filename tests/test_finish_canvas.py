"""The canvas: sizes, framing, backgrounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faces import plain_face
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from lipsync_colab.errors import InputError
from lipsync_colab.finish.background import Background, parse_background
from lipsync_colab.finish.canvas import make_canvas, output_size, parse_size
from lipsync_colab.finish.framing import OutputSize
from lipsync_colab.types import Image, Portrait


def noise(width: int, height: int) -> Image:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)


def smooth(width: int, height: int) -> Image:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 200 / width + 20, y * 200 / height + 20, (x + y) * 100 / (width + height) + 50], -1).astype(
        np.uint8
    )


def portrait(image: Image, box: tuple[float, float, float, float] | None = None) -> Portrait:
    height, width = image.shape[:2]
    side = min(width, height) / 3
    return Portrait(image, plain_face(*(box or (width / 2 - side / 2, height / 4, side, side * 1.2))), "test")


@pytest.mark.parametrize(
    ("picture", "size", "aspect", "wanted"),
    [
        ((512, 600), "1080p", "match", (1080, 1266)),
        ((512, 512), "1080p", "match", (1080, 1080)),
        ((1920, 1080), "1080p", "match", (1920, 1080)),
        ((512, 600), "1080p", "1:1", (1080, 1080)),
        ((512, 600), "1080p", "16:9", (1920, 1080)),
        ((512, 600), "1080p", "9:16", (1080, 1920)),
        ((512, 600), "1440p", "16:9", (2560, 1440)),
        ((512, 600), "2160p", "9:16", (2160, 3840)),
        ((512, 600), "640x480", "match", (640, 480)),
        ((512, 600), "640x360", "16:9", (640, 360)),
        ((64, 8000), "1080p", "match", (1080, 4320)),
    ],
)
def test_output_sizes(picture: tuple[int, int], size: str, aspect: str, wanted: tuple[int, int]) -> None:
    assert output_size(picture, size, aspect) == wanted


def test_sizes_are_parsed() -> None:
    assert parse_size("1080p") == OutputSize(short=1080)
    assert parse_size("1280x720") == OutputSize(exact=(1280, 720))


@pytest.mark.parametrize(
    "text", ["", "1080", "720q", "x", "1280x", "-64x64", "1281x720", "10x10", "99999x2", "64x64.0"]
)
def test_unknown_sizes_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--size"):
        parse_size(text)


def test_contradicting_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="is not 16:9"):
        output_size((512, 512), "640x480", "16:9")
    with pytest.raises(InputError, match="--aspect '4:3' is unknown"):
        output_size((512, 512), "1080p", "4:3")


@given(
    width=st.integers(64, 8000),
    height=st.integers(64, 8000),
    size=st.sampled_from(["1080p", "1440p", "2160p"]),
    aspect=st.sampled_from(["match", "1:1", "16:9", "9:16"]),
)
def test_sides_are_even_and_the_short_one_is_what_was_asked(width: int, height: int, size: str, aspect: str) -> None:
    wide, high = output_size((width, height), size, aspect)
    assert wide % 2 == high % 2 == 0
    assert min(wide, high) == parse_size(size).short
    if aspect == "match":
        assert (wide >= high) == (width >= height) or wide == high


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(64, 700),
    height=st.integers(64, 700),
    share=st.floats(0.1, 0.95),
    across=st.floats(0, 1),
    down=st.floats(0, 1),
    target=st.tuples(st.integers(32, 300), st.integers(32, 300)),
)
def test_the_face_stays_in_frame_and_the_transform_says_where(
    *, width: int, height: int, share: float, across: float, down: float, target: tuple[int, int]
) -> None:
    high = share * min(width, height)
    wide = high * 0.85
    box = (across * (width - wide), down * (height - high), wide, high)
    still = portrait(smooth(width, height), box)
    size = (2 * target[0], 2 * target[1])
    canvas = make_canvas(still, size)
    assert canvas.size == size
    left, top, right, bottom = canvas.portrait.face.box
    # A face that touches the picture's edge ends half a picture pixel beyond the last pixel's centre.
    edge = 1 + float(canvas.transform[0, 0])
    assert min(left, top) >= -edge and right <= size[0] - 1 + edge and bottom <= size[1] - 1 + edge
    np.testing.assert_allclose(still.face.moved(canvas.transform).mesh, canvas.portrait.face.mesh, atol=1e-3)
    # One shape: both axes are scaled alike but for the rounding of the picture's far edge to a whole pixel.
    scales = canvas.transform[0, 0], canvas.transform[1, 1]
    assert abs(scales[0] * width - scales[1] * width) <= 2.5 * max(width / height, 1) + 0.02 * width
    inverse = np.linalg.inv(np.vstack([canvas.transform, [0, 0, 1]]))[:2].astype(np.float32)
    np.testing.assert_allclose(canvas.portrait.face.moved(inverse).mesh[:, :2], still.face.mesh[:, :2], atol=0.05)


@pytest.mark.parametrize("size", [(1080, 1266), (600, 600), (960, 540), (400, 712)])
def test_landmarks_move_with_the_pixels(size: tuple[int, int]) -> None:
    image = np.zeros((600, 512, 3), np.uint8)
    still = portrait(image)
    for x, y in still.face.points:
        image[round(float(y)) - 3 : round(float(y)) + 4, round(float(x)) - 3 : round(float(x)) + 4] = 255
    canvas = make_canvas(still, size)
    for (x, y), (old_x, old_y) in zip(canvas.portrait.face.points, still.face.points, strict=True):
        rounding = (np.round([old_x, old_y]) - [old_x, old_y]) * canvas.transform[0, 0]
        reach = int(6 * canvas.transform[0, 0])
        cut = canvas.portrait.image[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1, 0]
        weight = cut.astype(float)
        rows, columns = np.mgrid[: cut.shape[0], : cut.shape[1]]
        centre = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
        np.testing.assert_allclose(
            centre + np.array([int(x) - reach, int(y) - reach]), np.array([x, y]) + rounding, atol=0.2
        )


@pytest.mark.parametrize(
    ("width", "height", "aspect"),
    [(1080, 1080, "match"), (1080, 1350, "match"), (1081, 1083, "match"), (1920, 1080, "1:1"), (1085, 1920, "9:16")],
)
def test_native_resolution_is_never_resampled(width: int, height: int, aspect: str) -> None:
    still = portrait(noise(width, height))
    canvas = make_canvas(still, output_size(still.size, "1080p", aspect))
    shift = canvas.transform[:, 2]
    assert np.array_equal(canvas.transform[:, :2], np.eye(2, dtype=np.float32))
    left, top = (int(-value) for value in shift)
    wide, high = canvas.size
    assert np.array_equal(canvas.portrait.image, still.image[top : top + high, left : left + wide])


@pytest.mark.parametrize("background", ["blur", "#12AB34"])
def test_extension_fills_what_the_picture_lacks(background: str) -> None:
    still = portrait(smooth(512, 512), (150, 120, 210, 260))
    canvas = make_canvas(still, (1920, 1080), background)
    scale, left = canvas.transform[0, 0], canvas.transform[0, 2]
    first, last = int(np.ceil(left)) + 1, int(left + 511 * scale)
    assert first > 100 and last < 1820
    image = canvas.portrait.image
    if background == "blur":
        steps = np.abs(np.diff(image.astype(int), axis=1)).max(axis=(0, 2))
        assert steps.max() <= 4, "a hard edge where the picture ends"
    else:
        assert np.array_equal(image[:, 0], np.full((1080, 3), (0x12, 0xAB, 0x34), np.uint8))
        assert np.abs(np.diff(image.astype(int), axis=1)).max() < 40
    face = [int(value) for value in canvas.portrait.face.box]
    plain = make_canvas(still, (1920, 1080), "blur").portrait.image
    part = np.s_[face[1] : face[3], face[0] : face[2]]
    assert np.array_equal(image[part], plain[part])


def test_a_picture_as_background(tmp_path: Path) -> None:
    Pillow.new("RGB", (300, 200), (9, 99, 199)).save(tmp_path / "wall paper.png")
    canvas = make_canvas(portrait(smooth(512, 512), (150, 120, 210, 260)), (960, 540), str(tmp_path / "wall paper.png"))
    assert np.array_equal(canvas.portrait.image[:, -1], np.full((540, 3), (9, 99, 199), np.uint8))


def test_backgrounds_are_parsed(tmp_path: Path) -> None:
    assert parse_background("blur") == Background("blur")
    assert parse_background("#FF8000").colour == (255, 128, 0)
    for text in ("", "#FF80", "#GG0000", "no such file.png", str(tmp_path)):
        with pytest.raises(InputError, match="--background"):
            parse_background(text)


def test_a_matte_replaces_everything_behind_the_person() -> None:
    still = portrait(smooth(512, 512))

    def left_half(image: Image) -> np.ndarray:
        mask = np.zeros(image.shape[:2], np.float32)
        mask[:, : image.shape[1] // 2] = 1
        return mask

    canvas = make_canvas(still, (1080, 1080), "#000000", matte=left_half)
    plain = make_canvas(still, (1080, 1080))
    assert np.array_equal(canvas.portrait.image[:, :540], plain.portrait.image[:, :540])
    assert not canvas.portrait.image[:, 540:].any()


def test_an_upscaler_enlarges_the_part_that_is_shown() -> None:
    asked: list[tuple[tuple[int, ...], float]] = []

    def doubled(image: Image, scale: float) -> Image:
        asked.append((image.shape, scale))
        return image.repeat(4, axis=0).repeat(4, axis=1)

    canvas = make_canvas(portrait(smooth(256, 300)), (1080, 1080), upscaler=doubled)
    assert canvas.size == (1080, 1080)
    assert (
        len(asked) == 1 and asked[0][0] in ((256, 256, 3), (257, 256, 3)) and asked[0][1] == pytest.approx(1080 / 256)
    )
    make_canvas(portrait(smooth(1200, 1200)), (600, 600), upscaler=doubled)
    assert len(asked) == 1, "a picture that is large enough is not enlarged"


def test_outpainting_draws_only_what_is_missing() -> None:
    still = portrait(smooth(512, 512), (150, 120, 210, 260))

    def paint(image: Image, missing: np.ndarray) -> Image:
        return np.zeros_like(image)

    canvas = make_canvas(still, (1920, 1080), "inpaint", outpaint=paint)
    blurred = make_canvas(still, (1920, 1080))
    assert not canvas.portrait.image[:, 0].any()
    assert np.array_equal(canvas.portrait.image[:, 900:1000], blurred.portrait.image[:, 900:1000])


def test_the_same_bytes_every_time() -> None:
    still = portrait(noise(300, 400))
    one, two = make_canvas(still, (1920, 1080)), make_canvas(still, (1920, 1080))
    assert np.array_equal(one.portrait.image, two.portrait.image)
