"""The Wav2Lip engine: one face box, one face encoding, then a batch of mouths at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.engines.wav2lip.colour import SeamMatch
from lipsync_colab.engines.wav2lip.crop import FaceCrop, parse_pads
from lipsync_colab.engines.wav2lip.gate import mouth_gate
from lipsync_colab.engines.wav2lip.generator import MouthGenerator
from lipsync_colab.engines.wav2lip.loading import load_detector, load_generator
from lipsync_colab.engines.wav2lip.mask import mouth_mask
from lipsync_colab.engines.wav2lip.windows import MelWindows, parse_lag
from lipsync_colab.errors import InputError
from lipsync_colab.networks.wav2lip import Wav2Lip
from lipsync_colab.types import Array, FrameStream, Image, Patch, Patches, Portrait, RenderPlan, Speech

RATE = 16_000


class Wav2LipEngine:
    """Redraws the mouth from the sound.

    Options of a plan (``RenderSettings.options``): ``checkpoint`` (``wav2lip`` or ``wav2lip_gan``), ``detector``
    (``mesh`` or ``s3fd``), ``pads`` (top,bottom,left,right in percent of the face's box), ``lag`` (seconds by which
    mouths come later than in the release).

    Args:
        load: gives the generator of a row of the weights table; the store's own by default.
    """

    def __init__(self, load: Callable[[str], Wav2Lip] = load_generator) -> None:
        self._load = load

    def animate(self, portrait: Portrait, speech: Speech, plan: RenderPlan, start: int = 0) -> FrameStream[Patches]:
        """Yield the patches of frames ``start`` to ``plan.frames - 1``; a frame in silence has none.

        Args:
            portrait: the finished still with the face's landmarks on it.
            speech: mono at 16 kHz.
            plan: frame rate, device, batch and the engine's options.
            start: first frame.

        Raises:
            InputError: an option has no such value, or S3FD does not find the face.
            WeightsError: the checkpoint is missing, or its licence has not been accepted.
        """
        if speech.rate != RATE:
            raise ValueError(f"Wav2Lip hears {RATE} Hz, not {speech.rate}")
        settings, info = plan.settings, ENGINES["wav2lip"]
        pads = parse_pads(settings.option("pads"))
        windows = MelWindows(speech.samples, plan.rate, parse_lag(settings.option("lag")))
        checkpoint, detector = (info.choice(settings, option) for option in ("checkpoint", "detector"))
        network = self._load(info.variants["checkpoint"][checkpoint][0])
        if detector == "s3fd":
            finder = load_detector(info.variants["detector"]["s3fd"][0], plan.device)
            crop = FaceCrop.of_box(finder.crop_box(portrait, pads))
        else:
            crop = FaceCrop.of_face(portrait.face, pads)
        mouth = Mouth.on(portrait, crop)
        generator = MouthGenerator(network, mouth.still, plan.device, plan.dtype)
        clip = Clip(generator, mouth, windows, mouth_gate(speech, plan.rate, plan.frames))
        return FrameStream(clip.frames(plan.batch, start), plan.size, plan.rate, plan.frames)


@dataclass(frozen=True, eq=False)
class Mouth:
    """Everything about the mouth's place that does not change.

    Attributes:
        still: uint8 (96, 96, 3) RGB: the crop of the still.
        box: the part of the crop that the mask leaves, with a border of 0: left, top, right, bottom.
        transform: float32 (2, 3), the part's pixels to still pixels.
        mask: float32, of the part, in [0, 1].
        seam: matches colours in the mask's feather.
    """

    still: Image
    box: tuple[int, int, int, int]
    transform: Array
    mask: Array
    seam: SeamMatch

    @classmethod
    def on(cls, portrait: Portrait, crop: FaceCrop) -> Mouth:
        """Cut the crop out of a portrait and draw the mask on it.

        Raises:
            InputError: the crop shows no mouth.
        """
        still = crop.cut(portrait.image)
        mask = mouth_mask(portrait.face, crop)
        rows, columns = np.nonzero(mask)
        if not len(rows):
            raise InputError("the padded box shows no mouth; give smaller pads")
        left, top = int(columns.min()) - 1, int(rows.min()) - 1
        right, bottom = int(columns.max()) + 2, int(rows.max()) + 2
        transform = crop.transform.copy()
        transform[:, 2] += crop.transform[:, :2] @ (left, top)
        part = mask[top:bottom, left:right]
        seam = SeamMatch(still[top:bottom, left:right], part)
        return cls(still, (left, top, right, bottom), transform, part, seam)

    def patches(self, drawn: Image, share: float) -> Patches:
        """Return one frame's patch.

        Args:
            drawn: uint8 (96, 96, 3) RGB from the network.
            share: the network's share in [0, 1]; at 0 there is no patch and the still shows.
        """
        if share <= 0:
            return ()
        left, top, right, bottom = self.box
        pixels = self.seam.apply(drawn[top:bottom, left:right])
        return (Patch(pixels, self.transform, self.mask * np.float32(share)),)


@dataclass(frozen=True, eq=False)
class Clip:
    """What one render draws its patches from.

    Attributes:
        generator: bound to the still.
        mouth: where the mouth lies.
        windows: what each frame hears.
        gate: float32 (frames,), the network's share at each frame.
    """

    generator: MouthGenerator
    mouth: Mouth
    windows: MelWindows
    gate: Array

    def frames(self, batch: int, start: int) -> Iterator[Patches]:
        """Yield the patches from frame ``start`` on.

        Batches lie on a fixed grid and are always full, so that no frame depends on where the stream began.
        """
        for first in range(start - start % batch, len(self.gate), batch):
            shares = self.gate[first : first + batch]
            drawn = self.generator.draw(self.windows.stack(first, batch)) if shares.any() else None
            for offset in range(max(start - first, 0), len(shares)):
                yield () if drawn is None else self.mouth.patches(drawn[offset], float(shares[offset]))
