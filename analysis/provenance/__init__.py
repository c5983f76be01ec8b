"""What a study was made of, and the bundle that others check it by."""
