"""Where an archive comes from, a module a source."""
