"""Every network by name, known without importing torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lipsync_colab.errors import InputError, MachineError

if TYPE_CHECKING:
    from torch import nn

NETWORKS: dict[str, str] = {
    "wav2lip": "lipsync_colab.networks.wav2lip:Wav2Lip",
    "syncnet": "lipsync_colab.networks.syncnet:SyncNet",
    "syncnet-v2": "lipsync_colab.networks.syncnet_v2:SyncNetV2",
    "sadtalker.audio2exp": "lipsync_colab.networks.sadtalker.audio2exp:AudioToExpression",
    "sadtalker.audio2pose": "lipsync_colab.networks.sadtalker.audio2pose:AudioToPose",
    "sadtalker.face_3drecon": "lipsync_colab.networks.sadtalker.reconstruction:FaceReconstruction",
    "sadtalker.kp_extractor": "lipsync_colab.networks.sadtalker.keypoints:CanonicalKeypoints",
    "sadtalker.mapping": "lipsync_colab.networks.sadtalker.mapping:MotionMapping",
    "sadtalker.mapping_full": "lipsync_colab.networks.sadtalker.mapping:full_mapping",
    "sadtalker.generator": "lipsync_colab.networks.sadtalker.generator:SpadeGenerator",
    "pirender": "lipsync_colab.networks.pirender.generator:FaceGenerator",
    "audio2head.kp_detector": "lipsync_colab.networks.audio2head.keypoints:KeypointDetector",
    "audio2head.audio2pose": "lipsync_colab.networks.audio2head.audio2pose:RecurrentPose",
    "audio2head.audio2kp": "lipsync_colab.networks.audio2head.audio2kp:AudioToKeypoints",
    "audio2head.generator": "lipsync_colab.networks.audio2head.generator:OcclusionGenerator",
    "hallo": "lipsync_colab.networks.hallo.net:HalloNet",
    "kokoro": "lipsync_colab.networks.kokoro.model:Kokoro",
    "s3fd": "lipsync_colab.networks.s3fd:S3FD",
    "rrdbnet-x4": "lipsync_colab.networks.rrdbnet:rrdbnet_x4",
    "rrdbnet-x2": "lipsync_colab.networks.rrdbnet:rrdbnet_x2",
    "srvgg-x4v3": "lipsync_colab.networks.srvgg:srvgg_general",
    "srvgg-animevideov3": "lipsync_colab.networks.srvgg:srvgg_animevideo",
}
"""Name to ``module:constructor``. A constructor takes no arguments and gives a module whose
``state_dict()`` has exactly the keys of the released checkpoint."""
PACKAGES = {"torch": ("PyTorch", "neural"), "diffusers": ("diffusers", "hallo")}
"""What networks are built on: how it is called, and the extra of this package that brings it."""


def build(name: str) -> nn.Module:
    """Return a network in eval mode, without its weights.

    Args:
        name: a key of ``NETWORKS``.

    Raises:
        InputError: no network has that name.
        MachineError: a package that it is built on (PyTorch, diffusers) is not installed.
    """
    if name not in NETWORKS:
        raise InputError(f"no network is called {name!r}; there are {', '.join(sorted(NETWORKS))}")
    module, constructor = NETWORKS[name].split(":")
    try:
        built = getattr(importlib.import_module(module), constructor)()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in PACKAGES:
            raise
        package, extra = PACKAGES[missing]
        raise MachineError(f"the network {name!r} needs {package}: pip install 'lipsync-colab[{extra}]'") from error
    return built.eval()
