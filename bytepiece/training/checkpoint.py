"""Checkpoints: what the steps of a run gave, kept so that a run that was killed can go on.

A directory holds a file that says which run it is of, `run.json`, and a file for each step. Steps
are pure functions of the corpus, the run's arguments and earlier steps, so what is kept need not
be believed to be current: it is right, or it is damaged, which its checksum tells.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import bytepiece
from bytepiece._files import write_atomically
from bytepiece.errors import CheckpointError

Arrays = Mapping[str, npt.NDArray[Any]]
"""What a step gives: arrays of one dimension, of bytes or of int64, by name."""

_RUN = "run.json"
_SUFFIX = ".step"
_TYPES: dict[str, np.dtype[Any]] = {"|u1": np.dtype("u1"), "<i8": np.dtype("<i8")}
_LEFT = re.compile(r"\..+\.(step|json)\.[0-9a-f]{16}\.tmp")
_LONGEST_HEAD = 1 << 16
_MOST_ARGUMENTS = 1 << 26
"""Bytes of `run.json`, at most."""


class Checkpoint:
    """A directory for the steps of a run; or, without one, nothing is kept.

    Args:
        directory: made if it is not there.
        run: what the steps depend on beside the corpus, in JSON types.

    Raises:
        CheckpointError: the directory holds something else, or another run's steps, or cannot be
            written.
    """

    def __init__(self, directory: str | os.PathLike[str] | None, run: Mapping[str, Any]) -> None:
        self._directory = None if directory is None else Path(directory)
        if self._directory is None:
            return
        run = {"version": bytepiece.__version__, **json.loads(json.dumps(dict(run)))}
        kept = arguments_of(self._directory)
        if kept is None:
            with _told(self._directory):
                self._directory.mkdir(parents=True, exist_ok=True)
                head = {"format": "bytepiece checkpoint", "run": run, "sha256": _sum(run)}
                content = json.dumps(head, indent=1)
                write_atomically(self._directory / _RUN, [content.encode()])
        else:
            _compare(self._directory, kept, run)
        with _told(self._directory):
            for path in self._directory.iterdir():
                if _is_left(path):
                    path.unlink(missing_ok=True)

    def step(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """What a step gives: what was kept, or else what is computed now, and then kept."""
        found = self.load(name)
        if found is None:
            found = compute()
            self.save(name, lambda: found)
        return found

    def load(self, name: str) -> Arrays | None:
        """What a step gave, if it was kept.

        Raises:
            CheckpointError: the file is damaged, or cannot be read.
        """
        if self._directory is None:
            return None
        path = self._directory / (name + _SUFFIX)
        with _told(self._directory):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
        arrays = _parsed(content)
        if arrays is None:
            raise CheckpointError(
                f"{path} is damaged; delete this file, and the run goes on without it"
            )
        return arrays

    def save(self, name: str, arrays: Callable[[], Arrays]) -> None:
        """Keep what a step gave; once this returns it is on the disk, and never half of it.

        Args:
            name: of the step.
            arrays: makes what is to be kept; called if anything is.

        Raises:
            CheckpointError: it cannot be written.
        """
        if self._directory is None:
            return
        with _told(self._directory):
            write_atomically(self._directory / (name + _SUFFIX), _file(arrays()))


def clear(directory: str | os.PathLike[str]) -> None:
    """Delete a checkpoint that is no longer needed, and the directory if nothing else is in it.

    The steps go before the file that says whose they are, so a kill leaves no riddle.
    """
    directory = Path(directory)
    if arguments_of(directory) is None:
        return
    with _told(directory):
        for path in directory.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)
        (directory / _RUN).unlink(missing_ok=True)
        if not directory.is_symlink() and not any(directory.iterdir()):
            directory.rmdir()


def arguments_of(directory: str | os.PathLike[str]) -> dict[str, Any] | None:
    """What the steps in a directory depend on; None if none were kept there yet.

    Raises:
        CheckpointError: the directory holds something else.
    """
    directory = Path(directory)
    with _told(directory):
        try:
            with (directory / _RUN).open("rb") as file:
                content = file.read(_MOST_ARGUMENTS)
        except FileNotFoundError:
            if directory.is_dir() and any(not _is_left(path) for path in directory.iterdir()):
                raise CheckpointError(
                    f"{directory} holds other files and no checkpoint; name another directory"
                ) from None
            return None
    try:
        found = json.loads(content)
        run: dict[str, Any] = found["run"]
        if found["format"] == "bytepiece checkpoint" and found["sha256"] == _sum(run):
            return run
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise CheckpointError(
        f"{directory / _RUN} is damaged, or no checkpoint's; delete {directory} to begin anew"
    )


def _sum(run: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(dict(run)).encode()).hexdigest()


def _is_left(path: Path) -> bool:
    """Whether a file is one that was being written when a run was killed."""
    return _LEFT.fullmatch(path.name) is not None


def _compare(directory: Path, kept: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    for name in [*run, *kept]:
        if kept.get(name) != run.get(name):
            was, now = (json.dumps(one.get(name), ensure_ascii=False) for one in (kept, run))
            raise CheckpointError(
                f"{directory} holds the checkpoint of another run, whose {name} was {was:.60}, "
                f"not {now:.60}; go on with that, or name another directory"
            )


def _file(arrays: Arrays) -> Iterator[bytes | memoryview]:
    columns = [
        [name, array.dtype.newbyteorder("<").str, len(array)] for name, array in arrays.items()
    ]
    # Not copied, for arrays may be large.
    data = [np.ascontiguousarray(array).view(np.uint8).data for array in arrays.values()]
    yield json.dumps({"arrays": columns, "sha256": _digest(columns, data)}).encode() + b"\n"
    yield from data


def _digest(columns: Sequence[Sequence[Any]], data: Iterable[memoryview]) -> str:
    """A checksum of all that a step's file says."""
    digest = hashlib.sha256(json.dumps(columns).encode())
    for part in data:
        digest.update(part)
    return digest.hexdigest()


def _parsed(content: bytes) -> dict[str, npt.NDArray[Any]] | None:
    """The arrays of a step's file; None if it is damaged."""
    end = content.find(b"\n", 0, _LONGEST_HEAD)
    try:
        head = json.loads(content[: max(end, 0)])
        columns = [(str(name), _TYPES[kind], int(length)) for name, kind, length in head["arrays"]]
        digest = head["sha256"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    data = memoryview(content)[end + 1 :]
    size = math.fsum(kind.itemsize * length for _, kind, length in columns)
    if min((length for _, _, length in columns), default=0) < 0 or size != len(data):
        return None
    if _digest(head["arrays"], [data]) != digest:
        return None
    arrays: dict[str, npt.NDArray[Any]] = {}
    place = 0
    for name, kind, length in columns:
        arrays[name] = np.frombuffer(data, kind, length, place)
        place += kind.itemsize * length
    return arrays


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    """Tell what the system has against a checkpoint's directory."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint in {directory} cannot be kept: {error.strerror or error}; what was "
            "kept before is whole: mend that and run the same again, or name another directory"
        ) from None
