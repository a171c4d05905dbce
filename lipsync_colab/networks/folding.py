"""Faster forms of trained networks: the same outputs from fewer operations.

Folding changes a network in place: batch norms move into the convolution before them, spectral norms into their
weights, and a convolution that reads an enlarged map reads the small one. The released keys are gone afterwards,
so load first, fold second.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def fold(network: Network) -> Network:
    """Fold every part of a network that can be folded, and return the network.

    Args:
        network: in eval mode, with its weights. Every part that has a method ``fold_`` is folded, inner parts
            first.
    """
    for module in reversed(list(network.modules())):
        change: Any = getattr(module, "fold_", None)
        if change is not None:
            change()
    return network


@torch.no_grad()
def merge_norm(convolution: nn.Module, norm: nn.Module) -> None:
    """Move a batch norm that follows a convolution into its weight and bias, in place.

    Args:
        convolution: any ``nn.Conv1d``, ``nn.Conv2d`` or ``nn.Conv3d``, or one of their transposed forms without
            groups; it gets a bias if it has none.
        norm: its batch norm, with running statistics.
    """
    conv: Any = convolution
    batch: Any = norm
    gain = batch.weight.double() / torch.sqrt(batch.running_var.double() + batch.eps)
    bias = torch.zeros_like(gain) if conv.bias is None else conv.bias.double()
    shift = batch.bias.double() + (bias - batch.running_mean.double()) * gain
    outputs = 1 if isinstance(convolution, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d) else 0
    shape = [1] * conv.weight.dim()
    shape[outputs] = -1
    weight = conv.weight.double() * gain.view(shape)
    conv.weight = nn.Parameter(weight.to(conv.weight.dtype), requires_grad=False)
    conv.bias = nn.Parameter(shift.to(conv.weight.dtype), requires_grad=False)


class EnlargedConvolution(nn.Module):
    """A 3×3 convolution of a map that was enlarged by nearest neighbour, computed on the small map.

    Within an enlarged cell the nine taps fall on at most four small cells, and all inner places of a cell read
    the cell alone. So four kinds of sums are enough: corners (2×2 taps), edges (2×1 and 1×2) and the inside (1×1).
    That is 16 of 36 multiplications at a factor of 2, and 25 of 144 at 4.
    """

    corners: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    inside: torch.Tensor

    def __init__(self, convolution: nn.Module, factor: int) -> None:
        super().__init__()
        self.factor = factor
        conv: Any = convolution
        weight, bias = conv.weight.detach().double(), conv.bias
        if weight.shape[2:] != (3, 3) or conv.padding != (1, 1) or conv.stride != (1, 1):
            raise ValueError("only 3×3 convolutions with padding 1 and stride 1 have this form")
        self.channels = weight.shape[0]
        first = torch.stack((weight[..., 0], weight[..., 1] + weight[..., 2]), -1)
        last = torch.stack((weight[..., 0] + weight[..., 1], weight[..., 2]), -1)
        corners = [self._rows(columns, end) for end in ("first", "last") for columns in (first, last)]
        self._keep("corners", torch.cat(corners), conv)
        if factor > 2:
            inside = weight.sum(-1, keepdim=True)
            self._keep("rows", torch.cat([self._rows(inside, "first"), self._rows(inside, "last")]), conv)
            self._keep("columns", torch.cat([first.sum(2, keepdim=True), last.sum(2, keepdim=True)]), conv)
            self._keep("inside", inside.sum(2, keepdim=True), conv)
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), requires_grad=False)

    @staticmethod
    def _rows(weight: torch.Tensor, end: str) -> torch.Tensor:
        top, middle, bottom = weight.unbind(2)
        return torch.stack((top, middle + bottom) if end == "first" else (top + middle, bottom), 2)

    def _keep(self, name: str, weight: torch.Tensor, like: Any) -> None:
        setattr(self, name, nn.Parameter(weight.to(like.weight.dtype), requires_grad=False))

    def forward(self, small: torch.Tensor) -> torch.Tensor:
        """Return the convolution of the enlarged map, (B, C, h, w) to (B, C', h·factor, w·factor)."""
        count, _, height, width = small.shape
        shape = (count, self.channels, height, self.factor, width, self.factor)
        out = small.new_empty(shape)
        last = self.factor - 1
        corners = F.conv2d(small, self.corners, padding=1).chunk(4, dim=1)
        for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            part = corners[index][:, :, row : row + height, column : column + width]
            out[:, :, :, row * last, :, column * last] = part
        if self.factor > 2:
            rows = F.conv2d(small, self.rows, padding=(1, 0)).chunk(2, dim=1)
            columns = F.conv2d(small, self.columns, padding=(0, 1)).chunk(2, dim=1)
            for end in (0, 1):
                out[:, :, :, end * last, :, 1:last] = rows[end][:, :, end : end + height, :, None]
                out[:, :, :, 1:last, :, end * last] = columns[end][:, :, :, None, end : end + width]
            out[:, :, :, 1:last, :, 1:last] = F.conv2d(small, self.inside)[:, :, :, None, :, None]
        if self.bias is not None:
            out += self.bias.view(1, -1, 1, 1, 1, 1)
        return out.view(count, self.channels, height * self.factor, width * self.factor)
