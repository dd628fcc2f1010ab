"""The decorators that compile kernels.

Indices in kernels are unsigned. Numba has to test whether a signed index is negative, since Python
counts negative indices from the end. Without this test, a walk along the trie from every byte of 2
MB of mixed text takes 40 ms instead of 50. So every number that becomes an index goes through
`uint`. In interpreted kernels, NumPy would make a float64 of an unsigned plus a signed integer. So
the numbers that are added to indices are unsigned, too: `UINT_0` … `UINT_4`.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np
from numba.core import event
from numba.core.registry import CPUDispatcher

from bytepiece.kernels.cache import FOLDER, VARIABLE, KernelCache, config, end_turn

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
Scalar: TypeAlias = Any
"""A number inside a kernel: a machine word when compiled, a Python or NumPy number when
interpreted."""
uint: Any = np.uint64
"""Make a number unsigned, for use as an index."""
UINT_0, UINT_1, UINT_2, UINT_3, UINT_4 = (uint(number) for number in range(5))
"""Small unsigned numbers, to be added to others."""


def kernel(function: F) -> F:
    """Compile a function at its first call; it then runs without the interpreter lock.

    A kernel makes no arrays and returns only numbers: Python passes in the arrays for it to fill
    and to work with. There are two reasons. To return an array, Numba would run Python code, in
    which a pending signal such as Ctrl-C may raise an exception; Numba does not expect that and
    crashes. And references to arrays need not be counted. Counting takes long to compile, and at
    run time each count takes as long as drawing a piece.

    Arithmetic follows IEEE 754 and is never fastmath, since the kernels rely on -inf. Compiled code
    is kept between processes if a directory for it can be written. Otherwise each process compiles
    it anew.
    """
    return _compiled(function)


def allocating(function: F) -> F:
    """Compile a kernel that makes arrays to work with.

    It counts the references to arrays. So it must not call a kernel that returns arrays and counts
    none, like `bytepiece.kernels.best_path.unpacked`: the arrays would be freed too early.
    """
    return _compiled(function, _nrt=True)


def inner(function: F) -> F:
    """Compile a kernel that only kernels call."""
    return _compiled(function, no_cpython_wrapper=True)


def inlined(function: F) -> F:
    """Compile a kernel that only kernels call, and copy the code into each caller.

    Use it for functions so short that passing the tables to them would cost more than their work.
    """
    return _compiled(function, no_cpython_wrapper=True, forceinline=True)


def _compiled(function: F, **options: bool) -> F:
    # Nobody calls kernels from C, so they need no wrappers for C, which take 5 % of the time to
    # compile. Compiling without the garbage collector gave no gain: 10.6 CPU seconds and 11.5, in
    # turns, with a spread of 1.9.
    settings: Any = {"nogil": True, "no_cfunc_wrapper": True, "_nrt": False} | options
    compiled: Any = numba.njit(**settings)(function)
    if config.DISABLE_JIT:
        return cast(F, compiled)
    if "no_cpython_wrapper" in options:
        compiled.__class__ = _Inner
    if FOLDER.path is not None:
        compiled._cache = KernelCache(function)  # type: ignore[no-untyped-call]
    return cast(F, compiled)


class _Inner(CPUDispatcher):
    """A kernel that is compiled without the wrapper by which Python calls a kernel.

    Without the wrapper, a call from Python would end the process.
    """

    def __call__(self, *_args: Any, **_options: Any) -> Any:
        raise TypeError(f"only kernels can call {self.py_func.__qualname__}")


class _Notice(event.Listener):
    """Logs once that kernels have to be compiled, which takes seconds, and counts the kernels."""

    said = False
    seconds = 0.0
    kernels = 0
    _depth = 0
    _start = 0.0

    def on_start(self, event: Any) -> None:
        module = event.data["dispatcher"].py_func.__module__
        if str(module).startswith("bytepiece."):
            self.kernels += 1
            if not self.said:
                self.said = True
                often = "the first time only"
                if not FOLDER.writable:
                    often = f"every time: no place to keep them; {VARIABLE} can name a folder"
                logger.info("compiling kernels: a few seconds, %s", often)
        # Compiling a kernel also compiles the kernels that it calls.
        if self._depth == 0:
            self._start = time.monotonic()
        self._depth += 1

    def on_end(self, event: Any) -> None:  # noqa: ARG002
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.monotonic() - self._start
            if sys.exc_info()[0] is not None:  # an interruption: nothing will be saved
                end_turn()


def compile_seconds() -> float:
    """Return how many seconds this process has spent compiling so far."""
    return _NOTICE.seconds


def compiled_kernels() -> int:
    """Return how many kernels this process has compiled so far, for each type of arguments."""
    return _NOTICE.kernels


_NOTICE = _Notice()
event.register("numba:compile", _NOTICE)  # type: ignore[no-untyped-call]
