"""A still portrait and a voice go in, a talking video at 1080p or more comes out."""

from lipsync_colab.version import __version__

__all__ = ["__version__"]
