"""The configuration of a study as a whole."""
