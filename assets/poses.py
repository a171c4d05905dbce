"""Draw a sheet of mouth poses for each portrait: ``python assets/poses.py FOLDER PORTRAIT …``.

The sheets are for looking at, full size around the mouth; they are not part of the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from lipsync_colab.engines.viseme.facing import check_facing
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.portrait import load_portrait
from lipsync_colab.types import Portrait

SHORT_SIDE = 1080
COLUMNS = 4
POSES: dict[str, dict[str, float]] = {
    "rest": {},
    "m": {"press": 1.0, "jaw": 0.1},
    "aa": {"jaw": 1.0, "upper": 0.2},
    "oo": {"jaw": 0.2, "round": 1.0},
    "oh": {"jaw": 0.55, "round": 0.8},
    "ee": {"jaw": 0.22, "wide": 0.8, "upper": 0.45, "lower": 0.5},
    "f": {"jaw": 0.15, "tuck": 1.0, "upper": 0.5},
    "s": {"jaw": 0.08, "wide": 0.25, "upper": 0.4, "lower": 0.5},
    "sh": {"jaw": 0.15, "round": 0.6, "upper": 0.6, "lower": 0.6},
    "th": {"jaw": 0.22, "tongue": 1.0, "upper": 0.25},
    "l": {"jaw": 0.35, "tongue": 1.0, "upper": 0.2},
}


def enlarged(portrait: Portrait) -> Portrait:
    """Return the portrait with its short side at ``SHORT_SIDE`` pixels."""
    scale = SHORT_SIDE / min(portrait.size)
    size = (round(portrait.size[0] * scale), round(portrait.size[1] * scale))
    image = np.asarray(Image.fromarray(portrait.image).resize(size, Image.Resampling.LANCZOS))
    # Pixel centres lie at integers: the corner of the picture is at -0.5.
    shift = (scale - 1) / 2
    face = portrait.face.moved(np.array([[scale, 0, shift], [0, scale, shift]], np.float32))
    return Portrait(image, face, portrait.source)


def posed(portrait: Portrait, rig: FaceRig, pose: dict[str, float]) -> Image.Image:
    """Return the lower face in a pose."""
    frame = Image.fromarray(portrait.image)
    for patch in rig.render(pose):
        left, top = (int(value) for value in patch.transform[:, 2])
        frame.paste(Image.fromarray(patch.pixels), (left, top))
    x, y = portrait.face.points[3:].mean(axis=0)
    reach = 1.05 * portrait.face.eye_distance
    return frame.crop((int(x - reach), int(y - 0.85 * reach), int(x + reach), int(y + 1.05 * reach)))


def sheet(path: Path) -> Image.Image:
    """Return every pose of one portrait, row by row."""
    portrait = enlarged(load_portrait(path))
    print(f"{path.name}: {check_facing(portrait.face) or 'full motion'}")
    rig = FaceRig(portrait)
    tiles = [posed(portrait, rig, pose) for pose in POSES.values()]
    width, height = tiles[0].size
    picture = Image.new("RGB", (COLUMNS * width, -(-len(tiles) // COLUMNS) * height))
    for index, tile in enumerate(tiles):
        picture.paste(tile, (index % COLUMNS * width, index // COLUMNS * height))
    return picture


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:]:
        sheet(Path(name)).save(folder / f"poses_{Path(name).stem}.png")
