"""The web pages: who may see what, and what they send."""
