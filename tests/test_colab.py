"""Colab's side of the panel, with a stand-in for its package: Drive, weights there and back, downloads."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from lipsync_colab import colab
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.panel.host import LocalHost
from lipsync_colab.pipeline.provenance import sidecar
from lipsync_colab.weights.store import path_of


class Drive(types.ModuleType):
    """Mounts by making a folder, or refuses."""

    refuse = False
    flushed = 0

    def mount(self, place: str) -> None:
        if self.refuse:
            raise ValueError("mount failed")
        (Path(place) / "MyDrive").mkdir(parents=True)

    def flush_and_unmount(self) -> None:
        self.flushed += 1


@pytest.fixture()
def drive(monkeypatch: pytest.MonkeyPatch) -> Drive:
    """A package ``google.colab`` whose drive is a folder."""
    package, place = types.ModuleType("google.colab"), Drive("google.colab.drive")
    package.drive = place  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setitem(sys.modules, "google.colab.drive", place)
    return place


@pytest.fixture()
def host(tmp_path: Path, drive: Drive) -> colab.ColabHost:
    return colab.ColabHost(tmp_path / "drive", tmp_path / "content")


def test_without_colab_the_host_is_local() -> None:
    assert isinstance(colab.host(mount_drive=True), LocalHost)


def test_videos_go_to_drive_once_it_is_mounted(host: colab.ColabHost, tmp_path: Path) -> None:
    assert host.output_folder == tmp_path / "content" / "LipSync" and not host.can_save
    host.mount()
    assert host.output_folder == tmp_path / "drive" / "MyDrive" / "LipSync" and host.can_save


def test_a_refused_drive_is_one_line_and_no_end(host: colab.ColabHost, drive: Drive) -> None:
    drive.refuse = True
    with pytest.raises(MachineError, match="not mounted"):
        host.mount()
    assert host.output_folder.is_dir()


def test_saving_copies_whole_files_only(host: colab.ColabHost, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    video.write_bytes(b"moving")
    with pytest.raises(InputError, match="not mounted"):
        host.save(video)
    host.mount()
    sidecar(video).write_text("{}")
    saved = host.save(video)
    assert saved.read_bytes() == b"moving" and sidecar(saved).read_text() == "{}"
    assert sorted(path.name for path in saved.parent.iterdir()) == ["video.mp4", "video.mp4.json"]
    assert host.save(saved) == saved


def test_weights_go_to_drive_and_come_back_to_a_new_runtime(
    host: colab.ColabHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host.bring_weights() == []
    with pytest.raises(MachineError, match="not mounted"):
        host.keep_weights()
    content = path_of("face_landmarker.task").read_bytes()
    host.mount()
    assert "face_landmarker.task" in host.keep_weights()
    assert host.keep_weights() == []
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path / "new runtime"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "face_landmarker.task" in host.bring_weights()
    assert path_of("face_landmarker.task").read_bytes() == content


def test_leaving_waits_for_drive(host: colab.ColabHost, drive: Drive) -> None:
    host.flush()
    assert drive.flushed == 1
