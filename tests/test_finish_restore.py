"""Restoration of patches: place, colour, steadiness; released key layouts through spandrel."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from portraits import portrait_of, textured

torch = pytest.importorskip("torch")

from lipsync_colab.errors import InputError, WeightsError  # noqa: E402
from lipsync_colab.finish import restore  # noqa: E402
from lipsync_colab.finish.alignment import compose, face_alignment  # noqa: E402
from lipsync_colab.finish.checkpoint import read_state  # noqa: E402
from lipsync_colab.finish.restore import PatchRestorer, SpandrelNetwork, descriptor_of, restore_still  # noqa: E402
from lipsync_colab.types import Array, Image, Patch, Portrait  # noqa: E402


def identity(faces: torch.Tensor) -> torch.Tensor:
    return faces


def sharpen(faces: torch.Tensor) -> torch.Tensor:
    """Stands in for a restorer: adds detail, and shifts the colour as restorers do."""
    soft = torch.nn.functional.avg_pool2d(faces, 9, 1, 4, count_include_pad=False)
    return faces + 1.5 * (faces - soft) + 0.15


def whole_face_twitch(faces: torch.Tensor) -> torch.Tensor:
    """Stands in for a restorer whose answer everywhere depends on the input anywhere."""
    return sharpen(faces) + 0.2 * torch.sin(400 * faces.mean(dim=(1, 2, 3), keepdim=True))


def laid(portrait: Portrait, patch: Patch) -> Array:
    """The frame as float: the patch laid over the still, by the simplest means."""
    import cv2

    size = portrait.size
    matrix = np.asarray(patch.transform, np.float64)
    pixels = cv2.warpAffine(patch.pixels, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    mask = np.ones(patch.pixels.shape[:2], np.float32) if patch.mask is None else patch.mask
    alpha = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    return portrait.image + (pixels - portrait.image) * alpha


def mouth_box(portrait: Portrait) -> tuple[int, int, int, int]:
    x, y = portrait.face.points[3:].mean(axis=0)
    half = portrait.face.eye_distance * 0.6
    return int(x - half), int(y - half * 0.6), int(x + half), int(y + half * 0.6)


def mouth_patch(portrait: Portrait, opening: float, masked: bool = True) -> Patch:
    """A patch that changes only the mouth."""
    left, top, right, bottom = mouth_box(portrait)
    pixels = portrait.image[top:bottom, left:right].copy()
    y, x = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j]
    inside = np.clip(1.3 - 1.8 * np.hypot(x, y), 0, 1).astype(np.float32)
    pixels = np.rint(pixels * (1 - opening * inside[..., None])).astype(np.uint8)
    mask = np.clip(2 * (1 - np.hypot(x, y)), 0, 1).astype(np.float32) if masked else None
    return Patch.at(pixels, left, top, mask)


@pytest.mark.parametrize("masked", [True, False])
def test_a_restorer_that_changes_nothing_changes_nothing(masked: bool) -> None:
    portrait = portrait_of(640, 800)
    patch = mouth_patch(portrait, 0.8, masked)
    before, after = laid(portrait, patch), laid(portrait, PatchRestorer(portrait, identity, 1.0)(patch))
    # Two resamplings of a detailed picture; what lies outside the patch must not move at all.
    left, top, right, bottom = mouth_box(portrait)
    outside = np.ones(portrait.image.shape[:2], bool)
    outside[top - 2 : bottom + 2, left - 2 : right + 2] = False
    assert np.abs(before - after).mean() < 0.3
    assert np.array_equal(after[outside], portrait.image[outside].astype(np.float32))


def test_strength_blends_and_zero_returns_the_patch() -> None:
    portrait = portrait_of()
    patch = mouth_patch(portrait, 0.5)
    assert PatchRestorer(portrait, sharpen, 0)(patch) is patch
    none, half, full = (PatchRestorer(portrait, sharpen, s)(patch).pixels.astype(float) for s in (1e-9, 0.5, 1.0))
    assert np.abs(full - none).mean() > 1
    inner = (full > 1) & (full < 254)
    assert np.abs(half - (none + full) / 2)[inner].max() <= 1.01


def test_colour_is_kept() -> None:
    portrait = portrait_of(640, 800)
    plain = PatchRestorer(portrait, identity, 1.0)(mouth_patch(portrait, 0.0)).pixels.astype(float)
    tinted = PatchRestorer(portrait, lambda faces: faces * 0.7 + 0.2, 1.0)(mouth_patch(portrait, 0.0)).pixels
    assert np.abs(tinted.mean(axis=(0, 1)) - plain.mean(axis=(0, 1))).max() < 1


def test_frames_do_not_change_outside_the_mouth() -> None:
    portrait = portrait_of(640, 800)
    finish = PatchRestorer(portrait, whole_face_twitch, 0.8)
    patches = [mouth_patch(portrait, opening) for opening in (0.0, 0.4, 0.9)]
    plain = [laid(portrait, patch) for patch in patches]
    restored = [laid(portrait, finish(patch)) for patch in patches]
    left, top, right, bottom = mouth_box(portrait)
    outside = np.ones(portrait.image.shape[:2], bool)
    outside[top:bottom, left:right] = False
    for i in range(2):
        assert np.abs(restored[i + 1] - restored[i])[outside].max() <= np.abs(plain[i + 1] - plain[i])[outside].max()
        assert np.abs(restored[i + 1] - restored[i])[~outside].max() > 5


def test_frames_do_not_depend_on_their_neighbours() -> None:
    portrait = portrait_of()
    finish = PatchRestorer(portrait, sharpen, 0.8)
    patches = [mouth_patch(portrait, opening) for opening in (0.1, 0.7)]
    together = finish.restore(patches)
    for patch, other in zip(patches, together, strict=True):
        assert np.array_equal(finish(patch).pixels, other.pixels)


def test_head_motion_moves_the_alignment() -> None:
    portrait = portrait_of(640, 800)
    motion = np.array([[1, 0, 30.0], [0, 1, -12.0]])
    seen: list[torch.Tensor] = []

    def look(faces: torch.Tensor) -> torch.Tensor:
        seen.append(faces)
        return faces

    still = mouth_patch(portrait, 0.6)
    moved = dataclasses.replace(still, transform=compose(motion, still.transform).astype(np.float32))
    finish = PatchRestorer(portrait, look, 1.0)
    first, second = finish(still), finish(moved, motion)
    told = finish(dataclasses.replace(moved, motion=motion.astype(np.float32)))
    assert torch.allclose(seen[0], seen[1], atol=0.02)
    assert np.array_equal(told.pixels, second.pixels)
    assert np.allclose(second.transform[:, 2] - first.transform[:, 2], motion[:, 2], atol=1e-3)


def test_restored_still_changes_only_the_face() -> None:
    portrait = portrait_of(640, 800)
    finished = restore_still(portrait, sharpen, 1.0)
    changed = np.abs(finished.astype(int) - portrait.image).max(axis=2) > 0
    left, top, right, bottom = portrait.face.box
    rows, columns = np.nonzero(changed)
    assert changed.any()
    assert left - 1 <= columns.min() and columns.max() <= right + 1
    assert top - 1 <= rows.min() and rows.max() <= bottom + 1
    assert np.array_equal(restore_still(portrait, identity, 1.0), portrait.image)


def test_only_the_moving_part_is_handed_on() -> None:
    portrait = portrait_of(640, 800)
    restored = PatchRestorer(portrait, sharpen, 0.8)(mouth_patch(portrait, 0.5))
    assert restored.mask is not None
    assert max(restored.pixels.shape) < 256
    assert not restored.mask[0].any() and not restored.mask[:, -1].any()
    assert restored.mask[1].any() and restored.mask[:, -2].any()


def test_a_patch_beside_the_face_stays_as_it_is() -> None:
    portrait = portrait_of(640, 800)
    patch = Patch.at(portrait.image[:40, :40].copy(), 0, 0)
    assert PatchRestorer(portrait, sharpen, 0.8)(patch) is patch


def test_a_large_face_is_shrunk_without_aliases() -> None:
    image: Image = np.zeros((2400, 2400, 3), np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 255
    portrait = dataclasses.replace(portrait_of(2400, 2400), image=image)
    face = restore.warped(image, face_alignment(portrait.face))
    assert face[40:-40, 40:-40].std() < 20


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    with pytest.raises(InputError, match="--strength"):
        PatchRestorer(portrait_of(), identity, strength)


def released(name: str) -> tuple[str, torch.nn.Module]:
    """The public architecture at the released size with small random weights."""
    torch.manual_seed(0)
    if name == "GFPGAN":
        from spandrel.architectures.GFPGAN import GFPGAN

        return "params_ema", GFPGAN()
    if name == "RestoreFormer":
        from spandrel.architectures.RestoreFormer import RestoreFormer

        return "params", RestoreFormer(attn_resolutions=(16,), ch_mult=(1, 2, 2, 4, 4, 8))
    pytest.importorskip("spandrel_extra_arches")
    from spandrel_extra_arches.architectures.CodeFormer import CodeFormer

    return "params_ema", CodeFormer()


@pytest.mark.parametrize("name", ["GFPGAN", "RestoreFormer", "CodeFormer"])
def test_the_released_layout_loads_strictly(name: str, tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    wrapper, module = released(name)
    path = tmp_path / "released.pth"
    torch.save({wrapper: module.state_dict()}, path)
    state = read_state(path)
    path.unlink()
    assert state.keys() == module.state_dict().keys()
    descriptor = descriptor_of(state, name, "released.pth")
    assert descriptor.architecture.id == name
    for key, value in descriptor.model.state_dict().items():
        assert torch.equal(value, module.state_dict()[key]), key


def test_another_network_is_refused() -> None:
    pytest.importorskip("spandrel")
    _, module = released("RestoreFormer")
    with pytest.raises(WeightsError, match="holds no GFPGAN"):
        descriptor_of(module.state_dict(), "GFPGAN", "GFPGANv1.4.pth")
    state = module.state_dict()
    state.pop("decoder.conv_in.weight")
    with pytest.raises(WeightsError, match="holds no RestoreFormer"):
        descriptor_of(state, "RestoreFormer", "RestoreFormer.pth")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GFPGAN", "RestoreFormer", "CodeFormer"])
def test_the_same_face_gives_the_same_face(name: str) -> None:
    pytest.importorskip("spandrel")
    _, module = released(name)
    network = SpandrelNetwork(descriptor_of(module.state_dict(), name, "released.pth"))
    face = torch.from_numpy(textured(512, 512).transpose(2, 0, 1)[None] / np.float32(127.5) - 1)
    first, second = network(face), network(face)
    assert first.shape == (1, 3, 512, 512)
    assert torch.equal(first, second)
