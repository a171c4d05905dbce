"""The memory that enlarging a portrait takes, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

CODE = """
from pathlib import Path
import numpy as np
from lipsync_colab.finish.upscale import NetworkUpscaler
from lipsync_colab.networks import build
image = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
assert NetworkUpscaler(build("rrdbnet-x4")).enlarge(image).shape == (2048, 2048, 3)
line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(line.split()[1]) * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's own peak")
def test_2048_pixels_stay_below_two_gigabytes() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 2e9
