"""The objects loaded so far, frozen, so that workers don't scan them again: the server that forks them imports this last."""

import gc

gc.freeze()
