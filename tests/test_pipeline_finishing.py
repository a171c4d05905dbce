"""The finishing stage of the pipeline: one colour offset a clip, wherever the stream begins."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from viseme_portraits import portrait

pytest.importorskip("torch")

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.patches import HeadPatches
from lipsync_colab.finish import restore as restore_module
from lipsync_colab.pipeline.finishing import colour_matched, finished_patches
from lipsync_colab.types import Face, Patch, Patches, Portrait, RenderPlan, RenderSettings

STILL = Portrait(np.full((120, 120, 3), 140, np.uint8), Face((30, 30, 90, 90), np.zeros((478, 3), np.float32)))


def clip(start: int = 0, frames: int = 6) -> Iterator[Patches]:
    """Patches that are 20 levels too dark and get lighter in their middle."""
    for index in range(start, frames):
        pixels = np.full((60, 60, 3), 120, np.uint8)
        pixels[25:35, 25:35] += np.uint8(10 * index)
        mask = np.zeros((60, 60), np.float32)
        mask[5:-5, 5:-5] = 1
        yield (Patch.at(pixels, 30, 30, mask),)


def test_the_border_meets_the_still_and_the_middle_still_moves() -> None:
    frames = [patches[0].pixels.astype(int) for patches in colour_matched(STILL, clip)]
    assert np.abs(frames[0][8:-8, 8:-8] - 140).max() <= 3
    assert frames[5][30, 30, 0] - frames[0][30, 30, 0] == 50


def test_a_resumed_clip_gets_the_same_offset() -> None:
    whole = [patches[0].pixels for patches in colour_matched(STILL, clip)]
    late = [patches[0].pixels for patches in colour_matched(STILL, clip, 3)]
    assert all(np.array_equal(one, other) for one, other in zip(late, whole[3:], strict=True))


def test_a_moving_head_with_a_colour_cast_meets_the_still() -> None:
    still = portrait("hopper", 640)
    crop = HeadCrop.of_face(still.face)
    head, place = crop.cut(still.image, 256), HeadPatches.on(still, crop, 256)
    cast = np.array([14, -4, 8]) + np.linspace(-12, 12, 256)[None, :, None]

    def heads(tinted: bool, start: int = 0) -> Iterator[Patches]:
        for frame in range(start, 4):
            turn = cv2.getRotationMatrix2D((128, 140), -frame, 1)
            turn[:, 2] += (frame, 0.5 * frame)
            drawn = cv2.warpAffine(head, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE)
            pixels = np.clip(drawn + cast, 0, 255).astype(np.uint8) if tinted else drawn
            yield place.patch(np.asarray(pixels, np.uint8), turn.astype(np.float32))

    feather = (place.mask * (1 - place.mask))[..., None]

    def error(frames: Iterator[Patches]) -> float:
        """Levels by which the last frame's feather differs from that of a network without a cast."""
        *_, (right,) = heads(tinted=False)
        *_, (patch,) = frames
        difference = np.abs(patch.pixels.astype(float) - right.pixels)
        return float((difference * feather).sum() / feather.sum() / 3)

    assert error(colour_matched(still, functools.partial(heads, True))) < 0.35 * error(heads(tinted=True))


@pytest.mark.parametrize("moves", [True, False])
def test_a_drawn_head_stays_under_its_restored_face(monkeypatch: pytest.MonkeyPatch, moves: bool) -> None:
    class FaceOnly:
        def restore(self, patches: list[Patch], motions: list[object]) -> list[Patch]:
            return [dataclasses.replace(patch, pixels=patch.pixels[20:40, 20:40]) for patch in patches]

    monkeypatch.setattr(restore_module, "open_restorer", lambda *choices, **more: FaceOnly())
    motion = np.eye(2, 3, dtype=np.float32) if moves else None
    drawn = (tuple(dataclasses.replace(patch, motion=motion) for patch in patches) for patches in clip())
    plan = RenderPlan(RenderSettings(), "", "", "", 120, 120, "25", 6, 250, batch=4, restore_patch="gfpgan")
    sides = [[patch.pixels.shape[0] for patch in frame] for frame in finished_patches(drawn, plan, STILL)]
    assert sides == [[60, 20] if moves else [20]] * 6
