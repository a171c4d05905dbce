"""Hallo's counted operations: the committed figures against what is counted now, at full size on shapes alone."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from lipsync_colab.bench.hallo import attention_in_one_piece, counted, empty  # noqa: E402
from lipsync_colab.engines.hallo import cost  # noqa: E402
from lipsync_colab.types import RenderSettings  # noqa: E402


@pytest.mark.slow
def test_the_committed_operations_hold() -> None:
    found = counted()
    # Another torch may take an operation apart differently.
    assert {name: getattr(cost, name) for name in found} == pytest.approx(found, rel=0.01)


def test_a_frame_costs_what_its_options_ask_for() -> None:
    plain = cost.frame_flops(RenderSettings())
    assert 0.99 * 40 * cost.GUIDED_STEP / 16 < plain - cost.DECODED < 1.01 * 40 * cost.GUIDED_STEP / 16
    once = cost.frame_flops(RenderSettings(options=(("guidance", "1"), ("steps", "1"))))
    assert once == pytest.approx((cost.STEP + cost.MEMORY + 2 * cost.ENCODED) / 16 + cost.DECODED + cost.HEARD)


def test_attention_in_one_piece_has_its_shape_and_ends_with_the_block() -> None:
    query, key, value = empty(2, 3, 5, 4), empty(2, 3, 7, 4), empty(2, 3, 7, 6)
    plain = torch.nn.functional.scaled_dot_product_attention
    with attention_in_one_piece():
        found = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    assert found.shape == plain(query, key, value).shape == (2, 3, 5, 6)
    assert torch.nn.functional.scaled_dot_product_attention is plain
