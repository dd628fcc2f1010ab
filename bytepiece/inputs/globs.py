"""The files that a path stands for: itself, those in a directory, or those that fit a pattern."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from bytepiece.errors import CorpusError


def files_of(path: Path) -> list[Path]:
    """Return the files that a path stands for. Their order depends on their names alone.

    Args:
        path: a file, a directory or a pattern. A directory stands for all files in it and below it
            whose names do not begin with a dot. A pattern stands for the files that fit it; it may
            contain *, ** (for any directories), ? and [...]. A path that exists is not a pattern.

    Raises:
        CorpusError: if the file does not exist or is not a regular file, or if no file is in the
            directory or fits the pattern.
    """
    if path.is_dir():
        files = sorted(_inside(path), key=lambda file: file.parts)
        if not files:
            raise CorpusError(f"{path}: there is no file in this directory that is not hidden")
    elif os.path.lexists(path) or not any(char in str(path) for char in "*?["):
        files = [path]
    else:
        # Not Path.glob, because it finds hidden files. Directories are left out, because ** yields
        # them in addition to the files in them.
        found = map(Path, glob.iglob(str(path), recursive=True))  # noqa: PTH207
        files = sorted((file for file in found if not file.is_dir()), key=lambda file: file.parts)
        if not files:
            raise CorpusError(f"{path}: there is no file that fits this pattern")
    for file in files:
        if not file.exists():
            raise CorpusError(f"{file}: there is no such file or directory")
        if not file.is_file():
            raise CorpusError(
                f"{file} is not a regular file, and training reads every file twice; copy it into "
                "a regular file"
            )
    return files


def _inside(directory: Path) -> Iterator[Path]:
    def give_up(error: OSError) -> None:
        raise CorpusError(f"{error.filename}: {error.strerror}")

    for place, directories, files in os.walk(directory, onerror=give_up):
        directories[:] = [name for name in directories if not name.startswith(".")]
        yield from (Path(place, name) for name in files if not name.startswith("."))
