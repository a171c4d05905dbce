"""The Hugging Face Hub as a home: what the client says about a file, and its place in the client's cache."""

from __future__ import annotations

import contextlib
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.manifest import COMMIT, HubHome

ETAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,255}")
REMEDIES = {
    "GatedRepoError": "the repository is gated (403): open its page on the Hub, accept its terms there, then set "
    "HF_TOKEN to a token of that account",
    "RepositoryNotFoundError": "there is no such repository, or it is private (then set HF_TOKEN)",
    "RevisionNotFoundError": "the repository no longer has that revision",
    "EntryNotFoundError": "the repository has no such file (404)",
    "RemoteEntryNotFoundError": "the repository has no such file (404)",
    "DisabledRepoError": "the Hub has disabled the repository (403)",
    "OfflineModeIsEnabled": "HF_HUB_OFFLINE is set; unset it and try again",
}
"""What to say for each error class of the Hub's client."""


@dataclass(frozen=True)
class HubFile:
    """What the Hub says about one file.

    Attributes:
        url: where its bytes are.
        headers: to send for them.
        etag: name of its blob: the sha256 of a large file, the git hash of a small one.
        commit: 40 hex digits.
        size: bytes, or None.
    """

    url: str
    headers: dict[str, str]
    etag: str
    commit: str
    size: int | None


def describe(home: HubHome, environment: Environment, timeout: float) -> HubFile:
    """Ask the Hub about a file.

    Raises:
        WeightsError: it refuses, cannot be reached, or does not answer like a Hub.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(
        home.repo,
        home.filename,
        repo_type=home.repo_type,
        revision=home.revision or None,
        endpoint=environment.endpoint,
    )
    try:
        told = get_hf_file_metadata(url, token=environment.token, timeout=timeout)
    except Exception as error:  # the client's errors share no base class over its versions
        raise WeightsError(_remedy(error)) from error
    if told.etag is None or told.commit_hash is None:
        raise WeightsError(
            "the server does not answer like a Hub (a web page of the network's login?); open the address in a "
            "browser, or check HF_ENDPOINT"
        )
    if not ETAG.fullmatch(told.etag) or not COMMIT.fullmatch(told.commit_hash):
        raise WeightsError(f"the server names the file {told.etag!r} at {told.commit_hash!r}, which is no Hub's answer")
    return HubFile(url, build_hf_headers(token=environment.token), told.etag, told.commit_hash, told.size)


def _remedy(error: Exception) -> str:
    for kind in type(error).__mro__:
        if kind.__name__ in REMEDIES:
            return REMEDIES[kind.__name__]
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"the Hub refuses the file ({status}); set HF_TOKEN to a token that may read it"
    if status is not None:
        return f"the Hub answered with status {status}; try again later"
    return f"the Hub cannot be reached ({' '.join(str(error).split())[:160]}); check the network and try again"


class HubCache:
    """The Hub client's cache on disk: ``models--owner--name/{blobs,refs,snapshots}``.

    Attributes:
        root: the cache folder, shared with every other program that uses the Hub.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def storage(self, home: HubHome) -> Path:
        """Return the repository's folder."""
        return self.root / "--".join([f"{home.repo_type}s", *home.repo.split("/")])

    def find(self, home: HubHome) -> Path | None:
        """Return the file of the pinned revision (of the newest that is known here when none is), or None."""
        storage = self.storage(home)
        commit = home.revision
        if not commit:
            with contextlib.suppress(OSError):
                commit = (storage / "refs" / "main").read_text(encoding="utf-8").strip()
        if not COMMIT.fullmatch(commit):
            return None
        path = storage / "snapshots" / commit / home.filename
        return path if path.is_file() else None

    def part(self, home: HubHome, file: HubFile) -> Path:
        """Return where the file's bytes are collected: by its etag, so that a later run goes on with them."""
        return self.storage(home) / "blobs" / f"{file.etag}.lipsync-colab.incomplete"

    def publish(self, home: HubHome, file: HubFile, part: Path) -> Path:
        """Give a checked file its place among the blobs and its name in the snapshot, each in one step."""
        storage = self.storage(home)
        blob = storage / "blobs" / file.etag
        pointer = storage / "snapshots" / file.commit / home.filename
        pointer.parent.mkdir(parents=True, exist_ok=True)
        part.replace(blob)
        up = "../" * (len(Path(home.filename).parts) + 1)
        link = pointer.with_name(f"{pointer.name}.{uuid.uuid4().hex[:8]}")
        try:
            link.symlink_to(f"{up}blobs/{file.etag}")
            link.replace(pointer)
        except OSError:  # no symbolic links here (Windows, some mounted disks): the snapshot holds the file itself
            blob.replace(pointer)
        if not home.revision:
            (storage / "refs").mkdir(exist_ok=True)
            (storage / "refs" / "main").write_text(file.commit, encoding="utf-8")
        return pointer
