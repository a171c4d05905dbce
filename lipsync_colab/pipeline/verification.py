"""Whether a video is still what its own record says: every hash of the record is worked out again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError
from lipsync_colab.marks import credentials
from lipsync_colab.marks.names import DECODER, ENCODER
from lipsync_colab.marks.record import read_record
from lipsync_colab.pipeline.provenance import sidecar
from lipsync_colab.pipeline.segments import file_digest
from lipsync_colab.report.watermark_row import watermark_of
from lipsync_colab.types import plan_digest
from lipsync_colab.weights.store import Store


@dataclass(frozen=True)
class Check:
    """One statement of the record.

    Attributes:
        what: was looked at.
        holds: whether it is so; None where it could not be looked at.
        said: in a few words.
    """

    what: str
    holds: bool | None
    said: str


def verify(video: Path, portrait: Path | None = None, voice: Path | None = None) -> list[Check]:
    """Hold a video against its record: the tags in the file, the JSON beside it, the plan, the weights, the inputs.

    Args:
        video: a file of ours.
        portrait: the picture that it is said to be made of, to be hashed too.
        voice: the sound likewise.

    Raises:
        InputError: there is no such file, or it carries no record.
    """
    record = read_record(video)
    beside = _read_sidecar(sidecar(video))
    checks = [Check("mark", record.get("generated") is True, "the file says that it is generated")]
    checks += _beside_checks(video, record, beside)
    checks += _credential_checks(video, record)
    checks += _watermark_checks(video, record)
    for name, path in (("portrait", portrait), ("speech", voice)):
        checks.append(_input_check(name, path, record))
    checks += _weight_checks(record, beside or {})
    return checks


def _read_sidecar(path: Path) -> dict[str, Any] | None:
    try:
        beside = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return beside if isinstance(beside, dict) else None


def _beside_checks(video: Path, record: dict[str, Any], beside: dict[str, Any] | None) -> Iterator[Check]:
    if beside is None:
        yield Check("record beside", None, f"no readable {sidecar(video).name}: picture and plan cannot be checked")
        return
    same = beside.get("provenance") == record
    yield Check("record beside", same, "says the same as the file" if same else "differs from the one in the file")
    plan = beside.get("plan")
    right = isinstance(plan, dict) and plan_digest(plan) == record.get("plan")
    yield Check("plan", right, "gives the recorded digest" if right else "is not the one that was rendered")
    whole = file_digest(video) == beside.get("video_sha256")
    yield Check("video", whole, "unchanged since it was made" if whole else "changed since it was made")


def _credential_checks(video: Path, record: dict[str, Any]) -> Iterator[Check]:
    """Yield a check of Content Credentials where the file carries some and they can be read here."""
    if not credentials.available():
        if credentials.carries(video):
            yield Check("credentials", None, "signed; pip install 'lipsync-colab[c2pa]' to check it")
        return
    found = credentials.read(video)
    if found is None:
        return
    if not found.intact:
        yield Check("credentials", False, f"changed since it was signed ({', '.join(found.faults) or 'invalid'})")
        return
    trust = "a trusted signer" if found.trusted else "nobody vouches for the signer"
    yield Check("credentials", True, f"signed by {found.signer} ({trust})")
    same = found.record == record
    yield Check("signed record", same, "says the same as the file" if same else "differs from the one in the file")


def _watermark_checks(video: Path, record: dict[str, Any]) -> Iterator[Check]:
    """Yield a check of the invisible mark where the record names the network that draws it."""
    if ENCODER not in record.get("weights", []):
        return
    found = watermark_of(video, fetch=True)
    if found is None:
        yield Check("watermark", None, f"lipsync-colab weights fetch {DECODER} to read it")
        return
    yield Check("watermark", found.present, f"{found.agree} of 32 bits")


def _input_check(name: str, path: Path | None, record: dict[str, Any]) -> Check:
    if path is None:
        return Check(name, None, f"give --{'portrait' if name == 'portrait' else 'voice'} FILE to check it")
    if not path.is_file():
        raise InputError(f"'{path}' is no file; give the {name}'s path")
    recorded = record.get(f"{name}_sha256")
    # A video of several scenes has one of each for every scene.
    same = file_digest(path) in (recorded if isinstance(recorded, list) else [recorded])
    return Check(name, same, f"'{path.name}' is the one" if same else f"'{path.name}' is not the one")


def _weight_checks(record: dict[str, Any], beside: dict[str, Any]) -> Iterator[Check]:
    """Yield one check for each recorded weight: the file on this machine has the recorded hash."""
    recorded = {row["name"]: row for row in beside.get("weights", []) if isinstance(row, dict) and "name" in row}
    store = Store()
    for name in record.get("weights", []):
        if name not in store.manifest.rows:
            yield Check(name, None, "not in this version's table of weights")
            continue
        findings = store.verify([name])
        if not findings:
            yield Check(name, None, "not on this machine")
            continue
        expected = recorded.get(name, {}).get("sha256")
        right = all(finding.found == expected if expected else finding.right for finding in findings)
        yield Check(name, right, "has the recorded hash" if right else "has another hash")
