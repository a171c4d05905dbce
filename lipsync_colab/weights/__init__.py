"""The weights store: a manifest of checksummed files, and where they come from."""
