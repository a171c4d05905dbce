"""Wav2Lip inside the patch pipeline: the mouth is redrawn from the sound, everything else stays the still."""
