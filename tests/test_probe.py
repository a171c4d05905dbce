"""The probe: what it measures becomes the machine's pace, once in a process, without torch unless asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lipsync_colab import probe
from lipsync_colab.device import Machine
from lipsync_colab.estimate import DRAW_SECONDS, LAY_SECONDS, estimate, table_pace
from lipsync_colab.probe import REFERENCE_SECONDS, convolution_speed, frame_seconds, probed
from lipsync_colab.types import RenderSettings

CPU = Machine("cpu", "a processor", 2, 8 << 30, 0, 50 << 30, torch=True)


def test_the_probe_renders_and_is_kept() -> None:
    first = frame_seconds()
    assert 1e-4 <= first < 60
    assert frame_seconds() == first, "measured once in a process"


def test_a_machine_half_as_fast_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "frame_seconds", lambda: 2 * REFERENCE_SECONDS)
    machine = probed(CPU)
    assert machine.pace is not None and machine.pace.probed
    assert machine.pace.lay == pytest.approx(2 * LAY_SECONDS)
    assert machine.pace.draw == pytest.approx(2 * DRAW_SECONDS)
    assert machine.pace.flops == table_pace(CPU).flops, "torch was not asked"
    settings = RenderSettings(upscale="none")
    assert estimate(settings, machine).per_second == pytest.approx(2 * estimate(settings, CPU).per_second)
    assert estimate(settings, machine).measured and not estimate(settings, CPU).measured


def test_convolutions_are_measured_where_networks_will_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(probe, "frame_seconds", lambda: REFERENCE_SECONDS)
    monkeypatch.setattr(probe, "CONVOLUTION_SECONDS", 0.02)
    assert probed(CPU, networks=True).pace.flops == convolution_speed("cpu") > 1e6  # type: ignore[union-attr]


def test_the_probe_of_frames_loads_no_torch() -> None:
    code = (
        "import sys; from lipsync_colab.probe import probed; from lipsync_colab.device import inspect_machine;"
        "print(probed(inspect_machine('cpu')).pace.probed, 'torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.split() == ["True", "False"]
