"""Wires a plan, runs it in segments, resumes it, and publishes the video."""
