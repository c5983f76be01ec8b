"""The reading room, where readers grade in a browser."""
