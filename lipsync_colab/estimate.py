"""What a render will take on a machine, before it is made: memory, disk, time, batch and tile. Pure.

The planner and the Studio read the same figures here. Memory is counted parameters and traced activations
(:mod:`lipsync_colab.network_costs`) times a margin, on top of what a process was seen to take; time is counted
operations and frames over the machine's pace, which :mod:`lipsync_colab.probe` measures and a table stands in for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from lipsync_colab.device import Machine, Pace
from lipsync_colab.engines.registry import ENGINES, EngineInfo
from lipsync_colab.errors import InputError
from lipsync_colab.finish.catalogue import RESTORERS, UPSCALERS
from lipsync_colab.finish.framing import frame_face, output_size
from lipsync_colab.finish.steps import Geometry, Speed, Steps, choose_steps
from lipsync_colab.finish.tile_size import (
    CPU_TILE_MEMORY,
    CPU_TRUNK_MEMORY,
    CUDA_SHARE,
    SRVGG_FLOATS,
    TRUNK_CONTEXT,
    TRUNK_FLOATS,
    longest_side,
)
from lipsync_colab.frame_rate import parse_fps
from lipsync_colab.network_costs import NETWORK_COSTS, NetworkCost
from lipsync_colab.types import Portrait, RenderSettings

PROCESS_MEMORY = 850_000_000
"""Bytes of a render of a small picture, voice, landmarks and encoder included: peak resident memory, measured."""
PIXEL_MEMORY = 75
"""Bytes for each pixel of the video: the peak's growth from 256×300 to 1080 and to 2160 lines, measured."""
MARGIN = 1.3
"""What activations are multiplied by: convolution libraries take working memory that no tracer sees, and allocators
round up."""
CUDA_CONTEXT = 500_000_000
"""Bytes that CUDA and its libraries take on the GPU before anything is computed; assumed."""
CUDA_HOST = 2_000_000_000
"""Bytes of host memory of torch with its CUDA libraries, seen elsewhere; assumed."""
DIFFUSION_MEMORY = 8_000_000_000
"""Bytes of the diffusion upscaler in half precision; assumed from its weights (1.7 GB) and its 128 px tiles."""
LAY_SECONDS = 0.0135
"""Seconds on two cores to lay a patch into a frame of a million pixels and to encode it: 0.33 to 0.50 s for a second
of 1080×1080 (``lipsync-colab bench``)."""
DRAW_SECONDS = 0.0085
"""Seconds more where the embedded engine also moves the head, for a million pixels: 0.50 to 1.02 s in all."""
FRAME_MEGAPIXELS = 0.18
"""What a frame costs whatever its size, in millions of pixels: from CPU seconds at 720×720 and at 1080×1080."""
ONCE_SECONDS = 3.1
"""Seconds on two cores for the process, the portrait, the rig, the encoders' start and the join."""
LISTENING = {
    "": (0.0, 0.0),
    "phonemes": (0.0, 0.0),
    "alignment": (0.7, 0.06),
    "recogniser": (2.2, 0.16),
    "sound": (0.3, 0.08),
}
"""By the source of the lips' times: seconds on two cores once, and for each second of voice (measured with
``lipsync-colab bench --estimates``)."""
UNKNOWN_PORTRAIT = (1024, 1024)
"""Size that a portrait is taken to have before there is one; its face takes 45 % of the height."""
HEADROOM = 0.9
"""Share of the free memory that a render may take."""
LONGEST = 1800.0
"""Seconds of drawing for a second of video beyond which a processor is taken only where it was asked for."""
BATCHES = {"cuda": (8, 4, 2, 1), "cpu": (4, 2, 1)}
"""Frames in one network call, the fastest first: a CPU gains nothing from more than a few."""


@dataclass(frozen=True)
class Estimate:
    """What one render would take.

    Attributes:
        once: seconds before the first frame.
        per_second: seconds of work for each second of video.
        memory: bytes of host memory.
        device_memory: bytes on the GPU; 0 without one.
        refusal: why this machine cannot run it; empty when it can.
        disk: bytes of segments and joined video together; 0 while the length is not known.
        batch: frames in one network call.
        tile: longest side of a piece of the still that is enlarged at once, in its pixels; 0 where no network does it.
        steps: the finishing steps behind the figures.
        lowered: sentences on what was made smaller to fit.
        measured: whether the machine was probed.
    """

    once: float
    per_second: float
    memory: int
    device_memory: int
    refusal: str = ""
    disk: int = 0
    batch: int = 1
    tile: int = 0
    steps: Steps = dataclasses.field(default_factory=Steps)
    lowered: tuple[str, ...] = ()
    measured: bool = False

    def total(self, seconds: float) -> float:
        """Return the seconds of work for a video of that length."""
        return self.once + self.per_second * seconds


def table_pace(machine: Machine) -> Pace:
    """Return the pace of a machine that nobody has measured."""
    scale = 2 / min(4, max(1, machine.cores))
    flops = Speed.of(machine.device, machine.cores, machine.torch).flops
    return Pace(flops, LAY_SECONDS * scale, DRAW_SECONDS * scale)


def estimate(
    settings: RenderSettings,
    machine: Machine,
    portrait: Portrait | None = None,
    obtainable: Collection[str] = (),
    seconds: float = 0.0,
    lips: str = "",
) -> Estimate:
    """Estimate one render.

    Args:
        settings: as chosen.
        machine: where it will run.
        portrait: the still; a usual one is assumed where there is none yet.
        obtainable: upscalers that ``auto`` may choose.
        seconds: length of the voice, where it is known: then the disk is looked at too.
        lips: what tells the embedded engine when the lips move, a key of :data:`LISTENING`.

    Raises:
        InputError: a setting that no plan can carry out.
    """
    engine = ENGINES["viseme" if settings.engine == "auto" else settings.engine]
    source = portrait.size if portrait else UNKNOWN_PORTRAIT
    size = output_size(source, settings.size, settings.aspect)
    pace = machine.pace or table_pace(machine)
    # What is chosen follows from the table alone: a noisy second must not change a plan, nor lose its segments.
    speed = dataclasses.replace(Speed.of(machine.device, machine.cores, machine.torch), measured=pace.flops)
    steps = choose_steps(
        geometry_of(portrait, size, engine),
        speed,
        restore=settings.restore,
        upscale=settings.upscale,
        obtainable=obtainable,
    )
    batch, host, device, lowered = _fitted(engine, settings, steps, size, machine, source)
    disk = disk_bytes(settings, size, seconds) if seconds else 0
    flops = engine.frame_flops(settings)
    frame = steps.frame_seconds + flops / pace.flops + _laying(engine, settings, size, pace)
    drawing = flops / speed.flops * float(parse_fps(settings.fps))
    refusal = _refusal(host, device, disk, engine, machine) or _patience(settings, machine, drawing)
    if refusal and settings.upscale == "auto" and steps.upscale_still != "none":
        # Our own choice gives way before the render is refused.
        others = [name for name in obtainable if name != steps.upscale_still]
        less = estimate(settings, machine, portrait, others, seconds, lips)
        told = f"still: no {steps.upscale_still}, memory does not hold it"
        return less if less.refusal else dataclasses.replace(less, lowered=(*less.lowered, told))
    scale = pace.lay / LAY_SECONDS
    listening, voice = LISTENING[lips if engine.name == "viseme" else ""]
    return Estimate(
        once=(ONCE_SECONDS + listening) * scale + steps.still_seconds,
        per_second=frame * float(parse_fps(settings.fps)) + voice * scale,
        memory=host,
        device_memory=device,
        refusal=refusal,
        disk=disk,
        batch=batch,
        tile=_tile(steps, source, _beside_process(machine, size))[0],
        steps=steps,
        lowered=lowered,
        measured=pace.probed,
    )


def geometry_of(portrait: Portrait | None, size: tuple[int, int], engine: EngineInfo) -> Geometry:
    """Return what the finishing steps must know of still, canvas and patch."""
    own = engine.native[1] * engine.face_share if engine.native else 0.0
    if portrait is None:
        scale = min(size) / min(UNKNOWN_PORTRAIT)
        side = round(UNKNOWN_PORTRAIT[0] * scale)
        return Geometry(UNKNOWN_PORTRAIT, (side, side), 0.45 * side, own)
    scale = frame_face(portrait.size, portrait.face, size).scale
    width, height = portrait.size
    face = (portrait.face.box[3] - portrait.face.box[1]) * scale
    return Geometry(portrait.size, (round(width * scale), round(height * scale)), face, own)


def _laying(engine: EngineInfo, settings: RenderSettings, size: tuple[int, int], pace: Pace) -> float:
    """Seconds of a frame that no network takes."""
    moves = engine.native is None and not settings.still and settings.head_motion > 0
    return (pace.lay + (pace.draw if moves else 0.0)) * (FRAME_MEGAPIXELS + size[0] * size[1] / 1e6)


def engine_networks(engine: EngineInfo, settings: RenderSettings) -> tuple[str, ...]:
    """Return the rows of :data:`~lipsync_colab.network_costs.NETWORK_COSTS` that an engine's render loads."""
    if engine.name == "wav2lip":
        return ("wav2lip", *(("s3fd",) if settings.option("detector") == "s3fd" else ()))
    if engine.name == "sadtalker":
        if settings.option("renderer") == "pirender":
            return ("pirender", "sadtalker-driver")
        return (f"facevid2vid-{settings.option('head', '256')}", "sadtalker-driver")
    if engine.name == "hallo":
        return ("hallo", "hallo-coder", "hallo-hearing")
    return ("fomm", "audio2head-driver") if engine.name == "audio2head" else ()


def _fitted(
    engine: EngineInfo,
    settings: RenderSettings,
    steps: Steps,
    size: tuple[int, int],
    machine: Machine,
    source: tuple[int, int],
) -> tuple[int, int, int, tuple[str, ...]]:
    """Return the largest batch that fits, host and device memory with it, and what was lowered."""
    choices = BATCHES[machine.device]
    base = _process_bytes(size)
    room = _beside_process(machine, size)
    for batch in choices:
        networks = _network_bytes(engine, settings, steps, room, batch, source)
        loading = _largest_file(engine, settings, steps) if networks else 0
        if machine.device == "cuda":
            host = base + (CUDA_HOST + loading if networks else 0)
            device = networks + CUDA_CONTEXT if networks else 0
        else:
            host, device = base + max(networks, loading), 0
        fits = host <= HEADROOM * machine.memory and device <= HEADROOM * machine.device_memory
        if fits or batch == 1:
            break
    told = f"batch {batch} rather than {choices[0]}: more frames in one call would not fit into memory"
    return batch, host, device, (told,) if batch < choices[0] and fits else ()


def _process_bytes(size: tuple[int, int]) -> int:
    """Return bytes of a render without networks."""
    return PROCESS_MEMORY + PIXEL_MEMORY * size[0] * size[1]


def _beside_process(machine: Machine, size: tuple[int, int]) -> Machine:
    """Return the machine with the memory that is free once the render itself has taken its own."""
    return dataclasses.replace(machine, memory=max(0, machine.memory - _process_bytes(size)))


def _network_bytes(
    engine: EngineInfo, settings: RenderSettings, steps: Steps, machine: Machine, batch: int, source: tuple[int, int]
) -> int:
    """Return bytes of weights and activations where networks are computed."""
    half = 2 if machine.device == "cuda" else 4
    weights = working = 0
    for name in engine_networks(engine, settings):
        cost = NETWORK_COSTS[name]
        # Half precision is for what draws frames; what reads the voice or finds the face runs in float32.
        bytes_each = half if name in FRAME_NETWORKS else 4
        frames = batch if machine.device == "cuda" or name == "wav2lip" else 1
        # One network works at a time; the weights of all of them stay.
        weights += _bytes(cost, bytes_each)
        working = max(working, _bytes(cost, bytes_each, frames) - _bytes(cost, bytes_each))
    total = weights + working
    restorers = {name for name in (steps.restore_still, steps.restore_patch) if name in RESTORERS}
    for name in restorers:
        # spandrel marks all of them as unfit for half precision.
        frames = batch if steps.restore_patch == name else 1
        total += _bytes(NETWORK_COSTS[name.removesuffix("-1.3")], 4, frames)
    _, tile_bytes = _tile(steps, source, machine)
    total += tile_bytes
    if steps.upscale_patch in UPSCALERS:
        total += min(CPU_TILE_MEMORY, _tile_room(machine, CPU_TILE_MEMORY))
    return total + (DIFFUSION_MEMORY if steps.upscale_still == "sd-x4" else 0)


FRAME_NETWORKS = ("wav2lip", "facevid2vid-256", "facevid2vid-512", "pirender", "fomm", "hallo", "hallo-coder")
"""What draws frames."""
MAPPED = ("hallo",)
"""Networks that are built of shapes alone and take their tensors from a mapped file: reading it needs no memory."""


def _bytes(cost: NetworkCost, bytes_each: int, items: int | None = None) -> int:
    """Return bytes of a network's weights, with what it holds while it works on so many items."""
    working = 0 if items is None else int(MARGIN * (cost.once + items * cost.item))
    return bytes_each * (cost.parameters + working)


def _largest_file(engine: EngineInfo, settings: RenderSettings, steps: Steps) -> int:
    """Return the bytes of host memory while a checkpoint is read: the file's tensors and the network's."""
    names = [name for name in engine_networks(engine, settings) if name not in MAPPED]
    names += [name.removesuffix("-1.3") for name in (steps.restore_still, steps.restore_patch) if name in RESTORERS]
    return max((2 * 4 * NETWORK_COSTS[name].parameters for name in names), default=0)


def _tile_room(machine: Machine, limit: int) -> int:
    """Return the bytes that tiles may take; the same rule as :class:`lipsync_colab.finish.upscale.NetworkUpscaler`."""
    if machine.device == "cuda":
        return int(machine.device_memory * CUDA_SHARE)
    return min(machine.memory // 2, limit)


def _tile(steps: Steps, source: tuple[int, int], machine: Machine) -> tuple[int, int]:
    """Return the longest side of a tile of the still's upscaler, and the bytes of its widest stage."""
    if steps.upscale_still not in UPSCALERS:
        return 0, 0
    entry = UPSCALERS[steps.upscale_still]
    trunk = entry.network.startswith("rrdbnet")
    floats, context = (TRUNK_FLOATS, TRUNK_CONTEXT) if trunk else (SRVGG_FLOATS, 34)
    each = 2 if machine.device == "cuda" else 4
    fold = 2 if entry.scale == 2 else 1
    size = (-(-source[0] // fold), -(-source[1] // fold))
    room = _tile_room(machine, CPU_TRUNK_MEMORY if trunk else CPU_TILE_MEMORY)
    side = longest_side(room, floats, context, size, each)
    width, height = (min(side + 2 * context, length) for length in size)
    stage = "rrdbnet-trunk" if trunk else entry.network
    needed = each * NETWORK_COSTS[stage].parameters + width * height * floats * each
    return side * fold, needed + min(CPU_TILE_MEMORY, room)


def _refusal(host: int, device: int, disk: int, engine: EngineInfo, machine: Machine) -> str:
    if engine.needs_torch and not machine.torch:
        return "needs PyTorch: pip install 'lipsync-colab[neural]'"
    if device > HEADROOM * machine.device_memory and device:
        return f"needs {device / 1e9:.1f} GB of GPU memory, {machine.device_memory / 1e9:.1f} GB are free"
    if host > HEADROOM * machine.memory:
        return f"needs {host / 1e9:.1f} GB of memory, {machine.memory / 1e9:.1f} GB are free"
    if disk > machine.disk:
        return f"needs about {disk / 1e6:.0f} MB of disk, {machine.disk / 1e6:.0f} MB are free"
    return ""


def _patience(settings: RenderSettings, machine: Machine, drawing: float) -> str:
    """Refuse what would take hours on a processor that nobody asked for."""
    if machine.device != "cpu" or settings.device == "cpu" or drawing <= LONGEST:
        return ""
    return (
        f"would draw for about {drawing / 360:.0f} hours at ten seconds of video on a processor; on Colab: Runtime → "
        "Change runtime type → T4 GPU, or --device cpu to do it all the same"
    )


def disk_bytes(settings: RenderSettings, size: tuple[int, int], seconds: float) -> int:
    """Return the disk space that segments and the joined file take together, on the safe side.

    At constant quality a talking still takes about 0.02 bit per pixel and second of 25 fps video in crf 18 for
    each step of 6 below crf 36; the estimate is three times what was seen.
    """
    if settings.bitrate:
        unit = {"k": 1e3, "m": 1e6}[settings.bitrate[-1].lower()]
        rate = float(settings.bitrate[:-1]) * unit
    else:
        rate = size[0] * size[1] * 5 * 2 ** ((18 - settings.crf) / 6)
    return int(2 * seconds * (rate + 200_000) / 8)


def refusal_of(
    settings: RenderSettings, machine: Machine, portrait: Portrait | None = None, obtainable: Collection[str] = ()
) -> str:
    """Return why a choice cannot be made, in a few words; empty when it can."""
    try:
        return estimate(settings, machine, portrait, obtainable).refusal
    except InputError as error:
        return str(error)
