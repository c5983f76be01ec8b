"""Whom and which exam a file, a report or a reading is of, and the pseudonyms that stand for them."""
