"""The form of the network: from images to features, heads and their losses."""
