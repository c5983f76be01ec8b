"""A trained network by itself: its folder, what it should not be trusted on, and other studies' networks."""
