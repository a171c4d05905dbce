"""What a choice will cost on a machine, before it is made: seconds for a second of video, and memory. Pure.

Every figure is an estimate: counted operations over the speeds of :mod:`lipsync_colab.finish.steps`, and memory that
was seen on a CPU. They are right to about a factor of two, and in which choice is the dearer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lipsync_colab.device import Machine
from lipsync_colab.engines.registry import ENGINES, EngineInfo
from lipsync_colab.errors import InputError
from lipsync_colab.finish.catalogue import RESTORERS, UPSCALERS
from lipsync_colab.finish.framing import frame_face, output_size
from lipsync_colab.finish.steps import Geometry, Speed, Steps, choose_steps
from lipsync_colab.plan import parse_fps
from lipsync_colab.types import Portrait, RenderSettings

PROCESS_MEMORY = 850_000_000
"""Bytes of a render of a small picture, voice, landmarks and encoder included: peak resident memory, measured."""
PIXEL_MEMORY = 75
"""Bytes for each pixel of the video: the peak's growth from 256×300 to 1080 and to 2160 lines, measured."""
NETWORK_MEMORY = 1_500_000_000
"""Bytes of activations of a restorer or an upscaler's tile, on top of its weights: seen on a CPU, rounded up."""
DIFFUSION_MEMORY = 8_000_000_000
"""Bytes of the diffusion upscaler in half precision; assumed from its weights (1.7 GB) and its 128 px tiles."""
LAY_SECONDS = 0.017
"""Seconds on two cores to lay a patch into a frame of a million pixels and to encode it (``lipsync-colab bench``)."""
DRAW_SECONDS = 0.017
"""Seconds more where the embedded engine also moves the head, for a million pixels."""
UNKNOWN_PORTRAIT = (1024, 1024)
"""Size that a portrait is taken to have before there is one; its face takes 45 % of the height."""
HEADROOM = 0.9
"""Share of the free memory that a render may take."""


@dataclass(frozen=True)
class Estimate:
    """What one render would take.

    Attributes:
        once: seconds before the first frame.
        per_second: seconds of work for each second of video.
        memory: bytes of host memory.
        device_memory: bytes on the GPU; 0 without one.
        refusal: why this machine cannot run it; empty when it can.
    """

    once: float
    per_second: float
    memory: int
    device_memory: int
    refusal: str = ""

    def total(self, seconds: float) -> float:
        """Return the seconds of work for a video of that length."""
        return self.once + self.per_second * seconds


def estimate(
    settings: RenderSettings,
    machine: Machine,
    portrait: Portrait | None = None,
    obtainable: Collection[str] = (),
) -> Estimate:
    """Estimate one render.

    Args:
        settings: as chosen.
        machine: where it will run.
        portrait: the still; a usual one is assumed where there is none yet.
        obtainable: upscalers that ``auto`` may choose.

    Raises:
        InputError: a setting that no plan can carry out.
    """
    engine = ENGINES["viseme" if settings.engine == "auto" else settings.engine]
    source = portrait.size if portrait else UNKNOWN_PORTRAIT
    size = output_size(source, settings.size, settings.aspect)
    speed = Speed.of(machine.device, machine.cores, machine.torch)
    steps = choose_steps(
        _geometry(portrait, size, engine),
        speed,
        restore=settings.restore,
        upscale=settings.upscale,
        obtainable=obtainable,
    )
    host, device = _memory(engine, steps, size, machine)
    frame = steps.frame_seconds + engine.flops / speed.flops + _laying(engine, settings, size, machine)
    return Estimate(
        once=2.0 + steps.still_seconds,
        per_second=frame * float(parse_fps(settings.fps)),
        memory=host,
        device_memory=device,
        refusal=_refusal(host, device, engine, machine),
    )


def _geometry(portrait: Portrait | None, size: tuple[int, int], engine: EngineInfo) -> Geometry:
    own = engine.native[1] * engine.face_share if engine.native else 0.0
    if portrait is None:
        scale = min(size) / min(UNKNOWN_PORTRAIT)
        side = round(UNKNOWN_PORTRAIT[0] * scale)
        return Geometry(UNKNOWN_PORTRAIT, (side, side), 0.45 * side, own)
    scale = frame_face(portrait.size, portrait.face, size).scale
    width, height = portrait.size
    face = (portrait.face.box[3] - portrait.face.box[1]) * scale
    return Geometry(portrait.size, (round(width * scale), round(height * scale)), face, own)


def _laying(engine: EngineInfo, settings: RenderSettings, size: tuple[int, int], machine: Machine) -> float:
    """Seconds of a frame that no network takes."""
    moves = engine.native is None and not settings.still and settings.head_motion > 0
    seconds = LAY_SECONDS + (DRAW_SECONDS if moves else 0.0)
    return seconds * size[0] * size[1] / 1e6 * 2 / min(4, max(1, machine.cores))


def _memory(engine: EngineInfo, steps: Steps, size: tuple[int, int], machine: Machine) -> tuple[int, int]:
    """Return bytes on the host and on the GPU: the networks lie where they are computed."""
    base = PROCESS_MEMORY + PIXEL_MEMORY * size[0] * size[1]
    finishing = [name for name in (steps.restore_still, steps.restore_patch) if name in RESTORERS]
    finishing += [name for name in (steps.upscale_still, steps.upscale_patch) if name in UPSCALERS]
    networks = engine.memory if engine.needs_torch else 0
    networks += NETWORK_MEMORY if finishing else 0
    networks += DIFFUSION_MEMORY if steps.upscale_still == "sd-x4" else 0
    if machine.device == "cuda":
        # torch and its CUDA libraries alone take about 2 GB of the host.
        return base + (2_000_000_000 if networks else 0), networks
    return base + networks, 0


def _refusal(host: int, device: int, engine: EngineInfo, machine: Machine) -> str:
    if engine.needs_torch and not machine.torch:
        return "needs PyTorch: pip install 'lipsync-colab[neural]'"
    if device > HEADROOM * machine.device_memory:
        return f"needs {device / 1e9:.1f} GB of GPU memory, {machine.device_memory / 1e9:.1f} GB are free"
    if host > HEADROOM * machine.memory:
        return f"needs {host / 1e9:.1f} GB of memory, {machine.memory / 1e9:.1f} GB are free"
    return ""


def refusal_of(
    settings: RenderSettings, machine: Machine, portrait: Portrait | None = None, obtainable: Collection[str] = ()
) -> str:
    """Return why a choice cannot be made, in a few words; empty when it can."""
    try:
        return estimate(settings, machine, portrait, obtainable).refusal
    except InputError as error:
        return str(error)
