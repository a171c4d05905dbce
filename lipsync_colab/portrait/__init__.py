"""A picture file becomes a :class:`~lipsync_colab.types.Portrait`: decoding, faces, head pose."""

from lipsync_colab.portrait.landmarks import FaceTracker, detect
from lipsync_colab.portrait.loading import load_portrait
from lipsync_colab.portrait.picture import read_picture
from lipsync_colab.portrait.pose import HeadPose, head_pose

__all__ = ["FaceTracker", "HeadPose", "detect", "head_pose", "load_portrait", "read_picture"]
