"""What Hallo's networks cost at their released size, counted on shapes alone: nothing is computed, no weights read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lipsync_colab import networks
from lipsync_colab.engines.hallo import cost
from lipsync_colab.engines.hallo.chain import CARRIED, CLIP
from lipsync_colab.engines.hallo.engine import SIZE
from lipsync_colab.engines.hallo.masks import LEVELS
from lipsync_colab.engines.hallo.voice import HOP, MARGIN, PIECE
from lipsync_colab.finish.steps import CUDA_SPEED
from lipsync_colab.types import RenderSettings

LATENT = SIZE // 8
IDENTITY, WINDOW, LAYERS, FEATURES = 512, 5, 12, 768
"""Lengths of a face's embedding and of a frame's sound."""


def measure(portrait: Path | None = None, seconds: float = 0.0) -> dict[str, Any]:
    """Count everything again, beside the committed figures; what is shown and for how long changes nothing.

    Returns:
        Floating-point operations as ``cost.py`` needs them, and what follows for a second of video on a T4 (computed
        with an assumed speed, not measured).
    """
    flops = cost.frame_flops(RenderSettings())
    return {
        "counted, TFLOP": {name: round(value / 1e12, 4) for name, value in counted().items()},
        "committed, TFLOP": {name: round(getattr(cost, name) / 1e12, 4) for name in counted()},
        "a frame": {"TFLOP": round(flops / 1e12, 1), "seconds on a T4, assumed speed": round(flops / CUDA_SPEED, 1)},
    }


def counted() -> dict[str, float]:
    """Return floating-point operations by the names in :mod:`lipsync_colab.engines.hallo.cost`."""
    both, half = denoiser(2), denoiser(1)
    coder, hearing = autoencoder(), ears()
    frames = PIECE + 2 * MARGIN
    return {
        "GUIDED_STEP": _flops(both.predict),
        "STEP": _flops(half.predict),
        "MEMORY": _flops(half.remember),
        "DECODED": _flops(lambda: coder.decode(empty(1, 4, LATENT, LATENT))),
        "ENCODED": _flops(lambda: coder.encode(empty(1, 3, SIZE, SIZE))),
        "HEARD": _flops(lambda: hearing(empty(1, frames * HOP))) / frames,
    }


class Denoiser:
    """The network of shapes alone, and what it is given for one clip.

    Args:
        halves: 2 with guidance, 1 without.
    """

    def __init__(self, halves: int) -> None:
        with torch.device("meta"):
            network: Any = networks.build("hallo")
        self.network: Any = network
        tokens = network.face_tokens(empty(halves, IDENTITY))
        sound = network.audio_tokens(empty(halves, CLIP, WINDOW, LAYERS, FEATURES))
        region = network.region(empty(halves, 3, 1, SIZE, SIZE))
        masks = tuple(tuple(empty((SIZE // level) ** 2) for level in LEVELS) for _ in range(3))
        self._noisy = empty(halves, 4, CLIP, LATENT, LATENT)
        self._given = (tokens, sound, region, masks)

    def remember(self) -> Any:
        """Look at the still and at the frames before the clip."""
        return self.network.remember(empty(1 + CARRIED, 4, LATENT, LATENT), self._given[0])

    def predict(self) -> Tensor:
        """Take one step of denoising."""
        said: Tensor = self.network.predict(self._noisy, empty(), *self._given, self._memory, (1.0, 1.0, 1.0))
        return said

    def ready(self) -> Denoiser:
        """Remember the still, as a clip does before its first step."""
        self._memory = self.remember()
        return self


def denoiser(halves: int) -> Denoiser:
    """Return the network with its memory of the still, on shapes alone."""
    with torch.inference_mode():
        return Denoiser(halves).ready()


def autoencoder() -> Any:
    """Return Stable Diffusion's autoencoder, of shapes alone."""
    from diffusers import AutoencoderKL

    with torch.device("meta"):
        network: Any = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )
    return network.eval()


def ears() -> Any:
    """Return wav2vec 2.0 (base), of shapes alone."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    network: Any = Wav2Vec2Model(Wav2Vec2Config())
    # Weight normalisation cannot be computed on shapes alone.
    nn.utils.parametrize.remove_parametrizations(network.encoder.pos_conv_embed.conv, "weight")
    return network.eval().to("meta")


@contextlib.contextmanager
def attention_in_one_piece() -> Iterator[None]:
    """Let attention take what its fused kernels take on a GPU: its result, and no matrix of all pairs.

    On shapes alone torch takes the way that makes the matrix.
    """

    def fused(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
        return query.new_empty(*query.shape[:-1], value.shape[-1])

    with mock.patch.object(nn.functional, "scaled_dot_product_attention", fused):
        yield


def empty(*shape: int) -> Tensor:
    """Return a tensor of a shape and nothing else."""
    return torch.zeros(shape, device="meta")


def _flops(run: Callable[[], Any]) -> float:
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())
