"""Still and 3DMM coefficients to a frame: estimate a flow, warp, then edit (22.5 M parameters)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.hourglass import widths
from lipsync_colab.networks.pirender.layers import (
    DESCRIPTOR,
    EditingBlock,
    GrowingBlock,
    LayerNorm2d,
    PlainBlock,
    ShrinkingBlock,
)
from lipsync_colab.networks.sadtalker.mapping import CoefficientTrunk
from lipsync_colab.networks.spatial import coordinate_grid, sample

COEFFICIENTS = 73
"""Expression 64, angles 3, translation 3, and scale and position in the picture 3."""
LIMIT = 256
WARP_BASE, WARP_DOWN, WARP_UP = 32, 5, 3
EDIT_BASE, EDIT_LAYERS, EDIT_BLOCKS = 64, 3, 2


class FlowEncoder(nn.Module):
    """Halves the still five times, with the descriptor in every norm."""

    def __init__(self) -> None:
        super().__init__()
        sizes = widths(WARP_BASE, LIMIT, WARP_DOWN)
        self.input_layer = nn.Conv2d(3, WARP_BASE, 7, padding=3)
        for index in range(WARP_DOWN):
            setattr(self, f"encoder{index}", ShrinkingBlock(sizes[index], sizes[index + 1]))

    def forward(self, image: torch.Tensor, descriptor: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every size, largest first."""
        levels = [self.input_layer(image)]
        for index in range(WARP_DOWN):
            levels.append(getattr(self, f"encoder{index}")(levels[-1], descriptor))
        return levels


class FlowDecoder(nn.Module):
    """Doubles the features three times, joining the encoder's."""

    def __init__(self) -> None:
        super().__init__()
        sizes = widths(WARP_BASE, LIMIT, WARP_DOWN)
        for index in range(WARP_DOWN - WARP_UP, WARP_DOWN):
            inputs = sizes[index + 1] * (1 if index == WARP_DOWN - 1 else 2)
            setattr(self, f"decoder{index}", GrowingBlock(inputs, sizes[index]))
        self.outputs = 2 * sizes[WARP_DOWN - WARP_UP]

    def forward(self, levels: list[torch.Tensor], descriptor: torch.Tensor) -> torch.Tensor:
        """Return features of a quarter of the still's size."""
        features = levels.pop()
        for index in reversed(range(WARP_DOWN - WARP_UP, WARP_DOWN)):
            features = torch.cat((getattr(self, f"decoder{index}")(features, descriptor), levels.pop()), dim=1)
        return features


class FlowNetwork(nn.Module):
    """Finds where each part of the frame comes from in the still."""

    def __init__(self) -> None:
        super().__init__()
        self.hourglass: Any = nn.Module()
        self.hourglass.encoder = FlowEncoder()
        self.hourglass.decoder = FlowDecoder()
        outputs = self.hourglass.decoder.outputs
        self.flow_out = nn.Sequential(LayerNorm2d(outputs), nn.LeakyReLU(0.1), nn.Conv2d(outputs, 2, 7, padding=3))

    def forward(self, image: torch.Tensor, descriptor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the flow (B, 2, h/4, w/4), in its own pixels, and the still warped by it (B, 3, h, w)."""
        levels = self.hourglass.encoder(image, descriptor)
        flow = self.flow_out(self.hourglass.decoder(levels, descriptor))
        size = flow.shape[2:]
        scale = torch.tensor([2 / (size[1] - 1), 2 / (size[0] - 1)], device=flow.device)
        grid = coordinate_grid(size, flow.device) + flow.float().permute(0, 2, 3, 1) * scale
        grid = F.interpolate(grid.permute(0, 3, 1, 2), size=image.shape[2:], mode="bilinear", align_corners=False)
        return flow, sample(image, grid.permute(0, 2, 3, 1))


class EditingEncoder(nn.Module):
    """Halves still and warped still together three times."""

    def __init__(self) -> None:
        super().__init__()
        sizes = widths(EDIT_BASE, LIMIT, EDIT_LAYERS)
        self.first = PlainBlock(6, EDIT_BASE, kernel=7)
        for index in range(EDIT_LAYERS):
            setattr(self, f"down{index}", PlainBlock(sizes[index], sizes[index + 1], pool=True))

    def forward(self, pair: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every size, largest first."""
        levels = [self.first(pair)]
        for index in range(EDIT_LAYERS):
            levels.append(getattr(self, f"down{index}")(levels[-1]))
        return levels


class EditingDecoder(nn.Module):
    """Edits and doubles the features three times, and draws the frame."""

    def __init__(self) -> None:
        super().__init__()
        sizes = widths(EDIT_BASE, LIMIT, EDIT_LAYERS)
        for index in range(EDIT_LAYERS):
            inputs, outputs = sizes[index + 1], sizes[index]
            blocks = nn.Module()
            for number in range(EDIT_BLOCKS):
                setattr(blocks, f"res{number}", EditingBlock(inputs))
            setattr(self, f"res{index}", blocks)
            setattr(self, f"up{index}", PlainBlock(inputs, outputs, up=True))
            setattr(self, f"jump{index}", PlainBlock(outputs, outputs))
        self.final: Any = nn.Module()
        self.final.model = nn.Sequential(nn.Conv2d(EDIT_BASE, 3, 7, padding=3), nn.Tanh())

    def forward(self, levels: list[torch.Tensor], descriptor: torch.Tensor) -> torch.Tensor:
        """Return the frame (B, 3, h, w) in (-1, 1)."""
        features = levels.pop()
        for index in reversed(range(EDIT_LAYERS)):
            blocks: Any = getattr(self, f"res{index}")
            for number in range(EDIT_BLOCKS):
                features = getattr(blocks, f"res{number}")(features, descriptor)
            features = getattr(self, f"up{index}")(features) + getattr(self, f"jump{index}")(levels.pop())
        return self.final.model(features)


class FaceGenerator(nn.Module):
    """Draws the head of a still with the pose and expression of 3DMM coefficients."""

    def __init__(self) -> None:
        super().__init__()
        self.mapping_net = CoefficientTrunk(COEFFICIENTS, DESCRIPTOR)
        self.warpping_net = FlowNetwork()
        self.editing_net: Any = nn.Module()
        self.editing_net.encoder = EditingEncoder()
        self.editing_net.decoder = EditingDecoder()

    def forward(self, image: torch.Tensor, coefficients: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return ``fake_image`` (B, 3, 256, 256) in (-1, 1), ``flow_field`` and ``warp_image``.

        Args:
            image: stills (B or 1, 3, 256, 256), RGB in [-1, 1].
            coefficients: (B, 73, 27), a window of 27 frames around each frame.
        """
        image = image.expand(coefficients.shape[0], -1, -1, -1)
        descriptor = self.mapping_net(coefficients)
        flow, warped = self.warpping_net(image, descriptor)
        levels = self.editing_net.encoder(torch.cat((image, warped), dim=1))
        frame = self.editing_net.decoder(levels, descriptor)
        return {"fake_image": frame, "flow_field": flow, "warp_image": warped}
