"""Memory that is free, back to the system while new knees are graded."""

from __future__ import annotations

import ctypes
import sys

#: Batches after which it is given back. The next ones wait for it to be cleared anew, which after every 32nd took less than
#: timing varies.
EVERY = 32


def give_back() -> None:
    """Give the memory that is free, gaps within what is in use included, back to the system.

    `keep_memory` keeps it for the next batch, which is faster; but the blocks of batches differ in size, so that gaps add
    up as thousands of files are graded. Does nothing where the C library is another than glibc.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
