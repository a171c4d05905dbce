"""How much of the invisible watermark is left after our encoder: bits of 32, by size and crf, on a still picture.

Run from the repository: ``PYTHONPATH=.:tests python tests/bench/bench_watermark.py [SIDE ...]``.
"""

from __future__ import annotations

import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from material import hopper
from PIL import Image as Picture

from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.marks import watermark
from lipsync_colab.report.watermark_row import watermark_of

for side in map(int, sys.argv[1:] or ["540", "1080"]):
    still = np.asarray(Picture.open(hopper()).convert("RGB").crop((0, 0, 512, 512)).resize((side, side), 1))
    marked = watermark.marked(still)
    error = np.mean((marked.astype(float) - still) ** 2)
    print(f"{side}x{side}: PSNR of the mark {10 * np.log10(255**2 / error):.1f} dB", flush=True)
    print(f"  unmarked: {watermark.read([still]).agree} of 32 bits", flush=True)
    for crf in (18, 28, 35, 40):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            with SegmentWriter(path, (side, side), Fraction(25), Encoding(crf=crf)) as writer:
                for _ in range(5):
                    writer.write(marked)
            found = watermark_of(path, fetch=True)
        assert found is not None
        print(f"  crf {crf}: {found.agree} of 32 bits, {'found' if found.present else 'lost'}", flush=True)
