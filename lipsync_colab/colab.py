"""Google Colab: Drive, uploads, downloads, secrets; the only module that imports ``google.colab``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from lipsync_colab.errors import InputError, LipSyncError, MachineError
from lipsync_colab.panel import Studio
from lipsync_colab.panel.host import Host, LocalHost, runtime_facts
from lipsync_colab.pipeline.provenance import sidecar
from lipsync_colab.weights.store import Store

DRIVE = Path("/content/drive")
FOLDER = "MyDrive/LipSync"
WEIGHTS = f"{FOLDER}/weights"
TOKEN = "HF_TOKEN"


def on_colab() -> bool:
    """Whether this kernel is Colab's."""
    return "google.colab" in sys.modules


class ColabHost:
    """Colab's side of the panel.

    Args:
        drive: where Drive is mounted.
        content: the runtime's own disk.
    """

    name = "colab"
    takes_large_files = True
    embed = 8_000_000
    """Bytes of base64 that a Colab page still takes; a longer one stops the browser's tab."""
    hint = (
        "If the runtime is lost, run the cells again with the same portrait, voice and settings: with Drive mounted "
        "the render goes on from its last finished segment."
    )

    def __init__(self, drive: Path = DRIVE, content: Path = Path("/content")) -> None:
        self._drive = drive
        self._content = content

    @property
    def mounted(self) -> bool:
        """Whether Drive is there."""
        return (self._drive / "MyDrive").is_dir()

    @property
    def can_save(self) -> bool:
        """Whether Drive is there to save to."""
        return self.mounted

    @property
    def output_folder(self) -> Path:
        """Drive's ``LipSync`` folder when it is mounted, the runtime's disk otherwise."""
        folder = self._drive / FOLDER if self.mounted else self._content / "LipSync"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def folders(self) -> tuple[Path, ...]:
        """The working folder, the runtime's own, and Drive's ``LipSync`` folder."""
        found = (Path.cwd(), self._content, self.output_folder)
        return tuple(dict.fromkeys(folder.resolve() for folder in found))

    def facts(self) -> dict[str, str]:
        """Return device, memory, disk, Python, and where Drive stands."""
        return {**runtime_facts(self.output_folder), "Drive": "mounted" if self.mounted else "not mounted"}

    def bring_token(self) -> bool:
        """Take the Hub's token from Colab's secrets, where there is one; it is never shown. True when it is there.

        The Hub's client and our store read it from the environment, as everywhere else.
        """
        if os.environ.get(TOKEN):
            return True
        from google.colab import userdata

        try:
            token = userdata.get(TOKEN)
        except Exception:  # no such secret, or this notebook may not read it: three kinds, which differ by version
            return False
        if token:
            os.environ[TOKEN] = str(token)
        return bool(token)

    def mount(self) -> None:
        """Ask for Drive.

        Raises:
            MachineError: the person refused, or Drive could not be reached.
        """
        from google.colab import drive

        try:
            drive.mount(str(self._drive))
        except Exception as error:  # Colab raises several kinds, ValueError and MessageError among them
            raise MachineError(f"Google Drive was not mounted ({error}); videos stay on the runtime's disk") from error

    def flush(self) -> None:
        """Wait until Drive has everything."""
        from google.colab import drive

        drive.flush_and_unmount()

    def bring_weights(self) -> list[str]:
        """Copy the weights that an earlier runtime kept on Drive to this one, checked; return their names.

        Raises:
            WeightsError: a kept file is damaged.
        """
        kept = self._drive / WEIGHTS
        if not self.mounted or not kept.is_dir():
            return []
        return [fetched.row.name for fetched in Store().bring(kept)]

    def keep_weights(self) -> list[str]:
        """Copy this runtime's verified weights to Drive, so that the next one need not download them.

        Raises:
            MachineError: Drive is not mounted, is full or vanished.
        """
        if not self.mounted:
            raise MachineError("Google Drive is not mounted; run the settings cell with Drive on")
        return [row.name for row in Store().mirror(self._drive / WEIGHTS, ["all"])]

    def save(self, path: Path) -> Path:
        """Copy a file, and the record beside it, to Drive's ``LipSync`` folder.

        Raises:
            InputError: Drive is not mounted.
            MachineError: Drive is full or vanished.
        """
        if not self.mounted:
            raise InputError("Google Drive is not mounted; run the settings cell with Drive on")
        target = self._drive / FOLDER / path.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.absolute() != path.absolute():
                record = sidecar(path)
                if record.is_file():
                    _copy(record, sidecar(target))
                _copy(path, target)
        except OSError as error:
            raise MachineError(
                f"Google Drive did not take the file ({error.strerror}); free some room there"
            ) from error
        return target

    def link(self, path: Path) -> str | None:
        """Return None: Colab hands files over by a button."""
        return None

    def download(self, path: Path) -> None:
        """Hand a file to the browser."""
        from google.colab import files

        files.download(str(path))

    def receive(self) -> tuple[str, bytes] | None:
        """Ask for one file through Colab's own dialogue, which takes any size.

        Raises:
            MachineError: the dialogue broke off.
        """
        from google.colab import files

        try:
            return next(iter(files.upload().items()), None)
        except Exception as error:  # a lost connection comes as one of several kinds
            raise MachineError(f"the upload broke off ({error}); try again, or put the file on Drive") from error


def _copy(path: Path, target: Path) -> None:
    """Copy a file so that its name never stands for a half of it."""
    part = target.with_name(target.name + ".part")
    shutil.copyfile(path, part)
    part.replace(target)


def host(mount_drive: bool = False, token: bool = False) -> Host:
    """Return the host of this kernel.

    Args:
        mount_drive: on Colab, ask for Drive; a refusal is one printed line.
        token: on Colab, take the Hub's token from the secrets.
    """
    if not on_colab():
        return LocalHost()
    colab = ColabHost()
    if token and not colab.bring_token():
        print(f"no secret {TOKEN} that this notebook may read; only gated weights need it")
    if mount_drive:
        try:
            colab.mount()
            brought = colab.bring_weights()
            if brought:
                print("weights from Drive:", ", ".join(brought))
        except LipSyncError as error:
            print(error)
    return colab


def studio(mount_drive: bool = False) -> Studio:
    """Return the Studio for this kernel; as a cell's last line it shows itself."""
    return Studio(host(mount_drive))
