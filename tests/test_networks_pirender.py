"""PIRenderer's network against the public implementation on rule-filled weights."""

from __future__ import annotations

import pytest
from golden import Golden

from lipsync_colab import networks

torch = pytest.importorskip("torch")

from lipsync_colab.networks.folding import fold  # noqa: E402


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("change", [lambda network: network, fold], ids=["released", "folded"])
def test_one_frame(change: object) -> None:
    golden = Golden("pirender")
    module = change(golden.load_into(networks.build("pirender")))
    coefficients = golden.tensor("driving")[:1]
    golden.check("descriptor", module.mapping_net(golden.tensor("driving")), 3e-5)
    made = module(golden.image(signed=True), coefficients)
    assert (made["flow_field"] - golden.tensor("flow")[:1]).abs().max() < 3e-4
    assert (made["warp_image"][..., ::4, ::4] - golden.tensor("warp_s")[:1]).abs().max() < 3e-4
    assert (made["fake_image"][..., ::4, ::4] - golden.tensor("fake_s")[:1]).abs().max() < 3e-4


@pytest.mark.slow
def test_a_batch_of_one_still() -> None:
    golden = Golden("pirender")
    module = fold(golden.load_into(networks.build("pirender")))
    made = module(golden.image(signed=True), golden.tensor("driving"))
    golden.check("flow", made["flow_field"], 3e-4)
    golden.check("warp_s", made["warp_image"][..., ::4, ::4], 3e-4)
    golden.check("fake_s", made["fake_image"][..., ::4, ::4], 3e-4)
    assert (made["fake_image"][:1] - golden.tensor("fake0_f16")).abs().max() < 1e-3
