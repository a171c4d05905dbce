"""A GGUF file in the mixture that is called Q4_K_M, with random weights and a real model's tokenizer."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

WIDTH, HEADS, KEYS, INNER, LAYERS, BLOCK = 256, 4, 2, 512, 2, 256
F32, Q4_K, Q6_K = 0, 12, 14
Q4_K_M = 15
"""What ``general.file_type`` says of the mixture: most in four bits, the head and half of some layers in six."""
ALIGNMENT = 32
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
TEXT, LIST, UNSIGNED = 8, 9, 4
SHAPE = {
    "general.file_type": Q4_K_M,
    "llama.embedding_length": WIDTH,
    "llama.block_count": LAYERS,
    "llama.feed_forward_length": INNER,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": KEYS,
    "llama.rope.dimension_count": WIDTH // HEADS,
}


def write_tiny(path: Path, donor: Path) -> None:
    """Write a model of two layers.

    Args:
        path: to be written.
        donor: a GGUF of the same architecture, whose tokenizer and chat template are taken.
    """
    values = dict(metadata(donor.read_bytes()))
    for key, value in SHAPE.items():
        values[key] = struct.pack("<II", UNSIGNED, value)
    vocabulary = struct.unpack_from("<IIQ", values["tokenizer.ggml.tokens"])[2]
    random = np.random.default_rng(0)
    infos, data = b"", b""
    tensors = list(layout(vocabulary))
    for name, shape, kind in tensors:
        infos += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        raw = weights(int(np.prod(shape)), kind, random)
        data += raw + bytes(-len(raw) % ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    head += b"".join(text(key) + value for key, value in values.items()) + infos
    path.write_bytes(head + bytes(-len(head) % ALIGNMENT) + data)


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def metadata(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield every key of a GGUF file with its type and value as they stand there."""
    (count,) = struct.unpack_from("<Q", raw, 16)
    at = 24
    for _ in range(count):
        (length,) = struct.unpack_from("<Q", raw, at)
        key = raw[at + 8 : at + 8 + length].decode()
        start = at + 8 + length
        at = end_of(raw, start + 4, struct.unpack_from("<I", raw, start)[0])
        yield key, raw[start:at]


def end_of(raw: bytes, at: int, kind: int) -> int:
    """Return where a value ends."""
    if kind == TEXT:
        return at + 8 + int(struct.unpack_from("<Q", raw, at)[0])
    if kind != LIST:
        return at + SIZES[kind]
    item, count = struct.unpack_from("<IQ", raw, at)
    at += 12
    for _ in range(count):
        at = end_of(raw, at, item)
    return at


def layout(vocabulary: int) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Yield name, shape (columns first) and kind of every tensor."""
    narrow = WIDTH // HEADS * KEYS
    yield "token_embd.weight", (WIDTH, vocabulary), Q4_K
    yield "output_norm.weight", (WIDTH,), F32
    yield "output.weight", (WIDTH, vocabulary), Q6_K
    for layer in range(LAYERS):
        finer = Q6_K if layer % 2 == 0 else Q4_K
        for name, shape, kind in (
            ("attn_norm", (WIDTH,), F32),
            ("attn_q", (WIDTH, WIDTH), Q4_K),
            ("attn_k", (WIDTH, narrow), Q4_K),
            ("attn_v", (WIDTH, narrow), finer),
            ("attn_output", (WIDTH, WIDTH), Q4_K),
            ("ffn_norm", (WIDTH,), F32),
            ("ffn_gate", (WIDTH, INNER), Q4_K),
            ("ffn_up", (WIDTH, INNER), Q4_K),
            ("ffn_down", (INNER, WIDTH), finer),
        ):
            yield f"blk.{layer}.{name}.weight", shape, kind


def weights(count: int, kind: int, random: np.random.Generator) -> bytes:
    """Return random blocks of 256 weights whose scales keep them near 0.05."""
    if kind == F32:
        return np.ones(count, "<f4").tobytes()
    blocks = count // BLOCK
    if kind == Q4_K:  # scale and minimum, twelve bytes of scales of eight parts, 4 bits a weight
        scales = np.tile(np.array([3e-4, 2.25e-3], "<f2"), (blocks, 1)).view(np.uint8)
        return np.hstack([scales, random.integers(0, 256, (blocks, 140), np.uint8)]).tobytes()
    scales = np.full((blocks, 1), 4e-5, "<f2").view(np.uint8)
    return np.hstack([random.integers(0, 256, (blocks, 208), np.uint8), scales]).tobytes()
