"""How well lips and voice belong together, by SyncNet: LSE-C, LSE-D and the offset.

As in the Wav2Lip paper: a network embeds each fifth of a second of sound and the five frames seen with it; distances
are averaged over the clip at every shift of up to 15 frames. LSE-D is the least mean distance (lower is better),
LSE-C how far the median shift lies above it (higher is better), the offset the shift where it lies.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar, cast

import cv2
import numpy as np

from lipsync_colab import networks
from lipsync_colab.audio.mfcc import mfcc
from lipsync_colab.errors import InputError
from lipsync_colab.types import Array, Face, Image, Speech
from lipsync_colab.weights import load
from lipsync_colab.weights.store import Store

if TYPE_CHECKING:
    from lipsync_colab.networks.syncnet_v2 import SyncNetV2

WEIGHTS = "syncnet_v2.model"
FPS = Fraction(25)
RATE = 16_000
FRAMES, COLUMNS, COLUMNS_PER_FRAME = 5, 20, 4
"""A window: five frames, and twenty columns of cepstra from the first of them on."""
REACH = 15
CROP = 224
MARGIN = 0.4
"""The crop is 2.8 times as high as half the face's box: from its top, 0.8 halves beyond its bottom."""
BATCH = 8

Item = TypeVar("Item")


@dataclass(frozen=True)
class SyncScore:
    """What SyncNet says of a clip.

    Attributes:
        confidence: LSE-C, higher is better; real talk has about 7 to 8.
        distance: LSE-D, lower is better; real talk has about 6 to 7.
        offset: frames of 25 per second by which the lips come after the sound; negative when they come before.
        windows: how many windows of five frames were compared.
    """

    confidence: float
    distance: float
    offset: int
    windows: int


def missing_weights(store: Store | None = None) -> str:
    """Return why the score cannot be had on this machine and how to change that; empty when it can.

    Nothing is fetched.
    """
    store = store or Store()
    row = store.manifest[WEIGHTS]
    steps = []
    if row.needs_acceptance and store.acceptances.date(row) is None:
        steps.append(f"`lipsync-colab weights accept {WEIGHTS}`")
    if store.inventory.state(row) != "present":
        steps.append(f"`lipsync-colab weights fetch {WEIGHTS}`")
    return f"LSE-C, LSE-D and the offset need SyncNet's weights: {', then '.join(steps)}" if steps else ""


def open_syncnet(store: Store | None = None) -> SyncNetV2:
    """Return the network with its released weights.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
        MachineError: PyTorch is not installed.
    """
    network = networks.build("syncnet-v2")
    state = load.load_state_dict(WEIGHTS, store=store)
    for key, value in network.state_dict().items():
        if key.endswith("num_batches_tracked"):  # older PyTorch did not store these; inference does not read them
            state.setdefault(key, value)
    load.assign(network, state, WEIGHTS)
    return cast("SyncNetV2", network)


def face_crop(image: Image, face: Face) -> Image:
    """Return what SyncNet sees of a face, uint8 (224, 224, 3) RGB: the face with the chin's surroundings.

    Args:
        image: uint8 (H, W, 3) RGB.
        face: on the image.
    """
    left, top, right, bottom = face.box
    half = max(right - left, bottom - top) / 2
    scale = half * 2 * (1 + MARGIN) / CROP
    corner = (left + right) / 2 - half * (1 + MARGIN), (top + bottom) / 2 - half
    matrix = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, matrix, (CROP, CROP), flags=flags, borderValue=(110, 110, 110)), np.uint8)


def at_25(frames: Iterable[Item], fps: Fraction) -> Iterator[Item]:
    """Yield the frames that are on screen at every 25th of a second."""
    due = 0
    for number, frame in enumerate(frames):
        while due * fps < (number + 1) * FPS:
            yield frame
            due += 1


def sync_score(faces: Iterable[Image], speech: Speech, network: SyncNetV2) -> SyncScore:
    """Compare faces with a voice.

    Args:
        faces: :func:`face_crop` of every frame, 25 per second (:func:`at_25`); taken one at a time.
        speech: what is heard, from the first frame on, at 16 kHz.
        network: from :func:`open_syncnet`.

    Raises:
        InputError: the clip is too short to be compared.
    """
    if speech.rate != RATE:
        raise ValueError(f"SyncNet hears {RATE} Hz, not {speech.rate}")
    cepstra = mfcc(speech.samples)
    limit = int(len(speech.samples) / RATE * FPS)
    pairs = [_embed(batch, cepstra, network) for batch in _batches(_windows(itertools.islice(faces, limit)))]
    if not pairs:
        raise InputError("the clip is too short for SyncNet: at least 6 frames with sound are needed")
    picture, sound = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return score_of(picture, sound)


def score_of(picture: Array, sound: Array, reach: int = REACH) -> SyncScore:
    """Compare embeddings at every shift.

    Args:
        picture: float32 (n, d), one for each window.
        sound: float32 (n, d).
        reach: the largest shift in frames. Beyond the clip's ends the sound counts as zeros, as in the release.
    """
    padded = np.pad(sound, ((reach, reach), (0, 0)))
    count = len(picture)
    # 1e-6 is added to each difference, as PyTorch's pairwise distance does.
    means = np.array(
        [np.linalg.norm(picture - padded[k : k + count] + 1e-6, axis=1).mean() for k in range(2 * reach + 1)]
    )
    best = int(means.argmin())
    middle = float(np.sort(means)[len(means) // 2])
    return SyncScore(middle - float(means[best]), float(means[best]), reach - best, count)


def _windows(faces: Iterable[Image]) -> Iterator[tuple[int, Array]]:
    """Yield the first frame's number and float32 (3, 5, 224, 224) BGR; the release leaves the last window out."""
    held: deque[Array] = deque(maxlen=FRAMES + 1)
    for number, face in enumerate(faces):
        held.append(face[..., ::-1].astype(np.float32).transpose(2, 0, 1))
        if len(held) > FRAMES:
            yield number - FRAMES, np.stack(list(held)[:FRAMES], axis=1)


def _batches(windows: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(itertools.islice(windows, BATCH)):
        yield batch


def _embed(batch: list[tuple[int, Array]], cepstra: Array, network: SyncNetV2) -> tuple[Array, Array]:
    """Return the embeddings ``(picture, sound)`` of a batch of windows."""
    import torch

    starts = [number * COLUMNS_PER_FRAME for number, _ in batch]
    heard = np.stack([cepstra[None, :, start : start + COLUMNS] for start in starts])
    seen = np.stack([window for _, window in batch])
    with torch.inference_mode():
        audio, face = network(torch.from_numpy(heard), torch.from_numpy(seen))
    return face.numpy(), audio.numpy()
