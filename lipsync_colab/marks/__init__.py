"""How a video says that it is generated: tags in the file, signed credentials, an invisible watermark."""
