"""Golden data of the networks: the released key list, and outputs of the public implementation on filled weights.

A folder of ``tests/data/parity`` holds ``keys.json``, long ones ``keys.json.gz`` (prefix in the release's file, gain,
keys that keep the constructor's value, digest of the filling, entries ``[key, shape, dtype]`` in state-dict order), and
``io.npz``.

    net = Golden("wav2lip")
    module = net.load_into(networks.build("wav2lip"))
    net.check("out", module(mel, faces), 2e-5)
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from fill import fill_state

PARITY = Path(__file__).parent / "data" / "parity"


def read_keys(path: Path) -> Any:
    """What a JSON file holds; long lists of keys are stored compressed beside that name."""
    packed = path.with_name(path.name + ".gz")
    return json.loads(gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes())


class Golden:
    """One network's golden data.

    Attributes:
        keys: what ``keys.json`` holds.
        io: the arrays of ``io.npz`` by name.
    """

    def __init__(self, name: str) -> None:
        folder = PARITY / name
        self.keys: dict[str, Any] = read_keys(folder / "keys.json")
        with np.load(folder / "io.npz") as stored:
            self.io = dict(stored)

    @property
    def names(self) -> list[str]:
        """The released keys in order, without prefix."""
        return [entry[0] for entry in self.keys["entries"]]

    def state(self) -> dict[str, np.ndarray]:
        """The filled weights by released key."""
        kept = set(self.keys["keep_init"])
        return fill_state([entry for entry in self.keys["entries"] if entry[0] not in kept], self.keys["gain"])

    def load_into(self, module: Any) -> Any:
        """Fill a module strictly: same keys, same shapes; kept keys keep the module's own values."""
        import torch

        own, filled = module.state_dict(), self.state()
        assert sorted(own) == sorted(self.names), set(own) ^ set(self.names)
        shapes = {entry[0]: list(entry[1]) for entry in self.keys["entries"]}
        assert {key: list(value.shape) for key, value in own.items()} == shapes
        state = {key: torch.from_numpy(filled[key]) if key in filled else value for key, value in own.items()}
        module.load_state_dict(state, strict=True)
        return module.eval()

    def checkpoint(self) -> dict[str, Any]:
        """The filled weights as tensors under the release's own keys (with their prefix)."""
        import torch

        return {self.keys["prefix"] + key: torch.from_numpy(value) for key, value in self.state().items()}

    def tensor(self, name: str) -> Any:
        """A stored array as a float32 (or integer) tensor."""
        import torch

        array = self.io[name]
        return torch.from_numpy(array.astype(np.float32) if array.dtype == np.float16 else array)

    def image(self, name: str = "image", signed: bool = False) -> Any:
        """A stored uint8 (h, w, 3) picture as a tensor (1, 3, h, w) in [0, 1], or [-1, 1] when signed."""
        import torch

        array = np.atleast_1d(self.io[name])
        array = array if array.ndim == 4 else array[None]
        tensor = torch.from_numpy(array.astype(np.float32) / np.float32(255)).permute(0, 3, 1, 2).contiguous()
        return tensor * 2 - 1 if signed else tensor

    def check(self, name: str, value: Any, tolerance: float) -> None:
        """Compare with a stored output: same shape, largest difference at most ``tolerance``."""
        found = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
        expected = self.io[name]
        assert found.shape == expected.shape, (name, found.shape, expected.shape)
        error = np.abs(found.astype(np.float64) - expected.astype(np.float64))
        histogram = np.percentile(error, [50, 90, 99, 100])
        assert error.max() <= tolerance, f"{name}: percentiles 50, 90, 99, 100 of |difference|: {histogram}"
