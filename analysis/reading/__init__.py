"""The reading room: readers grade radiographs in a browser."""
