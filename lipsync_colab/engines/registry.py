"""Every engine by name, known without importing it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.types import Engine, RenderSettings

Variants = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Option name to its values, each with the weight rows that it adds; the first value is the default."""


@dataclass(frozen=True)
class EngineInfo:
    """What a planner, a listing and the provenance must know of an engine.

    Attributes:
        name: as in ``--engine``.
        summary: one line for people.
        entry: ``module:class``; the class is made without arguments and follows the ``Engine`` protocol.
        native: ``(width, height)`` in pixels that the engine draws itself, or None where it works at output size.
        matches_colour: whether the engine brings its patches to the still's colour itself; otherwise the pipeline does.
        face_share: height of the face in the engine's own picture, as a share of that picture's height.
        weights: rows of the weights table that every render needs.
        variants: the engine's own options and the rows that their values add.
        readers: the engine's options that take any text, each with ``module:function`` that reads it or refuses it.
        licence: of the engine with its weights.
        commercial: whether that licence allows commercial use.
        memory: bytes that the engine takes at its default batch, roughly.
        flops: floating-point operations of its networks for a frame, counted; two for a multiplication and an addition.
        cost: ``module:function`` that counts them by a render's settings, where these change them.
        needs_torch: whether PyTorch must be installed.
        chained: whether a frame follows from those before it: then one worker draws a whole clip, in order, and the
            engine is a :class:`~lipsync_colab.types.ChainedEngine`.
        expresses: what an expression tag moves; empty where the engine can show none.
    """

    name: str
    summary: str
    entry: str
    native: tuple[int, int] | None
    weights: tuple[str, ...]
    licence: str
    commercial: bool
    memory: int
    needs_torch: bool
    flops: float = 0.0
    cost: str = ""
    chained: bool = False
    face_share: float = 0.0
    matches_colour: bool = False
    expresses: str = ""
    variants: Variants = field(default_factory=dict)
    readers: Mapping[str, str] = field(default_factory=dict)

    def choice(self, settings: RenderSettings, option: str) -> str:
        """Return the value of one of the engine's own options, its default where none was given.

        Raises:
            InputError: the option does not take that value.
        """
        values = self.variants[option]
        value = settings.option(option, next(iter(values)))
        if value not in values:
            raise InputError(f"the engine {self.name} takes {option} = {' or '.join(values)}, not {value!r}")
        return value

    def check(self, settings: RenderSettings) -> None:
        """Refuse values that the engine's own options do not take.

        Raises:
            InputError: names the option and what it takes.
        """
        for option in self.variants:
            self.choice(settings, option)
        for option, entry in self.readers.items():
            _named(entry)(settings.option(option))

    def frame_flops(self, settings: RenderSettings) -> float:
        """Return the floating-point operations of the engine's networks for a frame.

        Raises:
            InputError: one of the engine's options does not take the given value.
        """
        return float(_named(self.cost)(settings)) if self.cost else self.flops

    def rows(self, settings: RenderSettings) -> tuple[str, ...]:
        """Return the weight rows that a render with these settings reads.

        Raises:
            InputError: one of the engine's options does not take the given value.
        """
        chosen = [self.variants[option][self.choice(settings, option)] for option in self.variants]
        return tuple(dict.fromkeys([*self.weights, *(row for rows in chosen for row in rows)]))


HALLO_ROWS = (
    "hallo/net.pth",
    "antelopev2/glintr100.onnx",
    "sd-vae-ft-mse/config.json",
    "sd-vae-ft-mse/diffusion_pytorch_model.safetensors",
    "wav2vec2-base-960h/config.json",
    "wav2vec2-base-960h/model.safetensors",
)
"""Denoiser, face recogniser, autoencoder and hearing."""


def _named(entry: str) -> Any:
    module, name = entry.split(":")
    return getattr(importlib.import_module(module), name)


ENGINES: dict[str, EngineInfo] = {
    info.name: info
    for info in (
        EngineInfo(
            name="viseme",
            summary="moves the portrait's own pixels by phonemes; embedded, nothing to fetch",
            entry="lipsync_colab.engines.viseme.engine:VisemeEngine",
            native=None,
            matches_colour=True,
            expresses="brows, mouth corners, lids, head and articulation",
            weights=(),
            licence="Apache-2.0",
            commercial=True,
            memory=300_000_000,
            needs_torch=False,
        ),
        EngineInfo(
            name="wav2lip",
            summary="redraws the mouth from the sound, precise lips",
            entry="lipsync_colab.engines.wav2lip.engine:Wav2LipEngine",
            native=(96, 96),
            face_share=0.9,
            matches_colour=True,
            weights=(),
            licence="Wav2Lip: research, academic and personal use only (trained on LRS2)",
            commercial=False,
            memory=1_000_000_000,
            flops=8e9,
            needs_torch=True,
            variants={
                "checkpoint": {"wav2lip": ("wav2lip.pth",), "wav2lip_gan": ("wav2lip_gan.pth",)},
                "detector": {"mesh": (), "s3fd": ("s3fd.pth",)},
            },
            readers={
                "pads": "lipsync_colab.engines.wav2lip.crop:parse_pads",
                "lag": "lipsync_colab.engines.wav2lip.windows:parse_lag",
            },
        ),
        EngineInfo(
            name="sadtalker",
            summary="moves the whole head: expression, pose and blinks",
            entry="lipsync_colab.engines.sadtalker.engine:SadTalkerEngine",
            expresses="the amounts of expression and of head motion",
            native=(256, 256),
            face_share=0.6,
            weights=(),
            licence="SadTalker: Apache-2.0, with parts of non-commercial origin; PIRenderer: CC BY-NC 4.0",
            commercial=False,
            memory=3_000_000_000,
            flops=1028e9,
            needs_torch=True,
            variants={
                "renderer": {
                    "facevid2vid": ("mapping_00109-model.pth.tar",),
                    "facevid2vid-crop": ("mapping_00229-model.pth.tar",),
                    "pirender": ("epoch_00190_iteration_000400000_checkpoint.pt",),
                },
                "head": {
                    "256": ("SadTalker_V0.0.2_256.safetensors",),
                    "512": ("SadTalker_V0.0.2_512.safetensors",),
                },
            },
            readers={
                "style": "lipsync_colab.engines.sadtalker.style:parse_style",
                "yaw": "lipsync_colab.engines.sadtalker.camera:parse_degrees",
                "pitch": "lipsync_colab.engines.sadtalker.camera:parse_degrees",
                "roll": "lipsync_colab.engines.sadtalker.camera:parse_degrees",
                "reference_pose": "lipsync_colab.engines.sadtalker.video:check_video",
                "reference_blink": "lipsync_colab.engines.sadtalker.video:check_video",
            },
        ),
        EngineInfo(
            name="audio2head",
            summary="moves the whole head by keypoints drawn from the sound",
            entry="lipsync_colab.engines.audio2head.engine:Audio2HeadEngine",
            expresses="the amounts of expression and of head motion",
            native=(256, 256),
            face_share=0.6,
            weights=("audio2head.pth.tar",),
            licence="Audio2Head: none stated, all rights reserved",
            commercial=False,
            memory=2_500_000_000,
            flops=74e9,
            needs_torch=True,
            variants={"renderer": {"fomm": ()}},
        ),
        EngineInfo(
            name="hallo",
            summary="draws the whole head anew by diffusion; minutes of a GPU for each second of video",
            entry="lipsync_colab.engines.hallo.engine:HalloEngine",
            expresses="the amounts of expression and of head motion",
            native=(512, 512),
            face_share=0.6,
            weights=HALLO_ROWS,
            licence="Hallo: MIT code, weights from Stable Diffusion 1.5 (OpenRAIL-M), a face recogniser for research",
            commercial=False,
            memory=8_000_000_000,
            cost="lipsync_colab.engines.hallo.cost:frame_flops",
            needs_torch=True,
            chained=True,
            readers={
                name: f"lipsync_colab.engines.hallo.options:parse_{name}"
                for name in ("steps", "guidance", "pose", "face", "lip")
            },
        ),
    )
}
"""Every engine, the embedded one first."""


def get_engine(name: str) -> Engine:
    """Return a new engine.

    Raises:
        InputError: no engine has that name.
        MachineError: the engine needs PyTorch and it is not installed.
    """
    if name not in ENGINES:
        raise InputError(f"no engine is called {name!r}; there are {', '.join(ENGINES)}")
    try:
        engine: Engine = _named(ENGINES[name].entry)()
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torchvision", "safetensors"):
            raise
        raise MachineError(
            f"the engine {name} needs PyTorch: pip install 'lipsync-colab[neural]', or --engine viseme"
        ) from error
    return engine
