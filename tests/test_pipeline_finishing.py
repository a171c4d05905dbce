"""The finishing stage of the pipeline: one colour offset a clip, wherever the stream begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

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
    frames = [patches[0].pixels.astype(int) for patches in colour_matched(clip(), STILL, clip, at_start=True)]
    assert np.abs(frames[0][8:-8, 8:-8] - 140).max() <= 3
    assert frames[5][30, 30, 0] - frames[0][30, 30, 0] == 50


def test_a_resumed_clip_gets_the_same_offset() -> None:
    whole = [patches[0].pixels for patches in colour_matched(clip(), STILL, clip, at_start=True)]
    late = [patches[0].pixels for patches in colour_matched(clip(3), STILL, clip, at_start=False)]
    assert all(np.array_equal(one, other) for one, other in zip(late, whole[3:], strict=True))


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
