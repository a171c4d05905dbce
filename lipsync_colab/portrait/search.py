"""Where to look for faces: the whole picture, then a wider view, then ever smaller overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator

Box = tuple[int, int, int, int]
Edges = tuple[float, ...]
"""``(left, top, right, bottom)`` in any unit."""
SMALLEST_TILE = 192
"""Pixels a side below which a tile only enlarges what the 128-pixel detector already saw."""
LEVELS = 2
"""Tiles of 1/2 and 1/4 of the long side: a face of 1/30 of it still fills an eighth of a tile."""


def views(width: int, height: int) -> Iterator[list[Box]]:
    """Yield the boxes to search, level by level, from the cheapest.

    Args:
        width: of the picture in pixels.
        height: of the picture in pixels.

    Yields:
        Boxes ``(left, top, right, bottom)``; they may reach beyond the picture (a face that fills it is only seen
        with room around).
    """
    yield [(0, 0, width, height)]
    margin = max(width, height) // 3
    tiles = list(_tiles(width, height, 1))
    yield [*tiles, (-margin, -margin, width + margin, height + margin)]
    for level in range(2, LEVELS + 1):
        yield list(_tiles(width, height, level))


def overlap(one: Edges, other: Edges) -> float:
    """Return the intersection of two boxes over their union, in [0, 1]."""
    shared = _shared(one, other)
    return shared / (_area(one) + _area(other) - shared) if shared else 0.0


def covered(one: Edges, other: Edges) -> float:
    """Return the intersection of two boxes over the smaller of them, in [0, 1]."""
    shared = _shared(one, other)
    return shared / min(_area(one), _area(other)) if shared else 0.0


def _area(box: Edges) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(one: Edges, other: Edges) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(down, 0.0)


def _tiles(width: int, height: int, level: int) -> Iterator[Box]:
    side = -(-max(width, height) >> level)
    if side < SMALLEST_TILE:
        return
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield left, top, min(left + side, width), min(top + side, height)


def _starts(length: int, side: int) -> list[int]:
    """Starts of tiles that overlap by half, so that no face is cut by all of them."""
    if length <= side:
        return [0]
    steps = -(-(length - side) * 2 // side)
    return [round(index * (length - side) / steps) for index in range(steps + 1)]
