"""The place where compiled kernels are kept between processes, and who compiles them.

Numba finds a place for each function by itself: the folder NUMBA_CACHE_DIR, or `__pycache__` beside
the source, or its own folder in the home. It fails if it can write to none of them, or if the disk
is full. Here all kernels have one folder, which may also be read-only. Nothing that goes wrong with
it is an error, since a kernel can always be compiled.
"""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from numba.core import caching
from numba.core import config as numba_config
from numba.core.runtime.nrt import rtsys

from bytepiece._files import user_cache
from bytepiece.kernels.turns import Turn

config: Any = numba_config  # its fields are made at run time
logger = logging.getLogger(__name__)

VARIABLE = "BYTEPIECE_CACHE"
"""The environment variable that names a folder for compiled kernels."""
_PACKAGE = Path(__file__).resolve().parents[1]
DECORATORS = "kernel", "allocating", "inner", "inlined"
"""The names of the decorators of `bytepiece.kernels.jit`."""
_LINES = tuple(f"\n@{name}\n".encode() for name in DECORATORS)
_KEPT = 30 * 86400
"""How many seconds a directory of compiled kernels is kept after the last kernel was added."""
_POLL = 0.05
"""Seconds between two looks at what another process has compiled."""
_PATIENCE = 300.0
"""Seconds that a process waits for one kernel. The largest takes 5. But the process that compiles
it may be stopped for a while."""


class KernelFolder(NamedTuple):
    """The directory of compiled kernels; None if there is none, and whether it can be written."""

    path: Path | None
    writable: bool


def _cache_roots() -> Iterator[Path]:
    """Yield the directories where compiled kernels may be kept, the best one first."""
    if chosen := os.environ.get(VARIABLE) or config.CACHE_DIR:
        yield Path(chosen)
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
        if source.parent.name == "kernels" or any(line in content for line in _LINES):
            yield source.relative_to(_PACKAGE).as_posix(), content


def _kernel_folder() -> KernelFolder:
    """Return the directory for this state of the kernels' sources.

    Numba notices edits only in the file that defines a kernel, but kernels also inline kernels of
    other files. So the directory's name carries a hash of all these files, and an edit in one of
    them makes a new directory. When a new directory is made, all directories that nothing was
    written to for a month are deleted. A directory that cannot be written is taken if there is no
    other: an image of a container may hold compiled kernels.
    """
    digest = hashlib.sha256()
    for name, content in _kernel_sources():
        digest.update(name.encode() + b"\0" + content)
    directories = [root / f"bytepiece-kernels-{digest.hexdigest()[:16]}" for root in _cache_roots()]
    for directory in directories:
        try:
            fresh = not directory.exists()
            directory.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=directory).close()
            others = directory.parent.glob("bytepiece-kernels-*")
            old = [other for other in others if fresh and _age(other) > _KEPT]
        except OSError:
            continue
        for stale in old:
            shutil.rmtree(stale, ignore_errors=True)
        return KernelFolder(directory, True)
    filled = [directory for directory in directories if os.path.isdir(directory)]  # noqa: PTH112
    return KernelFolder(filled[0] if filled else None, False)


def _age(directory: Path) -> float:
    return time.time() - max(d.stat().st_mtime for d in (directory, *directory.iterdir()))


FOLDER = _kernel_folder()
TURN = Turn(FOLDER.path / "compiling" if FOLDER.path and FOLDER.writable else None)
"""The turn at compiling. Numba lets one thread compile at a time, so one object is enough."""


class KernelLocator(caching._CacheLocator):
    """Tells Numba where the compiled code of one kernel is: in a folder for each room.

    The path of the installation is no part of the place, so a copy of the folder works anywhere.
    """

    def __init__(self, function: Any, file: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._room = Path(file).parent.name

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "KernelLocator":
        """Return the locator of a function."""
        return cls(py_func, py_file)

    def get_cache_path(self) -> str:
        """Return the folder of the kernel."""
        assert FOLDER.path is not None  # for the type checker
        return str(FOLDER.path / self._room)

    def get_source_stamp(self) -> str:
        """Return what tells states of the source apart: nothing, since the folder's name does."""
        return ""

    def get_disambiguator(self) -> str:
        """Return what tells functions of the same name apart."""
        return str(self._line)


class KernelCacheFiles(caching.CompileResultCacheImpl):
    """The files of one kernel."""

    _locator_classes = [KernelLocator]  # noqa: RUF012


class KernelCache(caching.FunctionCache):
    """Keeps the compiled code of one kernel, and lets one process compile while others wait.

    A process that misses a kernel waits until the kernel is there, or until no other process
    compiles. So if several processes start together, they compile each kernel once between them.
    """

    unsaved = 0
    """How many compiled kernels this process could not save, though the folder can be written."""
    _impl_class = KernelCacheFiles
    _wait = True
    """Whether this process waits for others; no longer after it has waited for nothing once."""
    _began: "KernelCache | None" = None
    """The kernel that is compiled in this turn, together with all kernels that it calls."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code for some types of arguments, or None if it must be compiled."""
        found = self._found(sig, target_context)
        if found is not None or TURN.held:
            return found
        given_up = time.monotonic() + _PATIENCE
        while found is None and KernelCache._wait and not TURN.take():
            if time.monotonic() > given_up:
                KernelCache._wait = False
            time.sleep(_POLL)
            if os.path.exists(self._cache_file._index_path):  # noqa: PTH110
                found = self._found(sig, target_context)
        if found is None and TURN.held:
            found = self._found(sig, target_context)  # it may have been saved just before
        if found is None:
            KernelCache._began = self
        else:
            TURN.end()
        return found

    def _found(self, sig: Any, target_context: Any) -> Any:
        # Numba's own `load_overload` first loads everything that compiling needs, which takes 0.3 s
        # and imports SciPy if it is there. Compiled code only needs the runtime, and a kernel that
        # has to be compiled loads the rest by itself.
        try:
            rtsys.initialize(target_context)
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # a damaged file may raise anything; it is as good as none
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code, if that is possible."""
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError:
            KernelCache.unsaved += FOLDER.writable
        if KernelCache._began is self:
            end_turn()


def end_turn() -> None:
    """Let other processes compile."""
    KernelCache._began = None
    TURN.end()
