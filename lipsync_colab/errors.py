"""The four things that can go wrong, each with the exit code of the command-line contract."""

from __future__ import annotations


class LipSyncError(Exception):
    """Base of every error that a person can act on: one line that names the remedy.

    Attributes:
        exit_code: what ``lipsync-colab`` exits with.
    """

    exit_code = 5


class InputError(LipSyncError):
    """The portrait, the voice or an argument cannot be used."""

    exit_code = 2


class WeightsError(LipSyncError):
    """A weight file is missing, wrong or not licensed for this use."""

    exit_code = 3


class MachineError(LipSyncError):
    """The machine cannot run it: memory, disk or device."""

    exit_code = 4


class RenderError(LipSyncError):
    """A stage failed within: ffmpeg ended early, a network gave nonsense."""

    exit_code = 5


class Cancelled(LipSyncError):
    """The person stopped the work."""

    exit_code = 130
