"""Signing a finished video with the user's certificate, and keeping the JSON beside it true."""

from __future__ import annotations

import json
from pathlib import Path

from lipsync_colab.errors import InputError
from lipsync_colab.marks import credentials as content_credentials
from lipsync_colab.marks.credentials import Credentials
from lipsync_colab.marks.record import read_record
from lipsync_colab.pipeline.provenance import sidecar
from lipsync_colab.pipeline.segments import file_digest


def sign_video(video: Path, credentials: Credentials) -> None:
    """Sign a video of ours in place; the hash in the JSON beside it follows.

    Raises:
        InputError: there is no such video of ours, or it cannot be signed with these credentials.
        MachineError: ``c2pa-python`` is not installed.
    """
    if not video.is_file():
        raise InputError(f"'{video}' is no file; give the path of a video")
    record = read_record(video)
    beside = sidecar(video)
    written = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else None
    if written is not None and written.get("video_sha256") != file_digest(video):
        raise InputError(f"'{video.name}' was changed since it was made; render it again before signing")
    content_credentials.sign(video, credentials, record)
    if written is not None:
        written["video_sha256"] = file_digest(video)
        part = beside.with_name(beside.name + ".part")
        part.write_text(json.dumps(written, indent=1, sort_keys=True), encoding="utf-8")
        part.replace(beside)
