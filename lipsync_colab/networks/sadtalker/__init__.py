"""SadTalker's networks (Zhang et al., CVPR 2023): voice to coefficients, coefficients to keypoints, keypoints to
frames."""
