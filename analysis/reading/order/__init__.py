"""Who reads what next, and how far everything has come."""
