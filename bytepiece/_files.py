"""Files that are written whole or not at all, and the folder for caches."""

import errno
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def user_cache() -> Path:
    """Return the folder where this user's system keeps caches of bytepiece; it need not exist."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "bytepiece"


def write_atomically(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Write a whole file, or leave the old one as it is if anything fails."""
    with replacing(path) as file:
        file.writelines(chunks)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write. It replaces `path` when the block ends.

    If the block fails, the new file is deleted and the old one stays.
    """
    # A symbolic link stays a link: the file that it points to is replaced.
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "is no regular file; give another name", str(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    with naming(path, temporary):
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            delete(temporary)
            raise


@contextmanager
def naming(
    path: str | os.PathLike[str], hidden: str | os.PathLike[str] | None = None
) -> Iterator[None]:
    """Let an error of the system name a file.

    Errors of writing name none, and then a user cannot know which disk is full.

    Args:
        path: the file to name.
        hidden: a temporary file that users do not know; an error that names it is changed, too.
    """
    try:
        yield
    except OSError as error:
        unnamed = error.filename is None or (hidden and error.filename == os.fspath(hidden))
        if error.errno is None or not unnamed:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def delete(*paths: Path) -> None:
    """Delete files after a failure; a file that the system does not delete stays.

    A second error would hide the first one, which says what went wrong.
    """
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
