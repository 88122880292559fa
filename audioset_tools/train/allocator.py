"""Keep glibc from handing memory back to the kernel between training steps.

By default it maps every large tensor anew and unmaps it afterwards, so that each step faults in gigabytes of
fresh pages: docs/train.md has the figures.
"""

import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Parameters of `mallopt`, from glibc's malloc.h."""


def keep_memory() -> None:
    """Make this process keep the memory it frees; without glibc there is nothing to do."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(M_TOP_PAD, 256 * 2**20)
