"""Imported last by the server that workers are forked from: freezes the objects loaded so far, so that forked workers don't scan them again."""

import gc

gc.freeze()
