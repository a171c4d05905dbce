"""The denoiser's levels: residual units with attention to the still, the sound and time, on the way down and up."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from diffusers.models.resnet import Downsample2D, ResnetBlock2D, Upsample2D
from torch import nn

from lipsync_colab.networks.hallo.conditions import FRAMES_AT_ONCE, Conditions
from lipsync_colab.networks.hallo.config import HalloConfig
from lipsync_colab.networks.hallo.motion import MotionModule
from lipsync_colab.networks.hallo.pixels import sound_transformer, still_transformer

EPSILON = 1e-5
"""Of the residual units' norms (Stable Diffusion 1.5)."""


def residual_unit(config: HalloConfig, inputs: int, outputs: int) -> ResnetBlock2D:
    """Return a residual unit that hears the step."""
    return ResnetBlock2D(
        in_channels=inputs,
        out_channels=outputs,
        temb_channels=4 * config.channels[0],
        groups=config.groups,
        eps=EPSILON,
        non_linearity="silu",
    )


def motion(config: HalloConfig, channels: int) -> MotionModule:
    """Return attention over time."""
    return MotionModule(channels, config.motion_heads, config.groups, config.positions)


class Level(nn.Module):
    """Residual units of one size.

    Args:
        config: sizes.
        name: under the denoiser, e.g. ``down_blocks.1``.
        depth: 0 the finest.
        inputs: channels that come into each residual unit.
        outputs: channels of the level.
        hearing: widths inside the attentions to the sound; none on a level without attention.
        before: residual units before the first attention: 1 in the middle, whose last has none after it.
    """

    def __init__(
        self,
        config: HalloConfig,
        name: str,
        depth: int,
        inputs: list[int],
        outputs: int,
        hearing: list[int],
        before: int = 0,
    ) -> None:
        super().__init__()
        self.name, self.depth = name, depth
        self.resnets = nn.ModuleList([residual_unit(config, channels, outputs) for channels in inputs])
        if hearing:
            self.attentions = nn.ModuleList(
                [still_transformer(outputs, config.heads, config.groups, config.token) for _ in hearing]
            )
            self.audio_modules = nn.ModuleList(
                [sound_transformer(outputs, width, config.heads, config.groups, config.sound) for width in hearing]
            )
        # On levels without attention the release has these modules but, in the mode it is trained and run in,
        # passes them by.
        self.motion_modules = nn.ModuleList([motion(config, outputs) for _ in inputs[before:]])
        self.attends = bool(hearing)

    def unit(self, features: torch.Tensor, conditions: Conditions, index: int) -> torch.Tensor:
        """Return (B F, C, h, w) after one residual unit and, where the level has them, its attentions."""
        features = self.residual(features, conditions, index)
        return self.attend(features, conditions, index) if self.attends else features

    def residual(self, features: torch.Tensor, conditions: Conditions, index: int) -> torch.Tensor:
        """Return (B F, C, h, w) after one residual unit, some frames at a time."""
        unit = self.resnets[index]
        return torch.cat([unit(some, conditions.time) for some in features.split(FRAMES_AT_ONCE)])

    def attend(self, features: torch.Tensor, conditions: Conditions, index: int) -> torch.Tensor:
        """Return features after attention to the still and the face, the sound, and time."""
        place = conditions.memory[f"{self.name}.attentions.{index}"]
        features = self.attentions[index](features, conditions, place)
        features = self.audio_modules[index](features, conditions, self.depth)
        return self.motion_modules[index](features, place.frames)


class Down(Level):
    """A level on the way down."""

    def __init__(self, config: HalloConfig, depth: int) -> None:
        outputs, inputs = config.channels[depth], config.channels[max(depth - 1, 0)]
        last = depth == len(config.channels) - 1
        widths = [inputs] + [outputs] * (config.layers - 1)
        super().__init__(config, f"down_blocks.{depth}", depth, widths, outputs, [] if last else widths)
        self.downsamplers = (
            None
            if last
            else nn.ModuleList([Downsample2D(outputs, use_conv=True, out_channels=outputs, padding=1, name="op")])
        )

    def forward(self, features: torch.Tensor, conditions: Conditions) -> Iterator[torch.Tensor]:
        """Yield the features after every unit and after halving: the way up takes them all, the last goes on."""
        for index in range(len(self.resnets)):
            features = self.unit(features, conditions, index)
            yield features
        if self.downsamplers is not None:
            yield self.downsamplers[0](features)


class Middle(Level):
    """The coarsest level: a residual unit, attention, another unit."""

    def __init__(self, config: HalloConfig) -> None:
        channels, depth = config.channels[-1], len(config.channels) - 1
        super().__init__(config, "mid_block", depth, [channels, channels], channels, [channels], before=1)

    def forward(self, features: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """Return (B F, C, h, w) of the same."""
        return self.residual(self.unit(features, conditions, 0), conditions, 1)


class Up(Level):
    """A level on the way up, ``index`` 0 the coarsest."""

    def __init__(self, config: HalloConfig, index: int) -> None:
        depth = len(config.channels) - 1 - index
        outputs, finer = config.channels[depth], config.channels[max(depth - 1, 0)]
        coarser = config.channels[min(depth + 1, len(config.channels) - 1)]
        units = config.layers + 1
        before, skipped = [coarser] + [outputs] * (units - 1), [outputs] * (units - 1) + [finer]
        widths = [own + skip for own, skip in zip(before, skipped, strict=True)]
        hearing = [finer] * units if index else []
        super().__init__(config, f"up_blocks.{index}", depth, widths, outputs, hearing)
        self.upsamplers = nn.ModuleList([Upsample2D(outputs, use_conv=True, out_channels=outputs)]) if depth else None

    def forward(self, features: torch.Tensor, skips: list[torch.Tensor], conditions: Conditions) -> torch.Tensor:
        """Return (B F, C, 2 h, 2 w), at the finest level (B F, C, h, w); takes its skips off the end of the list."""
        for index in range(len(self.resnets)):
            features = self.unit(torch.cat([features, skips.pop()], dim=1), conditions, index)
        return features if self.upsamplers is None else self.upsamplers[0](features)
