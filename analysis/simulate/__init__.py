"""A simulated archive: anatomy, projection, readers, files."""
