"""Face restoration of patches: GFPGAN, RestoreFormer and CodeFormer through spandrel, aligned once for a clip.

The usual recipe detects and aligns the face anew in each frame, feeds fresh noise, and pastes the whole restored face:
all three flicker. Here the alignment follows from the still's landmarks, the noise is the network's own constant, and
only what the engine's patch covers is taken from the frame; everything else stays the still, which is restored once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from lipsync_colab.device import Parts
from lipsync_colab.errors import InputError, MachineError, WeightsError
from lipsync_colab.finish.alignment import compose, face_alignment, face_mask, inverse, scale_of, soft_inside
from lipsync_colab.finish.catalogue import FACE_SIZE, RESTORERS
from lipsync_colab.finish.checkpoint import State, read_weights
from lipsync_colab.types import Array, Image, Patch, Portrait

if TYPE_CHECKING:
    from spandrel import ModelDescriptor

COLOUR_SIGMA = 32.0
"""Blur in template pixels that tells colour from detail: about a quarter of the distance between the eyes."""
FEATHER = 16.0
"""Template pixels over which a patch without a mask fades in: it equals the still along its border before restoration
but not after."""


class FaceNetwork(Protocol):
    """A restorer's network: aligned faces in, restored faces out."""

    def __call__(self, faces: Tensor) -> Tensor:
        """Return (B, 3, 512, 512) in about [-1, 1] from the same in [-1, 1]."""
        ...


class SpandrelNetwork:
    """A restorer that spandrel loaded, called so that the same face always gives the same face.

    Args:
        descriptor: spandrel's.
        device: ``"cpu"`` or ``"cuda"``. float32 on both: spandrel marks all three architectures as unfit for half.
        fidelity: of CodeFormer, in [0, 1]: 0 the cleanest face, 1 the nearest to the input.
    """

    def __init__(self, descriptor: ModelDescriptor, device: str = "cpu", fidelity: float = 0.5) -> None:
        self._network = descriptor.model.eval().to(device)
        self._device = device
        self._parts = Parts("one face of the restorer")
        self._arguments = self.arguments(descriptor.architecture.id, fidelity)

    @staticmethod
    def arguments(architecture: str, fidelity: float = 0.5) -> dict[str, Any]:
        """Return what a network of spandrel's is called with beside the faces."""
        given: dict[str, dict[str, Any]] = {
            "GFPGAN": {"return_rgb": False, "randomize_noise": False},
            "CodeFormer": {"weight": fidelity},
        }
        return given.get(architecture, {})

    def __call__(self, faces: Tensor) -> Tensor:
        """Return the restored faces, fewer at a time once memory ran out.

        Raises:
            MachineError: not even one fits.
        """

        def restored(part: slice) -> np.ndarray:
            with torch.inference_mode():
                made = self._network(faces[part].to(self._device).contiguous(), **self._arguments)[0]
            return np.asarray(made.float().cpu().numpy())

        return torch.from_numpy(np.ascontiguousarray(self._parts.draw(len(faces), restored)))


def descriptor_of(state: State, architecture: str, name: str) -> ModelDescriptor:
    """Return spandrel's descriptor of a released checkpoint.

    Args:
        state: the file's tensors.
        architecture: what it must be (``"GFPGAN"``).
        name: of the file, for messages.

    Raises:
        MachineError: spandrel is not installed.
        WeightsError: the tensors are no such network's.
    """
    try:
        import spandrel
    except ModuleNotFoundError as error:
        raise MachineError("restoring faces needs spandrel: pip install 'lipsync-colab[enhance]'") from error
    registry = spandrel.ArchRegistry()
    registry.add(*[support for support in spandrel.MAIN_REGISTRY if support.architecture.id == architecture])
    if architecture == "CodeFormer":
        registry.add(*_code_former())
    try:
        return spandrel.ModelLoader(registry=registry).load_from_state_dict(dict(state))
    except (spandrel.UnsupportedModelError, RuntimeError, KeyError) as error:
        raise WeightsError(f"{name} holds no {architecture} network; fetch it again") from error


def _code_former() -> list:
    try:
        from spandrel_extra_arches import EXTRA_REGISTRY
    except ModuleNotFoundError as error:
        raise MachineError(
            "CodeFormer needs its own package, which forbids commercial use: pip install spandrel-extra-arches"
        ) from error
    return [support for support in EXTRA_REGISTRY if support.architecture.id == "CodeFormer"]


def open_network(name: str, device: str = "cpu", fidelity: float = 0.5) -> SpandrelNetwork:
    """Return a restorer's network with its released weights.

    Args:
        name: a key of :data:`lipsync_colab.finish.catalogue.RESTORERS`.
        device: ``"cpu"`` or ``"cuda"``.
        fidelity: of CodeFormer, in [0, 1].

    Raises:
        InputError: no such name.
        MachineError: spandrel is not installed.
        WeightsError: the file is missing, is another network's, or its licence was not accepted.
    """
    if name not in RESTORERS:
        raise InputError(f"no restorer is called {name!r}; there are {', '.join(RESTORERS)} and none")
    entry = RESTORERS[name]
    return SpandrelNetwork(
        descriptor_of(read_weights(entry.weights), entry.architecture, entry.weights), device, fidelity
    )


class PatchRestorer:
    """Restores the face in each patch of one clip.

    Args:
        portrait: the finished still with the face's landmarks on it.
        network: what restores an aligned face.
        strength: share of the restored face in the result, in [0, 1].
    """

    def __init__(self, portrait: Portrait, network: FaceNetwork, strength: float = 0.8) -> None:
        if not 0 <= strength <= 1:
            raise InputError(f"--strength {strength:g}: choose a number from 0 to 1")
        self._network, self._strength = network, strength
        self._alignment = face_alignment(portrait.face)
        self._still = warped(portrait.image, self._alignment)
        self._face = face_mask(portrait.face, self._alignment)

    def __call__(self, patch: Patch, motion: Array | None = None) -> Patch:
        """Return the patch restored, in the template's pixels, in the same place; as it was where it shows no face.

        Args:
            patch: on the still.
            motion: still to still (2, 3): where the engine moved the head in this frame; the patch's own by default.
        """
        return self.restore([patch], None if motion is None else [motion])[0]

    def restore(self, patches: Sequence[Patch], motions: Sequence[Array | None] | None = None) -> list[Patch]:
        """Restore several patches in one call of the network; see :meth:`__call__`."""
        if self._strength == 0 or not patches:
            return list(patches)
        alignments = [self._moved(motion) for motion in motions or [patch.motion for patch in patches]]
        covered = [self._covered(patch, alignment) for patch, alignment in zip(patches, alignments, strict=True)]
        restored = restore_faces(self._network, [face for face, _ in covered], self._strength)
        finished = zip(patches, restored, covered, alignments, strict=True)
        return [_trimmed(patch, face, mask, inverse(alignment)) for patch, face, (_, mask), alignment in finished]

    def _moved(self, motion: Array | None) -> Array:
        """Return the alignment for a head that moved: back to where it was, then into the template."""
        return self._alignment if motion is None else compose(self._alignment, inverse(motion))

    def _covered(self, patch: Patch, alignment: Array) -> tuple[Image, Array]:
        """Return the aligned face with the patch laid over the still, and the mask of what the patch may change."""
        onto = compose(alignment, patch.transform)
        mask: Array
        pixels = warped(patch.pixels, onto)
        if patch.mask is None:
            inside = np.ones(patch.pixels.shape[:2], np.float32)
            area = cv2.warpAffine(inside, onto, (FACE_SIZE, FACE_SIZE), flags=cv2.INTER_LINEAR)
            mask = soft_inside((area > 0.999).astype(np.uint8), FEATHER)
            weight = (area > 0.999).astype(np.float32)
        else:
            mask = np.asarray(cv2.warpAffine(patch.mask, onto, (FACE_SIZE, FACE_SIZE)), np.float32)
            # The result is laid in with the mask again: only its foot is blended here, or it would count twice.
            weight = np.minimum(1, 4 * mask).astype(np.float32)
        laid = self._still + (pixels - self._still.astype(np.float32)) * weight[..., None]
        return np.clip(np.rint(laid), 0, 255).astype(np.uint8), (mask * self._face).astype(np.float32)


def _trimmed(patch: Patch, face: Image, mask: Array, transform: Array) -> Patch:
    """Return the part of a restored face that its mask shows, with a border of 0; the patch where it shows nothing.

    Args:
        patch: as it came.
        face: uint8 (512, 512, 3).
        mask: float32 (512, 512) in [0, 1], 0 along the border.
        transform: template pixels to still pixels.
    """
    rows, columns = np.nonzero(mask.max(axis=1))[0], np.nonzero(mask.max(axis=0))[0]
    if not len(rows):
        return patch
    left, top, right, bottom = columns[0] - 1, rows[0] - 1, columns[-1] + 2, rows[-1] + 2
    shifted = compose(transform, np.array([[1, 0, left], [0, 1, top]]))
    pixels = np.ascontiguousarray(face[top:bottom, left:right])
    part = np.ascontiguousarray(mask[top:bottom, left:right])
    return replace(patch, pixels=pixels, transform=shifted.astype(np.float32), mask=part)


def warped(image: Image, transform: Array) -> Image:
    """Return the 512 × 512 template picture of an image; what lies outside mirrors the border."""
    shrink = scale_of(transform)
    if shrink < 0.5:
        # A bilinear look-up would skip pixels: shrink by area first.
        smaller = cv2.resize(image, None, fx=2 * shrink, fy=2 * shrink, interpolation=cv2.INTER_AREA)
        ratio = np.array([image.shape[1] / smaller.shape[1], image.shape[0] / smaller.shape[0]])
        matrix = np.asarray(transform, np.float64)
        grown = np.column_stack([matrix[:, :2] * ratio, matrix[:, :2] @ ((ratio - 1) / 2) + matrix[:, 2]])
        return warped(np.asarray(smaller, np.uint8), grown)
    flags = cv2.INTER_CUBIC if shrink > 1 else cv2.INTER_LINEAR
    matrix = np.asarray(transform, np.float64)
    return np.asarray(
        cv2.warpAffine(image, matrix, (FACE_SIZE, FACE_SIZE), flags=flags, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def restore_faces(network: FaceNetwork, faces: Sequence[Image], strength: float) -> list[Image]:
    """Restore aligned faces.

    Args:
        network: what restores them.
        faces: uint8 (512, 512, 3) RGB each.
        strength: share of the restored face, in [0, 1].

    Returns:
        As many faces, in the colours of the originals.
    """
    stack = np.stack([face.transpose(2, 0, 1) for face in faces]).astype(np.float32)
    output = network(torch.from_numpy(stack / 127.5 - 1)).numpy()
    results = []
    for face, raw in zip(faces, output, strict=True):
        restored = (np.clip(raw, -1, 1).transpose(1, 2, 0) + 1) * 127.5
        original = face.astype(np.float32)
        kept = keep_colour(restored, original)
        results.append(np.clip(np.rint(original + strength * (kept - original)), 0, 255).astype(np.uint8))
    return results


def keep_colour(restored: Array, original: Array) -> Array:
    """Return the restored picture with the original's slow changes of colour: float32, both (H, W, 3) in [0, 255]."""
    drift = cv2.GaussianBlur(original - restored, (0, 0), COLOUR_SIGMA)
    return restored + drift


def restore_still(portrait: Portrait, network: FaceNetwork, strength: float = 0.8) -> Image:
    """Return the still with its face restored once; nothing outside the landmarks' hull changes.

    Args:
        portrait: the picture and its face.
        network: what restores an aligned face.
        strength: share of the restored face, in [0, 1].
    """
    alignment = face_alignment(portrait.face)
    face = warped(portrait.image, alignment)
    restored = restore_faces(network, [face], strength)[0]
    size = portrait.size
    back = inverse(alignment)
    mask = cv2.warpAffine(face_mask(portrait.face, alignment), back, size, flags=cv2.INTER_LINEAR)[..., None]
    change = restored.astype(np.float32) - face.astype(np.float32)
    laid = cv2.warpAffine(change, back, size, flags=cv2.INTER_LINEAR)
    return np.clip(np.rint(portrait.image + laid * mask), 0, 255).astype(np.uint8)


def open_restorer(
    name: str, portrait: Portrait, strength: float = 0.8, *, device: str = "cpu", fidelity: float = 0.5
) -> PatchRestorer:
    """Return the restorer of one ``--restore`` name for one portrait; see :class:`PatchRestorer`."""
    return PatchRestorer(portrait, open_network(name, device, fidelity), strength)
