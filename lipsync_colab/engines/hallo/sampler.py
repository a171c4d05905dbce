"""From noise to the latents of one clip: DDIM with classifier-free guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipsync_colab.engines.hallo.masks import RegionMasks
from lipsync_colab.engines.hallo.options import Choices, Weights
from lipsync_colab.types import Array

SCHEDULE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "linear",
    "clip_sample": False,
    "steps_offset": 1,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
"""Arguments of diffusers' ``DDIMScheduler`` in the release (``configs/inference/default.yaml``)."""


class Sampler:
    """Draws the clips of one head.

    Args:
        network: a :class:`~lipsync_colab.networks.hallo.net.HalloNet` in eval mode.
        face: float32 (1, 512) embedding of the person.
        masks: where the regions of the head are.
        choices: steps, guidance and seed.
        device: where the network is.
        dtype: of its numbers. Latents are stepped in float32 whatever it is.
    """

    def __init__(
        self, network: Any, face: Array, masks: RegionMasks, choices: Choices, device: str, dtype: str
    ) -> None:
        from diffusers import DDIMScheduler

        self._network, self._choices = network, choices
        self._place = {"device": torch.device(device), "dtype": getattr(torch, dtype)}
        self._scheduler: Any = DDIMScheduler(**SCHEDULE)
        self._guided = choices.guidance > 1
        self._masks = tuple(tuple(map(self._tensor, masks_of)) for masks_of in (masks.full, masks.skin, masks.lips))
        with torch.inference_mode():
            embedding = self._tensor(face)
            # Without a person the projection gives tokens too: what it makes of zeros.
            self._tokens = self._halves(embedding, network.face_tokens)
            box = self._tensor(masks.face.transpose(2, 0, 1)[None, :, None].astype(np.float32) / 255)
            self._region = network.region(box)

    def draw(
        self, clip: int, heard: Tensor, before: Tensor, weights: Weights, watch: Callable[[float], None]
    ) -> Tensor:
        """Return the latents of a clip's frames, float32 (F, 4, h, w) on the CPU.

        Args:
            clip: its number, which with the seed decides the noise.
            heard: float32 (F, 5, layers, channels).
            before: float32 (1 + motion frames, 4, h, w): the still, then the frames that the clip follows.
            weights: of the voice outside the face, on it and on the lips.
            watch: called before every step with the clips that are drawn, a part of this one counted; what it raises
                ends the work.
        """
        with torch.inference_mode():
            memory = self._network.remember(before.to(**self._place), self._tokens)
            sound = self._network.audio_tokens(heard[None].to(**self._place))
            region = self._region.expand(-1, -1, len(heard), -1, -1)
            if self._guided:
                sound = torch.cat([torch.zeros_like(sound), sound])
                region = torch.cat([torch.zeros_like(region), region])
            latents = self._noise(clip, (1, before.shape[1], len(heard), *before.shape[2:]))
            self._scheduler.set_timesteps(self._choices.steps, device=self._place["device"])
            given = (self._tokens, sound, region, self._masks, memory, weights)
            for number, step in enumerate(self._scheduler.timesteps):
                watch(clip + number / self._choices.steps)
                guess = self._guess(latents, step, given)
                latents = self._scheduler.step(guess, step, latents, eta=0.0).prev_sample
        return latents[0].transpose(0, 1).contiguous().cpu()

    def _guess(self, latents: Tensor, step: Tensor, given: tuple[Any, ...]) -> Tensor:
        """Return what the network says of noisy latents, float32 (1, 4, F, h, w)."""
        both = latents.to(self._place["dtype"]).expand(2 if self._guided else 1, -1, -1, -1, -1)
        said = self._network.predict(both, step, *given).float()
        if not self._guided:
            return said
        without, with_voice = said.chunk(2)
        return without + self._choices.guidance * (with_voice - without)

    def _noise(self, clip: int, shape: Sequence[int]) -> Tensor:
        """Return a clip's noise on the device: the same wherever a render goes on."""
        seed = int(np.random.SeedSequence((self._choices.seed, clip)).generate_state(1)[0])
        noise = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
        return noise.to(self._place["device"]) * self._scheduler.init_noise_sigma

    def _halves(self, value: Tensor, made: Any) -> Tensor:
        return torch.cat([made(torch.zeros_like(value)), made(value)]) if self._guided else made(value)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(**self._place)
