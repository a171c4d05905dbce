"""Audio2Head's networks against the public implementation on rule-filled weights."""

from __future__ import annotations

import numpy as np
import pytest
from golden import Golden

from lipsync_colab import networks

torch = pytest.importorskip("torch")

from lipsync_colab.networks.folding import fold  # noqa: E402

FORMS = pytest.mark.parametrize("change", [lambda network: network, fold], ids=["released", "folded"])


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.inference_mode():
        yield


def loaded(name: str) -> tuple[Golden, torch.nn.Module]:
    golden = Golden(f"audio2head/{name}")
    return golden, golden.load_into(networks.build(f"audio2head.{name}"))


@FORMS
def test_keypoints_of_a_picture(change: object) -> None:
    golden, module = loaded("kp_detector")
    golden.check("down_weight", module.down.weight, 1e-7)
    golden.check("down", module.down(golden.image()), 1e-5)
    found = change(module)(golden.image())
    golden.check("value", found["value"], 2e-5)
    golden.check("jacobian", found["jacobian"], 2e-5)


@FORMS
def test_pose(change: object) -> None:
    golden, module = loaded("audio2pose")
    golden.check("pose", change(module)(golden.image(), golden.tensor("audio")), 1e-4)


@FORMS
def test_frame(change: object) -> None:
    golden, module = loaded("generator")
    source = {"value": golden.tensor("kp_source"), "jacobian": golden.tensor("jac_source")}
    driving = {"value": golden.tensor("kp_driving"), "jacobian": golden.tensor("jac_driving")}
    module = change(module)
    still = module.encode(golden.image())
    deformation, occlusion = module.dense_motion_network(still.small, source, driving)
    golden.check("deformation", deformation, 5e-5)
    golden.check("occlusion", occlusion, 5e-5)
    frame = module.render(still, source, driving)
    golden.check("prediction_s", frame[..., ::4, ::4], 5e-5)
    assert (frame - golden.tensor("prediction_f16")).abs().max() < 5e-4


@pytest.mark.slow
@FORMS
def test_keypoints_of_a_window(change: object) -> None:
    golden, module = loaded("audio2kp")
    lines = np.unpackbits(golden.io["pose_packed"]).reshape(1, 64, 256, 256).astype(np.float32)
    pose = torch.from_numpy(lines * float(golden.io["pose_value"]))
    found = change(module)(golden.tensor("audio"), pose, golden.image())
    golden.check("value", found["value"], 1e-3)
    golden.check("jacobian", found["jacobian"], 1e-2)
