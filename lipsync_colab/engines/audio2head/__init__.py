"""Audio2Head inside the patch pipeline: head pose and keypoints from the voice, drawn on the still."""
