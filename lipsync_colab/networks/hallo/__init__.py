"""Hallo (Xu et al., 2024, arXiv 2406.08801): a diffusion network that draws clips of a talking portrait."""
