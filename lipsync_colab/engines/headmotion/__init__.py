"""What engines that redraw a moving head share: the square crop, the patch and its matte, fixed batches, loading."""
