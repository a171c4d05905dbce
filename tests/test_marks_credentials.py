"""Content Credentials: signed with a throw-away certificate, read back, and broken by any change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from material import frames_of, hopper, tone

pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

from throwaway_certificate import throwaway

from lipsync_colab.cli.main import main
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.marks import credentials
from lipsync_colab.marks.record import read_record
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.pipeline.signing import sign_video
from lipsync_colab.pipeline.verification import verify
from lipsync_colab.report.marks_row import marks_row
from lipsync_colab.types import RenderSettings


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    settings = RenderSettings(size="192x224", head_motion=0.0)
    render_video(hopper(), tone(folder / "v.wav", 0.3), folder / "out.mp4", settings)
    return folder


@pytest.fixture()
def video(rendered: Path, tmp_path: Path) -> Path:
    for name in ("out.mp4", "out.mp4.json"):
        shutil.copy(rendered / name, tmp_path / name)
    return tmp_path / "out.mp4"


def checks(video: Path) -> dict[str, bool | None]:
    return {check.what: check.holds for check in verify(video)}


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
def test_a_signed_video_is_read_back(video: Path, kind: str) -> None:
    before, record = frames_of(video), read_record(video)
    sign_video(video, throwaway(video.parent / "pki", kind))
    found = credentials.read(video)
    assert found is not None and found.intact and not found.trusted
    assert found.signer == "A test, Throw-away" and found.record == record and not found.faults
    assert (frames_of(video) == before).all() and read_record(video) == record
    held = checks(video)
    assert held["credentials"] is held["signed record"] is held["video"] is True and False not in held.values()
    assert not list(video.parent.glob("*.part"))


def test_a_changed_picture_breaks_the_signature(video: Path) -> None:
    sign_video(video, throwaway(video.parent / "pki"))
    content = bytearray(video.read_bytes())
    content[content.rindex(b"mdat") + 200] ^= 1
    video.write_bytes(content)
    video.with_name("out.mp4.json").unlink()  # the credentials alone must tell
    check = next(check for check in verify(video) if check.what == "credentials")
    assert check.holds is False and "assertion.bmffHash.mismatch" in check.said
    assert marks_row(video)["credentials"] == "broken"
    assert main(["verify", str(video)]) == 2


def test_a_changed_manifest_breaks_the_signature(video: Path) -> None:
    sign_video(video, throwaway(video.parent / "pki"))
    content = video.read_bytes()
    assert content.count(b"compositeWithTrainedAlgorithmicMedia") == 1
    video.write_bytes(
        content.replace(b"compositeWithTrainedAlgorithmicMedia", b"compositeWithUntaughtAlgorithmicMedia"[:36])
    )
    found = credentials.read(video)
    assert found is not None and not found.intact


def test_an_unsigned_video_carries_none(video: Path) -> None:
    assert credentials.read(video) is None and not credentials.carries(video)
    assert "credentials" not in checks(video) and marks_row(video)["credentials"] is None


def test_without_the_library_a_signature_is_still_noticed(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_video(video, throwaway(video.parent / "pki"))
    monkeypatch.setattr(credentials, "available", lambda: False)
    assert credentials.carries(video) and checks(video)["credentials"] is None


def test_the_missing_library_is_named(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pki = throwaway(video.parent / "pki")
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    with pytest.raises(MachineError, match=r"lipsync-colab\[c2pa\]"):
        sign_video(video, pki)


def test_what_cannot_sign_is_refused_before_any_work(video: Path, tmp_path: Path) -> None:
    one, other = throwaway(tmp_path / "one"), throwaway(tmp_path / "other")
    mixed = credentials.Credentials(one.certificate, other.key)
    with pytest.raises(InputError, match="not the one"):
        credentials.check(mixed, video)
    with pytest.raises(InputError, match="cannot be read"):
        credentials.check(credentials.Credentials(tmp_path / "none.pem", one.key), video)
    with pytest.raises(InputError, match="PEM chain"):
        credentials.check(credentials.Credentials(video, one.key), video)
    with pytest.raises(InputError, match=r"mp4 and mov"):
        credentials.check(one, tmp_path / "out.webm")
    content = video.read_bytes()
    with pytest.raises(InputError):
        sign_video(video, mixed)
    assert video.read_bytes() == content


def test_a_video_changed_before_is_not_signed(video: Path) -> None:
    video.write_bytes(video.read_bytes() + b"\0\0\0\x08free")
    with pytest.raises(InputError, match="changed since it was made"):
        sign_video(video, throwaway(video.parent / "pki"))


def test_render_signs_and_keeps_key_and_paths_to_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pki = throwaway(tmp_path / "pki")
    voice = tone(tmp_path / "v.wav", 0.2)
    words = ["render", str(hopper()), str(voice), "-o", str(tmp_path / "o.mp4"), "--size", "160x192", "--quiet"]
    assert main([*words, "--c2pa-cert", str(pki.certificate)]) == 2
    assert "go together" in capsys.readouterr().err and not (tmp_path / "o.mp4").exists()
    assert main([*words, "--c2pa-cert", str(pki.certificate), "--c2pa-key", str(pki.key)]) == 0
    assert checks(tmp_path / "o.mp4")["credentials"] is True
    written = (tmp_path / "o.mp4.json").read_text() + (tmp_path / "o.mp4").read_bytes().decode("latin-1")
    assert "key.pem" not in written and str(tmp_path) not in written and "PRIVATE" not in written
    assert json.loads((tmp_path / "o.mp4.json").read_text())["provenance"]["generated"] is True


def test_the_sign_command(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pki = throwaway(video.parent / "pki")
    assert main(["sign", str(video)]) == 2
    assert main(["sign", str(video), "--c2pa-cert", str(pki.certificate), "--c2pa-key", str(pki.key)]) == 0
    assert "is signed" in capsys.readouterr().out and checks(video)["credentials"] is True
