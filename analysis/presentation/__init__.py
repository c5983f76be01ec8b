"""Telling the study: tables, figures, values, the manuscript, and where each came from."""
