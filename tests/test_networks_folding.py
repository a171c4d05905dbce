"""A convolution of an enlarged map computed on the small one, at every factor and at the borders."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from lipsync_colab.networks.folding import EnlargedConvolution, merge_norm  # noqa: E402


@settings(max_examples=25, deadline=None)
@given(
    factor=st.integers(2, 5),
    height=st.integers(1, 5),
    width=st.integers(1, 5),
    bias=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_equals_the_convolution_of_the_enlarged_map(
    factor: int, height: int, width: int, bias: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    convolution = torch.nn.Conv2d(3, 4, 3, padding=1, bias=bias).double()
    small = torch.randn(2, 3, height, width, dtype=torch.float64)
    large = torch.nn.functional.interpolate(small, scale_factor=factor)
    with torch.no_grad():
        assert torch.allclose(EnlargedConvolution(convolution, factor)(small), convolution(large), atol=1e-12)


def test_other_convolutions_are_refused() -> None:
    with pytest.raises(ValueError, match="3×3"):
        EnlargedConvolution(torch.nn.Conv2d(3, 4, 5, padding=2), 2)


@pytest.mark.parametrize("bias", [True, False])
def test_a_merged_norm_gives_the_same_outputs(bias: bool) -> None:
    torch.manual_seed(1)
    convolution, norm = torch.nn.Conv3d(2, 5, 3, bias=bias), torch.nn.BatchNorm3d(5).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    volume = torch.randn(1, 2, 4, 5, 6)
    with torch.no_grad():
        norm.weight.normal_()
        expected = norm(convolution(volume))
        merge_norm(convolution, norm)
        assert torch.allclose(convolution(volume), expected, atol=1e-5)


def test_a_norm_merges_into_a_transposed_convolution() -> None:
    torch.manual_seed(2)
    convolution, norm = torch.nn.ConvTranspose2d(3, 4, 3, 2, 1, 1), torch.nn.BatchNorm2d(4).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    image = torch.randn(1, 3, 5, 6)
    with torch.no_grad():
        expected = norm(convolution(image))
        merge_norm(convolution, norm)
        assert torch.allclose(convolution(image), expected, atol=1e-5)
