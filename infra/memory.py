"""Memory that the allocator keeps."""

import ctypes
import sys


def release_free_memory() -> None:
    """Give free memory back to the system.

    glibc keeps what was freed inside its heap. Loading a model leaves much of that: copies of weights in other formats.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
