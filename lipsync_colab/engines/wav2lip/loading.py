"""The released checkpoints as networks that are ready to run."""

from __future__ import annotations

from typing import cast

from lipsync_colab import networks
from lipsync_colab.engines.wav2lip.detector import FaceFinder
from lipsync_colab.networks.s3fd import S3FD
from lipsync_colab.networks.wav2lip import Wav2Lip
from lipsync_colab.weights import load


def load_generator(row: str) -> Wav2Lip:
    """Return the generator with its released weights.

    Args:
        row: of the weights table.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
    """
    network = networks.build("wav2lip")
    load.load_into(network, row)
    return cast(Wav2Lip, network)


def load_detector(row: str, device: str) -> FaceFinder:
    """Return the S3FD detector with its released weights.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
    """
    network = networks.build("s3fd")
    load.load_into(network, row)
    return FaceFinder(cast(S3FD, network), device)
