"""Processes that work for a stage."""
