"""Hallo (Xu et al. 2024, arXiv 2406.08801): a diffusion model draws the whole head from a picture and a voice."""
