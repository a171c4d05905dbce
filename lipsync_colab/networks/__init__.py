"""Neural networks: tensors in, tensors out, no files, no pictures. Keys are those of the releases."""

from lipsync_colab.networks.registry import NETWORKS, build

__all__ = ["NETWORKS", "build"]
