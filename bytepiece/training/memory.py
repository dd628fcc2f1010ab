"""How much memory training may take."""

import os
import re
import sys
from operator import index
from pathlib import Path

from bytepiece.errors import ArgumentError

LEAST_TEXT = 4 << 20
"""Bytes of text that are learned from in however little memory."""
BESIDE = 256 << 20
"""Bytes that a process takes beside what the text takes."""
_SHARE = 4
_UNKNOWN = 2 << 30
"""Bytes that training may take where nobody says how many the machine has."""
_NUMBER = re.compile(r"([0-9]{1,19}|[0-9]{0,19}\.[0-9]{1,19})\s*([KMGT]?)i?B?", re.IGNORECASE)
_FACTORS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def bytes_of(size: int | str) -> int:
    """A size in bytes, given as a number, or in words.

    Args:
        size: 1 or more; such as 2000000000, "512M", "1.5G"; K, M, G and T are powers of 1024.

    Raises:
        ArgumentError: it is no such size.

    >>> bytes_of("512M"), bytes_of("1.5G"), bytes_of(1000)
    (536870912, 1610612736, 1000)
    """
    if isinstance(size, str):
        match = _NUMBER.fullmatch(size.strip())
        found = round(float(match[1]) * (1 << _FACTORS[match[2].upper()])) if match else 0
    else:
        found = 0 if isinstance(size, bool) or not hasattr(size, "__index__") else index(size)
    if not 1 <= found <= 1 << 62:
        raise ArgumentError(f'memory must be a size such as "2G" or "512M", not {size!r:.30}')
    return found


def sensible() -> int:
    """A quarter of the memory that this process may use, in bytes."""
    return _usable() // _SHARE


def room(memory: int, per_byte: int) -> int:
    """How many bytes of text fit in so much memory.

    Args:
        memory: that the process may take, in bytes.
        per_byte: bytes that each byte of text takes, with what is counted in it.
    """
    return max(LEAST_TEXT, (memory - BESIDE) // per_byte)


def _usable() -> int:
    """The bytes of memory of the machine, or of the container if it has fewer."""
    sizes = [_physical() or _UNKNOWN * _SHARE]
    for name in _LIMITS:
        try:
            sizes.append(int(Path(name).read_text("ascii")))
        except (OSError, ValueError):  # no such limit
            continue
    return min(sizes)


def _physical() -> int | None:
    """The bytes of memory of the machine, if the system tells."""
    if sys.platform == "win32":
        return _windows()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _windows() -> int | None:
    import ctypes  # noqa: PLC0415  # only there

    kilobytes = ctypes.c_ulonglong()
    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009  # it is on Windows only
    if not kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)):
        return None
    return kilobytes.value << 10
