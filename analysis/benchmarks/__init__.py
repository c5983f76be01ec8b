"""How long stages take, each beside a plain way to do the same."""
