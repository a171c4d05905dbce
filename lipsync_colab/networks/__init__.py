"""Neural networks: tensors in, tensors out, no files, no pictures. Keys are those of the releases."""
