"""The decorator that compiles every kernel, and the place where compiled kernels are kept.

Indices in kernels are unsigned. Numba has to test whether a signed index is negative, since Python
counts negative indices from the end. Without this test, a walk along the trie from every byte of 2
MB of mixed text takes 40 ms instead of 50. So every number that becomes an index goes through
`uint`. In interpreted kernels, NumPy would make a float64 of an unsigned plus a signed integer. So
the numbers that are added to indices are unsigned, too: `UINT_0` … `UINT_4`.
"""

import hashlib
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit
from numba.core import config as numba_config
from numba.core import event

from bytepiece._files import user_cache

config: Any = numba_config  # its fields are made at run time
logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
Scalar: TypeAlias = Any
"""A number inside a kernel: a machine word when compiled, a Python or NumPy number when
interpreted."""
uint: Any = np.uint64
"""Make a number unsigned, for use as an index."""
UINT_0, UINT_1, UINT_2, UINT_3, UINT_4 = (uint(number) for number in range(5))
"""Small unsigned numbers, to be added to others."""

_PACKAGE = Path(__file__).resolve().parents[1]
_DECORATED = re.compile(rb"^@(?:kernel|inlined)$", re.MULTILINE)
_KEPT = 30 * 86400
"""How many seconds a directory of compiled kernels is kept after the last kernel was added."""


def _cache_roots() -> Iterator[Path]:
    """Yield the directories where compiled kernels may be kept, the best one first."""
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR)
        return
    with suppress(RuntimeError):  # raised if the user has no home directory
        yield user_cache()
    # This is only the second choice: pip does not delete files that it did not install, and a
    # folder left behind in site-packages hides a later editable install.
    yield _PACKAGE / "__pycache__"


def _kernel_sources() -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the files on which compiled kernels depend, in order.

    These are the files that define kernels and all files in `kernels/`, where kernels take their
    constants from. A test checks that kernels take no constants from other files.
    """
    for source in sorted(_PACKAGE.rglob("*.py")):
        content = source.read_bytes()
        if source.parent.name == "kernels" or _DECORATED.search(content):
            yield source.relative_to(_PACKAGE).as_posix(), content


def _cache_dir() -> str:
    """Return a writable directory for this state of the kernels' sources, or "" if there is none.

    Numba notices edits only in the file that defines a kernel, but kernels also inline kernels of
    other files. So the directory's name carries a hash of all these files, and an edit in one of
    them makes a new directory. When a new directory is made, all directories that nothing was
    written to for a month are deleted.
    """
    digest = hashlib.sha256()
    for name, content in _kernel_sources():
        digest.update(name.encode() + b"\0" + content)
    for root in _cache_roots():
        directory = root / f"bytepiece-kernels-{digest.hexdigest()[:16]}"
        try:
            fresh = not directory.exists()
            directory.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=directory).close()
            old = [d for d in root.glob("bytepiece-kernels-*") if fresh and _age(d) > _KEPT]
        except OSError:
            continue
        for stale in old:
            shutil.rmtree(stale, ignore_errors=True)
        return str(directory)
    return ""


def _age(directory: Path) -> float:
    return time.time() - max(d.stat().st_mtime for d in (directory, *directory.iterdir()))


_CACHE_DIR = _cache_dir()


def kernel(function: F, inline: bool = False) -> F:
    """Compile a function at its first call; it then runs without the interpreter lock.

    If Python calls a kernel, Python passes in the arrays for the kernel to fill, and the kernel
    returns only numbers. To return an array, Numba would run Python code, in which a pending signal
    such as Ctrl-C may raise an exception. Numba does not expect that and crashes.

    Arithmetic follows IEEE 754 and is never fastmath, since the kernels rely on -inf. Compiled code
    is kept between processes if a directory for it can be written. Otherwise each process compiles
    it anew.
    """
    theirs = config.CACHE_DIR
    config.CACHE_DIR = _CACHE_DIR
    try:
        compiled: Any = njit(cache=bool(_CACHE_DIR), nogil=True, forceinline=inline)(function)
    finally:
        config.CACHE_DIR = theirs
    return cast(F, compiled)


def inlined(function: F) -> F:
    """Compile as `kernel` does, and copy the code into each caller.

    Use it for functions so short that passing the tables to them would cost more than their work.
    """
    return kernel(function, inline=True)


class _Notice(event.Listener):
    """Logs once that kernels have to be compiled, which takes seconds, and adds the seconds up."""

    said = False
    seconds = 0.0
    _depth = 0
    _start = 0.0

    def on_start(self, event: Any) -> None:
        module = event.data["dispatcher"].py_func.__module__
        if not self.said and str(module).startswith("bytepiece."):
            self.said = True
            often = "the first time only" if _CACHE_DIR else "every time: no place to keep them"
            logger.info("compiling kernels: a few seconds, %s", often)
        # Compiling a kernel also compiles the kernels that it calls.
        if self._depth == 0:
            self._start = time.monotonic()
        self._depth += 1

    def on_end(self, event: Any) -> None:  # noqa: ARG002
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.monotonic() - self._start


def compile_seconds() -> float:
    """Return how many seconds this process has spent compiling so far."""
    return _NOTICE.seconds


_NOTICE = _Notice()
event.register("numba:compile", _NOTICE)  # type: ignore[no-untyped-call]
