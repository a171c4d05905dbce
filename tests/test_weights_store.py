"""The store, with the one weight that the embedded engine needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.store import Store, path_of


def test_face_landmarker_comes_out_of_a_package() -> None:
    path = path_of("face_landmarker.task")
    assert path.stat().st_size == 3758596
    assert Store().path_of("face_landmarker.task") == path


def test_offline_is_one_line(tmp_path: Path) -> None:
    environment = dataclasses.replace(Environment.read(), root=tmp_path, offline=True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE"):
        Store(environment).path_of("face_landmarker.task")
