"""Giving memory back that the engine touched once."""

import ctypes
import re
import sys
from pathlib import Path

_MADV_DONTNEED = 4
_ENGINE_CODE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-xp .*/_chdb[^/]*\.so")


def release_engine_code() -> int:
    """Lets go of the pages of chDB's machine code, and returns how many bytes were mapped.

    Opening the engine walks through some hundred megabytes of a 500 MB library, most of it never to run again. Code
    is only ever read, so dropping its pages loses nothing: what is called again comes back from the page cache.
    """
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    released = 0
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        if match := _ENGINE_CODE.match(line):
            start, end = int(match[1], 16), int(match[2], 16)
            if libc.madvise(start, end - start, _MADV_DONTNEED) == 0:
                released += end - start
    return released
