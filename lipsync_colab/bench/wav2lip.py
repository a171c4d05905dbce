"""The Wav2Lip engine against the loop of its release: seconds per frame and peak memory, each in its own process.

Weights are random: the arithmetic, and so the time, is that of the released ones. Neither side encodes.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lipsync_colab import networks
from lipsync_colab.device import peak_memory
from lipsync_colab.finish.canvas import make_canvas
from lipsync_colab.portrait import load_portrait
from lipsync_colab.types import Portrait, RenderPlan, RenderSettings, Speech, frame_count

if TYPE_CHECKING:
    from lipsync_colab.networks.s3fd import S3FD

FPS = Fraction(25)
RATE = 16_000
HEIGHT = 1080
LONGER = 6
"""The second clip is this many times as long as the first: 60 s after 10 s."""
DETECTIONS = 2
"""Frames that the release's detector is timed on; it takes 10 s and more for each."""
PASTED = 128
"""Frames that the release's generator is timed on: one of its batches."""


def measure(portrait: Path, seconds: float = 10.0) -> dict[str, Any]:
    """Measure at 1080 pixels and 25 fps.

    Args:
        portrait: a picture file.
        seconds: of the shorter clip; the longer one has six times as many.

    Returns:
        ``engine`` and ``engine_longer``: wall and CPU seconds per frame end to end (reading the portrait, landmarks,
        network, colours, composing) and peak memory. ``release``: the same of the release's loop, timed on fewer
        frames and scaled to the shorter clip. ``ratios``: times faster, times less CPU with and without the
        release's detection, and the longer clip's memory to the shorter one's.
    """
    short = _alone(run_engine, portrait, seconds)
    long = _alone(run_engine, portrait, seconds * LONGER)
    release = _alone(run_release, portrait, seconds)
    used = short["cpu_seconds_per_frame"]
    return {
        "engine": short,
        "engine_longer": long,
        "release": release,
        "ratios": {
            "times_faster": round(release["seconds_per_frame"] / short["seconds_per_frame"], 1),
            "times_less_cpu": round(release["cpu_seconds_per_frame"] / used, 1),
            "times_less_cpu_without_detection": round(release["cpu_seconds_without_detection"] / used, 2),
            "memory_longer_to_shorter": round(long["peak_memory_mb"] / short["peak_memory_mb"], 3),
            "memory_release_to_engine": round(release["peak_memory_mb"] / short["peak_memory_mb"], 2),
        },
    }


def _alone(work: Callable[[Path, float], dict[str, Any]], portrait: Path, seconds: float) -> dict[str, Any]:
    """Run in a fresh process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, portrait, seconds).result()


def run_engine(path: Path, seconds: float) -> dict[str, Any]:
    """Return seconds per frame and peak memory of the engine, frames composed and dropped."""
    from lipsync_colab.engines.wav2lip.engine import Wav2LipEngine
    from lipsync_colab.finish.compose import Composer
    from lipsync_colab.networks.wav2lip import Wav2Lip

    speech = _voice(seconds)
    started, used = time.perf_counter(), time.process_time()
    still, plan = _still(path, seconds)
    composer = Composer(still.image)
    engine = Wav2LipEngine(lambda row: cast(Wav2Lip, networks.build("wav2lip")))
    frames = sum(1 for patches in engine.animate(still, speech, plan) if composer.frame(patches) is not None)
    return {
        "frames": frames,
        "seconds_per_frame": round((time.perf_counter() - started) / frames, 4),
        "cpu_seconds_per_frame": round((time.process_time() - used) / frames, 4),
        "peak_memory_mb": _peak_megabytes(),
    }


def run_release(path: Path, seconds: float) -> dict[str, Any]:
    """Return seconds per frame and peak memory of the release's loop on a few frames, scaled to the clip.

    Memory is what the few frames took, and the rest of the clip's frames twice: as read and as drawn.
    """
    from lipsync_colab.bench.wav2lip_release import ReleaseLoop
    from lipsync_colab.engines.wav2lip.windows import MelWindows
    from lipsync_colab.networks.s3fd import S3FD
    from lipsync_colab.networks.wav2lip import Wav2Lip

    still, plan = _still(path, seconds)
    loop = ReleaseLoop(cast(Wav2Lip, networks.build("wav2lip")), faceless(cast(S3FD, networks.build("s3fd"))))
    frame = np.ascontiguousarray(still.image[..., ::-1])
    left, top, right, bottom = (round(edge) for edge in still.face.box)
    frames = [frame.copy() for _ in range(PASTED)]
    mel = MelWindows(_voice(seconds).samples, FPS).stack(0, PASTED)
    boxes = [(top, bottom, left, right)] * PASTED
    detect, detect_used = _timed(lambda: loop.detect(frames[:DETECTIONS]), DETECTIONS)
    paste, paste_used = _timed(lambda: loop.paste(frames, boxes, mel), PASTED)
    rest = 2 * max(0, plan.frames - PASTED) * frame.nbytes / 1e6
    return {
        "frames_timed": f"{DETECTIONS} detected, {PASTED} drawn, of {plan.frames}",
        "seconds_per_frame": round(detect + paste, 4),
        "cpu_seconds_per_frame": round(detect_used + paste_used, 4),
        "cpu_seconds_without_detection": round(paste_used, 4),
        "peak_memory_mb": round(_peak_megabytes() + rest),
    }


def faceless(detector: S3FD) -> S3FD:
    """Make a detector with random weights see no face: thousands of chance boxes would cost what real ones do not."""
    for name, module in detector.named_modules():
        if name.endswith("_conf"):
            module.weight.data.zero_()
            module.bias.data.fill_(10.0)
            module.bias.data[-1] = 0.0
    return detector


def _timed(work: Callable[[], object], frames: int) -> tuple[float, float]:
    """Return wall and CPU seconds per frame."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - started) / frames, (time.process_time() - used) / frames


def _still(path: Path, seconds: float) -> tuple[Portrait, RenderPlan]:
    portrait = load_portrait(path)
    scale = HEIGHT / min(portrait.size)
    width, height = (2 * round(side * scale / 2) for side in portrait.size)
    settings = RenderSettings(engine="wav2lip")
    plan = RenderPlan(settings, "wav2lip", "", "", width, height, str(FPS), frame_count(seconds, FPS), 250, batch=4)
    return make_canvas(portrait, (width, height), "blur").portrait, plan


def _voice(seconds: float) -> Speech:
    """Noise that swells four times a second and never pauses, so that every frame is drawn."""
    times = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).uniform(-1, 1, len(times))
    return Speech((noise * (0.3 + 0.15 * np.sin(8 * np.pi * times))).astype(np.float32), RATE)


def _peak_megabytes() -> int:
    """Peak resident memory. ``getrusage`` would tell the starting process's too; ``VmHWM`` is this program's own."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return round(peak_memory() / 1e6)
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) * 1024 / 1e6)
