"""Memory while new knees are graded."""

import ctypes
import sys

import numpy as np
import psutil
import pytest

from analysis.inference.memory import give_back
from analysis.network.devices import keep_memory


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library isn't glibc"
)
def test_gaps_within_what_is_in_use_are_given_back():
    keep_memory()
    blocks = [np.ones(1 << 17) for _ in range(100)]  # of a megabyte
    del blocks[::2]
    held = psutil.Process().memory_info().rss
    give_back()
    assert held - psutil.Process().memory_info().rss > 30e6
