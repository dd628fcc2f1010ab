"""The one decorator every kernel is compiled with, and where compiled kernels are kept."""

import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.core import config as numba_config
from numba.core import event

config: Any = numba_config  # its fields are made at run time
logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

U8: TypeAlias = npt.NDArray[np.uint8]
U64: TypeAlias = npt.NDArray[np.uint64]
I32: TypeAlias = npt.NDArray[np.int32]
I64: TypeAlias = npt.NDArray[np.int64]
F64: TypeAlias = npt.NDArray[np.float64]
Array: TypeAlias = npt.NDArray[Any]
Scalar: TypeAlias = Any
"""A number inside a kernel: a machine word when compiled, Python's or NumPy's when interpreted."""

_PACKAGE = Path(__file__).resolve().parent


def _user_cache_root() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    install = hashlib.sha256(os.fsencode(_PACKAGE)).hexdigest()[:16]
    return Path(base) / "bytepiece" / install


def _cache_dir() -> str:
    """A writable directory for this state of the sources, or "" where there is none.

    Numba notices edits only in the file a kernel stands in, while kernels inline others from other
    files. So the directory's name carries a hash of all the sources, and an edit anywhere makes a
    new one; its predecessors are deleted.
    """
    digest = hashlib.sha256()
    for source in sorted(_PACKAGE.rglob("*.py")):
        digest.update(source.relative_to(_PACKAGE).as_posix().encode() + b"\0")
        digest.update(source.read_bytes())
    name = f"bytepiece-kernels-{digest.hexdigest()[:16]}"
    if config.CACHE_DIR:
        roots = [Path(config.CACHE_DIR)]
    else:
        roots = [_PACKAGE / "__pycache__", _user_cache_root()]
    for root in roots:
        try:
            fresh = not (root / name).exists()
            (root / name).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=root / name).close()
        except (OSError, RuntimeError):  # RuntimeError: no home directory
            continue
        if fresh and not config.CACHE_DIR:
            for old in root.glob("bytepiece-kernels-*"):
                if old.name != name:
                    shutil.rmtree(old, ignore_errors=True)
        return str(root / name)
    return ""


_CACHE_DIR = _cache_dir()


def kernel(function: F) -> F:
    """Compile a function at its first call; it runs without the interpreter lock.

    Arithmetic is IEEE's, never fastmath: the kernels live on -inf. Compiled code is kept between
    processes wherever a directory can be written, and compiled anew in each process elsewhere.
    """
    theirs = config.CACHE_DIR
    config.CACHE_DIR = _CACHE_DIR
    try:
        compiled: Any = njit(cache=bool(_CACHE_DIR), nogil=True)(function)
    finally:
        config.CACHE_DIR = theirs
    return cast(F, compiled)


class _Notice(event.Listener):
    """Logs once when a kernel of ours has to be compiled, for it takes seconds."""

    said = False

    def on_start(self, event: Any) -> None:
        module = event.data["dispatcher"].py_func.__module__
        if not self.said and str(module).startswith(f"{__package__}."):
            self.said = True
            logger.info("compiling kernels: a few seconds, the first time only")

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Notice())  # type: ignore[no-untyped-call]
