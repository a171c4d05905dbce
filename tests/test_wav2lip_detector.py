"""S3FD's boxes against golden ones, and the choice of the face that the landmarks mean."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from golden import PARITY
from viseme_portraits import portrait

torch = pytest.importorskip("torch")

from lipsync_colab.engines.wav2lip.detector import FaceFinder, decode, shared, suppress  # noqa: E402
from lipsync_colab.errors import InputError  # noqa: E402
from lipsync_colab.types import Face  # noqa: E402


class Told(torch.nn.Module):
    """A detector that has one face to tell of: a box in the picture it is given."""

    def __init__(self, box: tuple[float, float, float, float] | None) -> None:
        super().__init__()
        self.box = box

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        self.shape = tuple(image.shape)
        height, width = image.shape[2] // 32, image.shape[3] // 32
        levels = []
        for level in range(6):
            classes, offsets = torch.zeros(1, 2, height, width), torch.zeros(1, 4, height, width)
            classes[:, 0] = 9
            if level == 3 and self.box is not None:
                left, top, right, bottom = self.box
                classes[:, 1, 0, 0] = 20
                centre = ((left + right) / 2, (top + bottom) / 2)
                for axis in (0, 1):
                    offsets[:, axis, 0, 0] = (centre[axis] - 16) / (0.1 * 128)
                offsets[:, 2, 0, 0] = float(np.log((right - left) / 128)) / 0.2
                offsets[:, 3, 0, 0] = float(np.log((bottom - top) / 128)) / 0.2
            levels += [classes, offsets]
        return levels


@pytest.mark.parametrize("picture", [0, 1])
def test_golden_boxes(picture: int) -> None:
    with np.load(PARITY / "s3fd" / "decode.npz") as stored:
        names = [f"{kind}{level}" for level in range(1, 7) for kind in ("cls", "reg")]
        found = suppress(decode([stored[name][picture] for name in names]))
        assert np.allclose(found, stored[f"boxes_b{picture}"], rtol=1e-5, atol=1e-3)
        assert found[0, :4].astype(int).tolist() == stored["final"][picture].tolist()


def test_a_crowd_of_boxes_takes_no_more_memory_than_itself() -> None:
    random = np.random.default_rng(0)
    corner = random.uniform(0, 20_000, (6000, 2))
    boxes = np.column_stack([corner, corner + 20, random.uniform(0.6, 1, 6000)]).astype(np.float32)
    tracemalloc.start()
    try:
        kept = suppress(boxes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(kept) > 3000 and peak < 20 * boxes.nbytes


def test_no_face_gives_no_box() -> None:
    assert FaceFinder(Told(None)).boxes(np.zeros((64, 64, 3), np.uint8)).shape == (0, 5)


def test_a_large_still_is_searched_small_and_told_in_its_own_pixels() -> None:
    network = Told((32, 64, 160, 224))
    found = FaceFinder(network).boxes(np.zeros((1280, 960, 3), np.uint8))
    assert network.shape == (1, 3, 640, 480)
    assert np.allclose(found[0, :4], (64, 128, 320, 448), atol=0.1)


def test_the_box_of_the_chosen_face_is_taken() -> None:
    still = portrait("hopper", 640)
    left, top, right, bottom = still.face.box
    finder = FaceFinder(Told((left + 5, top + 9, right - 3, bottom)))
    assert finder.crop_box(still, (0, 0, 0, 0)) == pytest.approx((left + 5, top + 9, right - 3, bottom), abs=0.1)


def test_a_box_elsewhere_is_refused() -> None:
    still = portrait("hopper", 640)
    with pytest.raises(InputError, match="detector = mesh"):
        FaceFinder(Told((0, 0, 60, 60))).crop_box(still, (0, 0, 0, 0))


def test_overlap_of_a_face_with_its_own_box_is_1() -> None:
    face = Face((10, 20, 110, 140), np.zeros((478, 3), np.float32))
    assert shared(np.array([10, 20, 110, 140, 1]), face) == pytest.approx(1)
