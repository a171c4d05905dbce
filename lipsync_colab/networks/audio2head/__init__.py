"""Audio2Head's networks (Wang et al., IJCAI 2021): voice to head pose and keypoints, keypoints to frames."""
