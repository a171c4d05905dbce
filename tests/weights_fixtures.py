"""Small manifests and stores for the tests of the weights."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

from hub_server import COMMIT, HubServer

from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.manifest import Manifest, parse
from lipsync_colab.weights.store import Store
from lipsync_colab.weights.transfer import Patience

LICENCES = {
    "free": {
        "name": "MIT",
        "commercial": "yes",
        "terms": "Do what you like. Keep the notice.",
        "source": "https://a.b",
    },
    "closed": {
        "name": "Research only",
        "commercial": "no",
        "terms": "For research only. Nothing may be sold.",
        "source": "https://a.b",
    },
}
QUICK = Patience(timeout=0.5, attempts=2, pause=0)


def content_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def hub_home(repo: str = "team/model", filename: str = "model.bin", revision: str = COMMIT) -> dict[str, str]:
    return {"kind": "hub", "repo": repo, "filename": filename, "revision": revision}


def row_of(name: str, content: bytes | None, homes: list[dict[str, str]], **values: Any) -> dict[str, Any]:
    """One row of a manifest; with no content neither size nor hash are known."""
    row: dict[str, Any] = {
        "name": name,
        "engines": ["engine"],
        "size": None if content is None else len(content),
        "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
        "format": "safetensors",
        "licence": "free",
        "source": "https://example.org/maker",
        "homes": homes,
    }
    return {**row, **values}


def document_of(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"schema": 1, "licences": LICENCES, "files": list(rows)}


def manifest_of(*rows: dict[str, Any]) -> Manifest:
    return parse(document_of(*rows))


def store_of(folder: Path, hub: HubServer | None, *rows: dict[str, Any], **values: Any) -> Store:
    """A store in a folder of its own that asks a server on loopback."""
    patience = values.pop("patience", QUICK)
    endpoint = hub.endpoint if hub else "http://127.0.0.1:9"
    environment = Environment(folder / "own", folder / "hub", endpoint, **values)
    return Store(environment, manifest_of(*rows), patience)
