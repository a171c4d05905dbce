"""The user's own packages give what our roads give, wherever they import."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from fill import fill_module
from portraits import textured

torch = pytest.importorskip("torch")

from lipsync_colab.errors import MachineError  # noqa: E402
from lipsync_colab.finish import upstream  # noqa: E402
from lipsync_colab.finish.catalogue import UPSCALERS  # noqa: E402
from lipsync_colab.finish.checkpoint import read_state  # noqa: E402
from lipsync_colab.finish.restore import SpandrelNetwork, descriptor_of  # noqa: E402
from lipsync_colab.finish.upscale import network_upscaler  # noqa: E402
from lipsync_colab.networks import build  # noqa: E402


@pytest.fixture
def packages() -> None:
    for name in ("realesrgan", "gfpgan"):
        try:
            upstream.package(name)
        except MachineError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("name", list(UPSCALERS))
def test_both_roads_enlarge_alike(name: str, packages: None, tmp_path: Path) -> None:
    entry = UPSCALERS[name]
    paths = {}
    for index, file in enumerate(file for file in (entry.weights, entry.twin) if file):
        paths[file] = tmp_path / file
        # About the size of a trained network's answer: what is clipped to black and white could hide a difference.
        state = fill_module(build(entry.network), 0.8 + 0.1 * index).state_dict()
        torch.save({"params_ema" if "rrdb" in entry.network else "params": state}, paths[file])
    ours = network_upscaler(name, denoise=0.3, read=lambda file: read_state(paths[file]))
    theirs = upstream.UpstreamUpscaler(name, list(paths.values()), denoise=0.3)
    image = textured(23, 18)
    mine, other = ours.enlarge(image).astype(int), theirs.enlarge(image).astype(int)
    assert mine.std() > 20
    assert np.abs(mine - other).max() <= 1
    assert (mine != other).mean() < 1e-3


@pytest.mark.slow
def test_both_roads_restore_alike(packages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from spandrel.architectures.GFPGAN import GFPGAN

    torch.manual_seed(0)
    module = GFPGAN()
    path = tmp_path / "GFPGANv1.4.pth"
    torch.save({"params_ema": module.state_dict()}, path)
    theirs = upstream.UpstreamFaceNetwork(path)
    ours = SpandrelNetwork(descriptor_of(read_state(path), "GFPGAN", path.name))
    face = torch.from_numpy(textured(512, 512).transpose(2, 0, 1)[None] / np.float32(127.5) - 1)
    assert float((ours(face) - theirs(face)).abs().max()) < 1e-4
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_missing_package_names_the_recipe() -> None:
    with pytest.raises(MachineError, match="pip install --no-deps realesrgan"):
        upstream.package("gfpgan_that_is_not_there")


def test_the_alias_does_not_stay() -> None:
    pytest.importorskip("torchvision")
    with pytest.raises(MachineError):
        upstream.package("not_there")
    assert upstream.MOVED not in sys.modules or upstream._exists(upstream.MOVED)
