"""What each network takes, counted once and committed: parameters, and the activations that a tracer saw.

``lipsync-colab bench --memory`` counts and traces again and says whether this table still holds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkCost:
    """Numbers (not bytes) that a network holds.

    Attributes:
        parameters: of all its modules, buffers included.
        item: at the highest point for one more item of a batch: a frame, a face; for upscalers one position of a tile.
        once: at the highest point beside that, however large the batch.
    """

    parameters: int
    item: int
    once: int = 0


NETWORK_COSTS: dict[str, NetworkCost] = {
    "wav2lip": NetworkCost(36_275_283, 2_138_112, 0),
    "s3fd": NetworkCost(22_459_110, 79_872_000, 0),
    "facevid2vid-256": NetworkCost(103_241_582, 101_711_917, 0),
    "facevid2vid-512": NetworkCost(103_241_582, 406_847_533, 0),
    "sadtalker-driver": NetworkCost(90_374_140, 2_960_384, 0),
    "pirender": NetworkCost(20_081_477, 29_960_371, 0),
    "fomm": NetworkCost(62_940_000, 10_563_900, 0),
    "audio2head-driver": NetworkCost(143_345_974, 0, 61_036_800),
    "hallo": NetworkCost(2_424_802_964, 0, 680_953_089),
    "hallo-coder": NetworkCost(83_653_863, 0, 201_359_360),
    "hallo-hearing": NetworkCost(94_371_584, 0, 174_912_512),
    "gfpgan": NetworkCost(87_143_276, 141_488_128, 262_144),
    "restoreformer": NetworkCost(72_680_003, 181_338_624, 2),
    "codeformer": NetworkCost(94_112_707, 147_849_984, 0),
    "rrdbnet-trunk": NetworkCost(16_697_987, 579, 0),
    "rrdbnet-tail": NetworkCost(16_697_987, 2_368, 0),
    "srvgg-x4v3": NetworkCost(1_213_296, 195, 0),
    "srvgg-animevideov3": NetworkCost(621_424, 195, 0),
}
"""By name. Traced on shapes alone; the three restorers were traced on a CPU with content too, and gave the same."""
