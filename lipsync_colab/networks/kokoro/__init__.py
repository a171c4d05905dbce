"""Kokoro-82M (Hexgrad, 2025): a StyleTTS 2 speech model with an iSTFTNet vocoder, written from its architecture."""
