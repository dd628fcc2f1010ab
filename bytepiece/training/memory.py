"""The memory that training may take."""

import os
import re
import sys
from operator import index
from pathlib import Path

from bytepiece._messages import shown
from bytepiece.errors import ArgumentError

LEAST_TEXT = 4 << 20
"""Training learns from at least this many bytes of text, even if the memory is too small."""
BESIDE = 256 << 20
"""The bytes that a process takes in addition to its text."""
_SHARE = 4
_UNKNOWN = 2 << 30
"""The bytes that training may take if the size of the machine's memory is unknown."""
_NUMBER = re.compile(r"([0-9]{1,19}|[0-9]{0,19}\.[0-9]{1,19})\s*([KMGT]?)i?B?", re.IGNORECASE)
_FACTORS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def bytes_of(size: int | str) -> int:
    """Return a size in bytes.

    Args:
        size: a number of bytes, at least 1, or a text such as "512M" or "1.5G". K, M, G and T are
            powers of 1024.

    Raises:
        ArgumentError: if it is not such a size.

    >>> bytes_of("512M"), bytes_of("1.5G"), bytes_of(1000)
    (536870912, 1610612736, 1000)
    """
    if isinstance(size, str):
        match = _NUMBER.fullmatch(size.strip())
        found = round(float(match[1]) * (1 << _FACTORS[match[2].upper()])) if match else 0
    else:
        found = 0 if isinstance(size, bool) or not hasattr(size, "__index__") else index(size)
    if not 1 <= found <= 1 << 62:
        raise ArgumentError(f'memory must be a size such as "2G" or "512M", not {shown(size)}')
    return found


def default_memory() -> int:
    """Return a quarter of the memory that this process may use, in bytes."""
    return _usable() // _SHARE


def room(memory: int, per_byte: int) -> int:
    """Return how many bytes of text fit in the memory.

    Args:
        memory: the bytes that the process may take.
        per_byte: the bytes of memory for each byte of text, its counts included.
    """
    return max(LEAST_TEXT, (memory - BESIDE) // per_byte)


def _usable() -> int:
    """Return the bytes of memory of the machine, or of the container if it has fewer."""
    sizes = [_physical() or _UNKNOWN * _SHARE]
    for name in _LIMITS:
        try:
            sizes.append(int(Path(name).read_text("ascii")))
        except (OSError, ValueError):  # there is no such limit
            continue
    return min(sizes)


def _physical() -> int | None:
    """Return the bytes of memory of the machine, or None if the system does not say."""
    if sys.platform == "win32":
        return _windows()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _windows() -> int | None:
    import ctypes  # noqa: PLC0415  # needed on Windows only

    kilobytes = ctypes.c_ulonglong()
    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009  # exists on Windows only
    if not kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)):
        return None
    return kilobytes.value << 10
