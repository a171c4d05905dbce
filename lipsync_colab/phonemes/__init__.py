"""Timed phonemes: from a text that is known, or from the sound alone."""
