"""The phoneme encoder: an ALBERT (Lan et al. 2019, arXiv 1909.11942) that was trained on phonemes (PL-BERT)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

EMBEDDING, WIDTH, HEADS, INNER, LAYERS, POSITIONS = 128, 768, 12, 2048, 12, 512
EPSILON = 1e-12


class Embeddings(nn.Module):
    """Symbols, their places and one kind of text, summed and normalised."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(symbols, EMBEDDING)
        self.position_embeddings = nn.Embedding(POSITIONS, EMBEDDING)
        self.token_type_embeddings = nn.Embedding(2, EMBEDDING)
        self.LayerNorm = nn.LayerNorm(EMBEDDING, eps=EPSILON)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        """Return (B, T, 128) of int64 (B, T)."""
        places = self.position_embeddings.weight[: symbols.shape[1]]
        return self.LayerNorm(self.word_embeddings(symbols) + places + self.token_type_embeddings.weight[0])


class Attention(nn.Module):
    """Self-attention of twelve heads over the whole sentence, with its residual and norm."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.dense = nn.Linear(WIDTH, WIDTH)
        self.LayerNorm = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, T, 768)."""
        count, length, _ = features.shape
        heads = [
            part(features).view(count, length, HEADS, -1).transpose(1, 2) for part in (self.query, self.key, self.value)
        ]
        mixed = F.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(count, length, WIDTH)
        return self.LayerNorm(features + self.dense(mixed))


class Layer(nn.Module):
    """Attention and a two-layer network, each with its residual."""

    def __init__(self) -> None:
        super().__init__()
        self.full_layer_layer_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.attention = Attention()
        self.ffn = nn.Linear(WIDTH, INNER)
        self.ffn_output = nn.Linear(INNER, WIDTH)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, T, 768)."""
        attended = self.attention(features)
        inner = self.ffn_output(F.gelu(self.ffn(attended), approximate="tanh"))
        return self.full_layer_layer_norm(inner + attended)


class Group(nn.Module):
    """ALBERT's one group, of one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.albert_layers = nn.ModuleList([Layer()])


class Encoder(nn.Module):
    """One layer's weights, applied twelve times."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding_hidden_mapping_in = nn.Linear(EMBEDDING, WIDTH)
        self.albert_layer_groups = nn.ModuleList([Group()])

    def forward(self, embedded: torch.Tensor) -> torch.Tensor:
        """Return (B, T, 768) of (B, T, 128)."""
        features = self.embedding_hidden_mapping_in(embedded)
        layer = next(iter(next(self.albert_layer_groups.children()).children()))[0]  # type: ignore[index]
        for _ in range(LAYERS):
            features = layer(features)
        return features


class Albert(nn.Module):
    """Phoneme symbols to features; the pooler is part of the release and of no use here."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.embeddings = Embeddings(symbols)
        self.encoder = Encoder()
        self.pooler = nn.Linear(WIDTH, WIDTH)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        """Return (B, T, 768) of int64 (B, T), T up to 512."""
        return self.encoder(self.embeddings(symbols))
