"""Attention whose keys and values may come from elsewhere."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    """Attention with several heads, under Stable Diffusion's keys.

    Args:
        width: of queries and results.
        heads: that share the width.
        source: width of what is attended to; ``width`` by default.
    """

    def __init__(self, width: int, heads: int, source: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(source or width, width, bias=False)
        self.to_v = nn.Linear(source or width, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, tokens: torch.Tensor, source: torch.Tensor | None = None) -> torch.Tensor:
        """Return what ``tokens`` (N, L, C) find in ``source`` (N or 1, M, S), or in themselves."""
        source = tokens if source is None else source
        return self.among(tokens, self.to_k(source), self.to_v(source))

    def among(self, tokens: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Return what ``tokens`` (N, L, C) find among ``keys`` and ``values`` (N or 1, M, C) that were made before."""
        rows = len(tokens)
        queries, keys, values = (
            part.expand(rows, -1, -1).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.to_q(tokens), keys, values)
        )
        found = F.scaled_dot_product_attention(queries, keys, values)
        return self.to_out(found.transpose(1, 2).flatten(2))
