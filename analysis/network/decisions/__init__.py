"""What single decisions rest on: attributions, and parts of the image hidden."""
