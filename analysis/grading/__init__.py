"""Grading schemes, the reference standard and agreement between readers."""
