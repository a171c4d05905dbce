"""Which finishing steps are worth doing for one geometry, on one machine, in one budget of time. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lipsync_colab.finish.catalogue import FACE_SIZE, RESTORERS, UPSCALERS

CPU_CORE_SPEED = 75e9
"""FLOP/s of convolutions on one AVX2 core in float32, the slower end of what was measured (75 to 140)."""
CUDA_SPEED = 10e12
"""FLOP/s of convolutions on a T4 in float16: assumed, a sixth of its peak of 65; not measured."""
STILL_SECONDS = 90.0
"""Default budget of ``--upscale auto`` for the still, which is finished once."""
FRAME_SECONDS = 2.0
"""Default budget of what ``--upscale auto`` may add to each frame."""
GAIN = 1.15
"""A picture that is enlarged less than this shows no difference between networks and Lanczos."""
TEMPLATE_FACE_HEIGHT = 330.0
"""Height of a mean face's landmarks in the restorers' 512 pixel square."""
PATCH_CONTEXT = 1.6
"""Area of a patch with its context around it, in squares of the face's height."""
ROOT = "pip install 'lipsync-colab[enhance]'"


@dataclass(frozen=True)
class Geometry:
    """What decides whether a step can be seen.

    Attributes:
        source: ``(w, h)`` of the portrait's picture.
        canvas: ``(w, h)`` that this whole picture takes on the canvas, before anything is cut off.
        face_height: of the face on the canvas in pixels.
        patch_face_height: of the face as the engine draws it, in the patch's own pixels; 0 when the engine moves the
            canvas's own pixels and loses nothing.
    """

    source: tuple[int, int]
    canvas: tuple[int, int]
    face_height: float
    patch_face_height: float = 0.0

    @property
    def scale(self) -> float:
        """Canvas pixels for one source pixel."""
        return max(self.canvas[0] / self.source[0], self.canvas[1] / self.source[1])


@dataclass(frozen=True)
class Speed:
    """What the machine does.

    Attributes:
        device: ``"cpu"`` or ``"cuda"``.
        flops: floating-point operations in a second.
        torch: whether torch and spandrel are there.
        measured: what this very machine was seen to do, for the times that are told; 0 when nobody looked. Choices
            follow from ``flops``, so that they are the same on every run.
    """

    device: str
    flops: float
    torch: bool = True
    measured: float = 0.0

    def seconds(self, flops: float) -> float:
        """Return how long so many operations take here."""
        return flops / (self.measured or self.flops)

    @classmethod
    def of(cls, device: str, cores: int = 1, torch: bool = True) -> Speed:
        """Return the table's speed of a device."""
        return cls(device, CUDA_SPEED if device == "cuda" else CPU_CORE_SPEED * max(1, cores), torch)


@dataclass(frozen=True)
class Steps:
    """What will be done, and why.

    Attributes:
        restore_still: restorer of the still, or ``"none"``.
        upscale_still: upscaler of the still, or ``"none"`` (plain Lanczos).
        still_scale: how many times the still is enlarged.
        restore_patch: restorer of each frame's patch, or ``"none"``.
        upscale_patch: upscaler of each frame's patch, or ``"none"``.
        patch_scale: how many times each patch is enlarged.
        still_seconds: estimate for the still.
        frame_seconds: estimate for each frame.
        reasons: one sentence for each choice.
    """

    restore_still: str = "none"
    upscale_still: str = "none"
    still_scale: float = 1.0
    restore_patch: str = "none"
    upscale_patch: str = "none"
    patch_scale: float = 1.0
    still_seconds: float = 0.0
    frame_seconds: float = 0.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One step: what runs, how long it takes in seconds, and the sentence that says why."""

    name: str
    seconds: float
    reason: str


def choose_steps(
    geometry: Geometry,
    speed: Speed,
    *,
    restore: str = "none",
    upscale: str = "auto",
    obtainable: Collection[str] = tuple(UPSCALERS),
    still_seconds: float = STILL_SECONDS,
    frame_seconds: float = FRAME_SECONDS,
) -> Steps:
    """Decide each finishing step.

    Args:
        geometry: sizes of still, canvas and patch.
        speed: of the machine.
        restore: what was asked by ``--restore``.
        upscale: what was asked by ``--upscale``.
        obtainable: upscalers whose weights are here or can be fetched without asking anybody.
        still_seconds: what ``auto`` may spend on the still.
        frame_seconds: what ``auto`` may spend on enlarging each frame's patch.
    """
    still = _still_upscaler(geometry, speed, upscale, obtainable, still_seconds)
    face = _still_restorer(restore, speed)
    frame_face = _patch_restorer(geometry, speed, restore)
    own = _own_height(geometry, frame_face.name)
    patch = _patch_upscaler(geometry, speed, upscale, obtainable=obtainable, own=own, budget=frame_seconds)
    choices = (still, face, frame_face, patch)
    return Steps(
        restore_still=face.name,
        upscale_still=still.name,
        still_scale=geometry.scale,
        restore_patch=frame_face.name,
        upscale_patch=patch.name,
        patch_scale=geometry.face_height / own if patch.name != "none" else 1.0,
        still_seconds=still.seconds + face.seconds,
        frame_seconds=frame_face.seconds + patch.seconds,
        reasons=tuple(choice.reason for choice in choices if choice.reason),
    )


def _still_upscaler(geometry: Geometry, speed: Speed, asked: str, obtainable: Collection[str], budget: float) -> Choice:
    width, height = geometry.source
    if geometry.scale < GAIN:
        why = f"the portrait has {width}×{height} pixels and shows at {geometry.canvas[0]}×{geometry.canvas[1]}"
        return Choice("none", 0, f"still: no super-resolution, {why}")
    if asked != "auto":
        return _asked_upscaler(asked, width * height, speed)
    if not speed.torch:
        return Choice("none", 0, f"still: enlarged {geometry.scale:.1f} times by Lanczos; for sharper: {ROOT}")
    names = [name for name in _ranked(obtainable) if UPSCALERS[name].photographs]
    costs = {name: UPSCALERS[name].flops * width * height for name in names}
    for name, flops in costs.items():
        if flops / speed.flops <= budget:
            seconds = speed.seconds(flops)
            reason = f"still: {name}, about {seconds:.0f} s here once (within {budget:.0f} s), then kept"
            return Choice(name, seconds, reason)
    if not costs:
        return Choice("none", 0, "still: enlarged by Lanczos, no weights for photographs can be had")
    name, flops = min(costs.items(), key=lambda item: item[1])
    seconds = speed.seconds(flops)
    why = f"even {name} would take about {seconds:.0f} s, more than {budget:.0f} s; name one by --upscale to have it"
    return Choice("none", 0, f"still: enlarged by Lanczos, {why}")


def _asked_upscaler(asked: str, pixels: int, speed: Speed) -> Choice:
    if asked not in UPSCALERS:
        return Choice(asked, 0, f"still: {asked}, as asked")
    seconds = speed.seconds(UPSCALERS[asked].flops * pixels)
    return Choice(asked, seconds, f"still: {asked}, as asked, about {seconds:.0f} s here once, then kept")


def _ranked(names: Collection[str]) -> list[str]:
    """Return the known upscalers, the best first."""
    known = [name for name in UPSCALERS if name in names]
    return sorted(known, key=lambda name: -UPSCALERS[name].quality)


def _still_restorer(restore: str, speed: Speed) -> Choice:
    if restore == "none":
        return Choice("none", 0, "")
    seconds = speed.seconds(RESTORERS[restore].flops)
    return Choice(restore, seconds, f"still: face restored once by {restore}, before it is enlarged")


def _patch_restorer(geometry: Geometry, speed: Speed, restore: str) -> Choice:
    if restore == "none":
        return Choice("none", 0, "")
    if geometry.patch_face_height == 0:
        return Choice("none", 0, f"frames: no {restore}, the engine moves the restored still's own pixels")
    if geometry.patch_face_height >= max(geometry.face_height, TEMPLATE_FACE_HEIGHT):
        have = f"the engine's face is {geometry.patch_face_height:.0f} px high and shows at {geometry.face_height:.0f}"
        return Choice("none", 0, f"frames: no {restore}, {have}")
    seconds = speed.seconds(RESTORERS[restore].flops)
    why = f"the engine's face is {geometry.patch_face_height:.0f} px high"
    return Choice(restore, seconds, f"frames: {restore} at {FACE_SIZE} px, about {seconds:.1f} s each; {why}")


def _own_height(geometry: Geometry, restorer: str) -> float:
    """Return the height of the face in the patch that goes to the canvas, in its own pixels."""
    if geometry.patch_face_height == 0:
        return geometry.face_height
    return geometry.patch_face_height if restorer == "none" else TEMPLATE_FACE_HEIGHT


def _patch_upscaler(
    geometry: Geometry, speed: Speed, asked: str, *, obtainable: Collection[str], own: float, budget: float
) -> Choice:
    times = geometry.face_height / own
    if times < 1 / 0.7 or asked in ("none", "sd-x4") or not speed.torch:
        # A face drawn at 70 % of what is shown is as sharp as skin in a compressed video is.
        covered = "" if geometry.patch_face_height == 0 else f"frames: no upscaler, the patch covers {1 / times:.0%}"
        return Choice("none", 0, covered if times < 1 / 0.7 else "")
    names = _ranked(obtainable) if asked == "auto" else [asked]
    costs = {name: UPSCALERS[name].flops * PATCH_CONTEXT * own**2 for name in names}
    for name, flops in costs.items():
        if asked != "auto" or flops / speed.flops <= budget:
            seconds = speed.seconds(flops)
            reason = f"frames: {name} on the patch alone, {times:.1f} times, about {seconds:.2f} s each"
            return Choice(name, seconds, reason)
    return Choice("none", 0, f"frames: the patch is enlarged {times:.1f} times by interpolation, no time for a network")
