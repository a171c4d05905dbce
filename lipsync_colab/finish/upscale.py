"""Enlarging a picture by a super-resolution network, once, with what it gave kept for the next render."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lipsync_colab.device import free_memory
from lipsync_colab.errors import InputError
from lipsync_colab.finish.catalogue import UPSCALERS
from lipsync_colab.finish.checkpoint import State, interpolated, loaded, read_weights
from lipsync_colab.finish.picture_store import PictureStore
from lipsync_colab.finish.resample import LanczosUpscaler, resize, size_times
from lipsync_colab.finish.tile_size import (
    CPU_TILE_MEMORY,
    CPU_TRUNK_MEMORY,
    CUDA_SHARE,
    SRVGG_FLOATS,
    TRUNK_CONTEXT,
    TRUNK_FLOATS,
)
from lipsync_colab.finish.tiles import Advance, Box, TileLoop, TileStage, apply_tiled
from lipsync_colab.networks import build
from lipsync_colab.networks.rrdbnet import RRDBNet
from lipsync_colab.networks.srvgg import SRVGGNet
from lipsync_colab.types import Image, Progress, Upscaler
from lipsync_colab.weights.cache import Environment

DENOISE = 0.5
"""Of ``realesr-general-x4v3``: the release's default."""
STEPS = 1000
"""Parts that progress is told in."""
TAIL_CONTEXT = 3
"""Pixels around a core of RRDBNet's tail, exact: 1/2 + 1/4 + 1/4 + 1/4 and two enlargements."""
TRUNK_SHARE = 0.926
"""Of RRDBNet's work that its trunk takes: 33.2 of 35.9 MFLOP for one position."""


class NetworkUpscaler:
    """A Real-ESRGAN network with its weights, applied in tiles.

    Args:
        network: an :class:`RRDBNet` or :class:`SRVGGNet` with its weights.
        device: ``"cpu"`` (float32) or ``"cuda"`` (float16).
        memory: bytes it may work in; from what is free by default.
        progress: told ``("upscale", done, 1000)``.

    Attributes:
        scale: how many times the network itself enlarges.
    """

    def __init__(
        self,
        network: RRDBNet | SRVGGNet,
        device: str = "cpu",
        memory: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.scale = network.scale
        self._dtype = torch.float16 if device == "cuda" else torch.float32
        self._network = network.eval().to(device, self._dtype).to(memory_format=torch.channels_last)
        self._device, self._memory, self._progress = device, memory, progress

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large."""
        return resize(self.enlarge(image), size_times(image, scale))

    def enlarge(self, image: Image) -> Image:
        """Return the picture :attr:`scale` times as large, as the network gives it.

        Raises:
            MachineError: not even a small tile fits in memory.
        """
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
        source = pixels.to(self._device).to(self._dtype) / 255
        height, width = image.shape[0] * self.scale, image.shape[1] * self.scale
        result = np.empty((height, width, 3), np.uint8)

        def store(box: Box, part: Tensor) -> None:
            levels = (part[0].float().clamp(0, 1) * 255).round().to(torch.uint8)
            target = result[box.top : box.bottom, box.left : box.right]
            target[:] = levels.permute(1, 2, 0).cpu().numpy()[: target.shape[0], : target.shape[1]]

        with torch.inference_mode():
            if isinstance(self._network, RRDBNet):
                self._run_in_two(self._network, source, store)
            else:
                room = self._room(CPU_TILE_MEMORY)
                TileLoop(srvgg_stage(self._network), source, room, self._advance(0, 1)).run(store)
        return result

    def _run_in_two(self, network: RRDBNet, source: Tensor, store: Callable[[Box, Tensor], None]) -> None:
        """Run the trunk over as much as memory holds, then the tail in tiles."""
        folded = network.folded(source)
        trunk_room = self._room(CPU_TRUNK_MEMORY)
        features = apply_tiled(trunk_stage(network), folded, trunk_room, self._advance(0, TRUNK_SHARE))
        TileLoop(tail_stage(network), features, self._room(CPU_TILE_MEMORY), self._advance(TRUNK_SHARE, 1)).run(store)

    def _advance(self, start: float, end: float) -> Advance:
        progress = self._progress
        if progress is None:
            return lambda share: None
        return lambda share: progress("upscale", round(STEPS * (start + (end - start) * share)), STEPS)

    def _room(self, limit: int) -> int:
        """Return the bytes that one call may take, at most ``limit`` on a CPU."""
        if self._memory is not None:
            return self._memory
        if self._device == "cuda":
            return int(torch.cuda.mem_get_info()[0] * CUDA_SHARE)
        return min(free_memory() // 2, limit)


def trunk_stage(network: RRDBNet) -> TileStage:
    """Return RRDBNet's trunk."""
    return TileStage(network.features, 1, TRUNK_CONTEXT, TRUNK_FLOATS)


def tail_stage(network: RRDBNet) -> TileStage:
    """Return RRDBNet's tail: three maps of 64 channels at 16 times the positions."""
    return TileStage(lambda features, _: network.enlarge(features), 4, TAIL_CONTEXT, 3 * 64 * 16)


def srvgg_stage(network: SRVGGNet) -> TileStage:
    """Return an SRVGGNet whole."""
    return TileStage(lambda image, _: network(image), network.scale, network.context, SRVGG_FLOATS)


class StoredUpscaler:
    """An upscaler that looks for its result before it computes it.

    Args:
        enlarge: computes the picture ``native`` times as large; called only when nothing is kept.
        native: the network's own scale.
        key: everything beside the picture that decides the result.
        store: where results are kept.
        progress: told of the end when a result was found.

    Attributes:
        found: whether the last call found its result.
    """

    def __init__(
        self,
        enlarge: Callable[[Image], Image],
        native: int,
        key: str,
        store: PictureStore,
        progress: Progress | None = None,
    ) -> None:
        self._enlarge, self._native, self._key = enlarge, native, key
        self._store, self._progress = store, progress
        self.found = False

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large."""
        content = np.ascontiguousarray(image).tobytes()
        name = hashlib.sha256(f"{self._key} x{self._native} {image.shape} ".encode() + content).hexdigest()
        large = self._store.load(name)
        self.found = large is not None
        if large is None:
            large = self._enlarge(image)
            self._store.save(name, large)
        elif self._progress is not None:
            self._progress("upscale", STEPS, STEPS)
        return resize(large, size_times(image, scale))


def network_upscaler(
    name: str,
    device: str = "cpu",
    denoise: float = DENOISE,
    progress: Progress | None = None,
    read: Callable[[str], State] = read_weights,
) -> NetworkUpscaler:
    """Return a Real-ESRGAN network with its released weights.

    Args:
        name: a key of :data:`lipsync_colab.finish.catalogue.UPSCALERS`.
        device: ``"cpu"`` or ``"cuda"``.
        denoise: of ``realesr-general-x4v3``, in [0, 1]: 0 keeps grain, 1 removes it.
        progress: told ``("upscale", done, 1000)``.
        read: gives a file's tensors.

    Raises:
        InputError: no such name, or ``denoise`` is outside [0, 1].
        WeightsError: the file is missing, or its keys are not the network's.
    """
    if name not in UPSCALERS:
        raise InputError(f"no upscaler is called {name!r}; there are {', '.join(UPSCALERS)}, sd-x4 and none")
    if not 0 <= denoise <= 1:
        raise InputError(f"denoise {denoise:g}: choose a number from 0 to 1")
    entry = UPSCALERS[name]
    state = read(entry.weights)
    if entry.twin and denoise < 1:
        state = interpolated(state, read(entry.twin), denoise)
    network = loaded(build(entry.network), state, entry.weights)
    assert isinstance(network, RRDBNet | SRVGGNet)
    return NetworkUpscaler(network, device, progress=progress)


def open_upscaler(
    name: str,
    *,
    device: str = "cpu",
    denoise: float = DENOISE,
    seed: int = 0,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Upscaler:
    """Return the upscaler of one ``--upscale`` name; weights are fetched and loaded when it is first called.

    Args:
        name: a key of :data:`lipsync_colab.finish.catalogue.UPSCALERS`, ``"sd-x4"`` or ``"none"`` (``"auto"`` is
            for :func:`lipsync_colab.finish.steps.choose_steps` to decide).
        device: ``"cpu"`` or ``"cuda"``.
        denoise: of ``realesr-general-x4v3``.
        seed: of ``sd-x4``.
        folder: where results are kept; our own cache by default.
        progress: told ``("upscale", done, total)``.

    Raises:
        InputError: no such name.
    """
    if name == "none":
        return LanczosUpscaler()
    store = PictureStore(folder or Environment.read().root / "pictures")
    if name == "sd-x4":
        from lipsync_colab.finish.diffusion import DiffusionUpscaler

        diffusion = DiffusionUpscaler(device, seed, progress)
        return StoredUpscaler(diffusion.enlarge, 4, diffusion.key, store, progress)
    if name not in UPSCALERS:
        raise InputError(f"no upscaler is called {name!r}; there are {', '.join(UPSCALERS)}, sd-x4 and none")
    # Half precision on a GPU gives other bytes, and so does the denoise strength.
    key = f"{name} {device} {denoise if UPSCALERS[name].twin else ''} 1"

    def enlarge(image: Image) -> Image:
        return network_upscaler(name, device, denoise, progress).enlarge(image)

    return StoredUpscaler(enlarge, UPSCALERS[name].scale, key, store, progress)
