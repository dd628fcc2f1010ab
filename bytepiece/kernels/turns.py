"""Turns: of the processes that could do the same work, one does it and the others wait for it."""

import sys
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Turn:
    """A turn at some work, which one process of a machine has at a time.

    It is the system's lock on a file. The system ends it with the process that has it, however that
    process ends, so a lock is never left behind. `lockf` is taken instead of `flock`, since a
    process that forks would share a `flock` with its children, which may live longer. Where no
    lock can be had, as on some network disks, every process may work at any time.

    Args:
        path: the file, which is made if it is missing; None for no lock.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    @property
    def held(self) -> bool:
        """Whether this process has the lock."""
        return self._file is not None

    def take(self) -> bool:
        """Return whether this process may work now; False if another process has the turn."""
        if self.held or self._path is None:
            return True
        try:
            file = self._path.open("ab")
        except OSError:
            return True
        try:
            _lock(file.fileno())
        except (BlockingIOError, PermissionError):
            file.close()
            return False
        except OSError:
            file.close()
            return True
        self._file = file
        return True

    def end(self) -> None:
        """Let other processes work."""
        if self._file is not None:
            self._file.close()  # which ends the lock, too
            self._file = None


def _lock(file: int) -> None:
    """Lock a file, or raise BlockingIOError or PermissionError if another process has locked it."""
    if sys.platform == "win32":
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
