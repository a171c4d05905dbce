"""Batches when the device's memory runs out: halved, everywhere that a network draws several frames at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from lipsync_colab.bench.renderers import filled
from lipsync_colab.device import Parts
from lipsync_colab.engines.audio2head.fomm import FirstOrderRenderer
from lipsync_colab.engines.sadtalker.facevid2vid import FaceVid2Vid
from lipsync_colab.engines.sadtalker.pirenderer import PIRenderer
from lipsync_colab.engines.wav2lip.generator import MouthGenerator
from lipsync_colab.errors import MachineError
from lipsync_colab.finish.restore import SpandrelNetwork

HEAD = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)


class FullDevice:
    """Calls something, and has no memory for more than ``most`` items; counts its calls by size."""

    def __init__(self, work: Any, most: int, argument: int) -> None:
        self._work, self._argument = work, argument
        self.most, self.sizes = most, []  # type: ignore[var-annotated]

    def __call__(self, *words: Any, **named: Any) -> Any:
        value = words[self._argument]
        size = len(next(iter(value.values())) if isinstance(value, dict) else value)
        self.sizes.append(size)
        if size > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self._work(*words, **named)


def test_a_batch_is_halved_until_it_fits_and_stays_small() -> None:
    parts, values = Parts("one number"), np.arange(8)
    device = FullDevice(lambda chosen: chosen * 2, 3, 0)
    for _ in range(2):
        assert np.array_equal(parts.draw(8, lambda part: device(values[part])), values * 2)
    assert device.sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_an_odd_batch_loses_no_item() -> None:
    parts, values = Parts("one number"), np.arange(7)
    device = FullDevice(lambda chosen: chosen, 1, 0)
    assert np.array_equal(parts.draw(7, lambda part: device(values[part])), values)


def test_one_item_that_does_not_fit_is_told_and_bugs_are_not_hidden() -> None:
    def none(part: slice) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def broken(part: slice) -> Any:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(MachineError, match="one face"):
        Parts("one face").draw(4, none)
    with pytest.raises(RuntimeError, match="shapes"):
        Parts("one face").draw(4, broken)


def wav2lip() -> tuple[Any, Any, str, int, Any]:
    crop = HEAD[:96, :96]
    drawer = MouthGenerator(filled("wav2lip"), crop)
    mel = np.random.default_rng(1).normal(0, 1, (3, 1, 80, 16)).astype(np.float32)
    return drawer, drawer._network, "decode", 0, mel


def facevid2vid() -> tuple[Any, Any, str, int, Any]:
    networks = [filled(f"sadtalker.{name}") for name in ("generator", "kp_extractor", "mapping_full")]
    drawer = FaceVid2Vid(*networks, head=HEAD, still=np.zeros(73, np.float32))
    return drawer, drawer._generator, "render", 2, np.zeros((3, 73, 27), np.float32)


def pirender() -> tuple[Any, Any, str, int, Any]:
    drawer = PIRenderer(filled("pirender"), head=HEAD)
    return drawer, drawer, "_generator", 1, np.zeros((3, 73, 27), np.float32)


def fomm() -> tuple[Any, Any, str, int, Any]:
    drawer = FirstOrderRenderer(filled("audio2head.generator"), filled("audio2head.kp_detector"), head=HEAD)
    points = np.tile(np.array([0, 0, 1, 0, 0, 1], np.float32), (3, 10, 1))
    return drawer, drawer._generator, "render", 2, points


@pytest.mark.parametrize(
    "make",
    [
        wav2lip,
        pytest.param(facevid2vid, marks=pytest.mark.slow),
        pytest.param(pirender, marks=pytest.mark.slow),
        fomm,
    ],
)
def test_an_engine_that_runs_out_of_memory_draws_the_same_frames_in_parts(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawer, owner, name, argument, batch = make()
    whole = drawer.draw(batch)
    device = FullDevice(getattr(owner, name), 1, argument)
    if isinstance(getattr(owner, name), torch.nn.Module):
        monkeypatch.delattr(owner, name)
    monkeypatch.setattr(owner, name, device, raising=False)
    parts = drawer.draw(batch)
    assert device.sizes == [3, 1, 1, 1]
    # One frame at a time may be summed in another order.
    assert whole.shape == parts.shape and np.abs(whole.astype(int) - parts).max() <= 1


def test_a_restorer_that_runs_out_of_memory_restores_the_same_faces_in_parts() -> None:
    class Model(torch.nn.Module):
        def forward(self, faces: torch.Tensor) -> tuple[torch.Tensor]:
            return (device(faces),)

    class Descriptor:
        model = Model()
        architecture = type("Architecture", (), {"id": "RestoreFormer"})

    device = FullDevice(lambda faces: faces * 0.5, 2, 0)
    faces = torch.rand(5, 3, 16, 16)
    restored = SpandrelNetwork(Descriptor())(faces)  # type: ignore[arg-type]
    assert torch.equal(restored, faces * 0.5)
    assert device.sizes == [5, 2, 2, 1]
