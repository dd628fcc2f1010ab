"""Checkpoints: the results of a run's steps, kept so that a run that was killed can go on.

A directory holds a file for each step, and `run.json`, which says which run the steps belong to. A
step is a pure function of the corpus, the run's arguments and earlier steps. So a kept result is
never outdated: it is right, or it is damaged, and its checksum shows that.
"""

import hashlib
import json
import logging
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
from bytepiece.training.options import current_options

logger = logging.getLogger(__name__)

Arrays = Mapping[str, npt.NDArray[Any]]
"""The result of a step: arrays of one dimension, of bytes or of int64, by name."""

_RUN = "run.json"
_SUFFIX = ".step"
_TYPES: dict[str, np.dtype[Any]] = {"|u1": np.dtype("u1"), "<i8": np.dtype("<i8")}
_LEFTOVER = re.compile(r"\..+\.(step|json)\.[0-9a-f]{16}\.tmp")
_LONGEST_HEAD = 1 << 16
_MOST_ARGUMENTS = 1 << 26
"""The largest number of bytes in `run.json`."""


class Checkpoint:
    """The steps of a run in a directory.

    Args:
        directory: created if it does not exist. With None, nothing is kept.
        run: all that the steps depend on besides the corpus, in JSON types.
        shared: whether other processes may write to the directory now. Then temporary files of
            killed runs stay there.

    Raises:
        CheckpointError: if the directory holds something else or another run's steps, or cannot be
            written.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None,
        run: Mapping[str, Any],
        shared: bool = False,
    ) -> None:
        self._directory = None if directory is None else Path(directory)
        if self._directory is None:
            return
        run = {"version": bytepiece.__version__, **json.loads(json.dumps(dict(run)))}
        kept = arguments_of(self._directory)
        if kept is None:
            with _explained(self._directory):
                self._directory.mkdir(parents=True, exist_ok=True)
                head = {"format": "bytepiece checkpoint", "run": run, "sha256": _checksum(run)}
                content = json.dumps(head, indent=1)
                write_atomically(self._directory / _RUN, [content.encode()])
        else:
            _compare(self._directory, kept, run)
        if shared:
            return
        steps = 0
        with _explained(self._directory):
            for path in self._directory.iterdir():
                steps += path.suffix == _SUFFIX
                if _is_leftover(path):
                    path.unlink(missing_ok=True)
        if kept is not None:
            logger.info("going on from %s; steps that are done: %d", directory, steps)

    def step(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """Return the result of a step. It is computed and kept if it was not kept before."""
        found = self.load(name)
        if found is None:
            found = compute()
            self.save(name, lambda: found)
        return found

    def load(self, name: str) -> Arrays | None:
        """Return the result of a step, or None if it was not kept.

        Raises:
            CheckpointError: if the file is damaged or cannot be read.
        """
        if self._directory is None:
            return None
        path = self._directory / (name + _SUFFIX)
        with _explained(self._directory):
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

    def needed(self, name: str) -> Arrays:
        """Return the result of a step that another process has kept.

        Raises:
            CheckpointError: if it is not there, is damaged, or cannot be read.
        """
        found = self.load(name)
        if found is None:
            raise CheckpointError(
                f"{self._directory} has no {name}{_SUFFIX}; run the stage that makes it, and see "
                "to it that all workers share this directory"
            )
        return found

    def save(self, name: str, arrays: Callable[[], Arrays]) -> None:
        """Keep the result of a step. When this returns, all of it is on the disk.

        A kill at any moment leaves the whole file or none.

        Args:
            name: the name of the step.
            arrays: returns the result; called only if there is a directory.

        Raises:
            CheckpointError: if the file cannot be written.
        """
        if self._directory is None:
            return
        with _explained(self._directory):
            write_atomically(self._directory / (name + _SUFFIX), _file(arrays()))


def clear(directory: str | os.PathLike[str]) -> None:
    """Delete a checkpoint that is no longer needed, and its directory if nothing else is in it.

    `run.json` is deleted last, so that a kill never leaves steps of an unknown run.
    """
    directory = Path(directory)
    if arguments_of(directory) is None:
        return
    with _explained(directory):
        for path in directory.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)
        (directory / _RUN).unlink(missing_ok=True)
        if not directory.is_symlink() and not any(directory.iterdir()):
            directory.rmdir()


def arguments_of(directory: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return what the steps in a directory depend on, or None if it holds no checkpoint.

    Raises:
        CheckpointError: if the directory holds something else.
    """
    directory = Path(directory)
    with _explained(directory):
        try:
            with (directory / _RUN).open("rb") as file:
                content = file.read(_MOST_ARGUMENTS)
        except FileNotFoundError:
            if directory.is_dir() and any(not _is_leftover(path) for path in directory.iterdir()):
                raise CheckpointError(
                    f"{directory} holds other files and no checkpoint; name another directory"
                ) from None
            return None
    try:
        found = json.loads(content)
        run: dict[str, Any] = found["run"]
        if found["format"] == "bytepiece checkpoint" and found["sha256"] == _checksum(run):
            # A checkpoint of an earlier release may have former names.
            return current_options(run)
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise CheckpointError(
        f"{directory / _RUN} is damaged or not of a checkpoint; delete {directory} to begin anew"
    )


def _checksum(run: Mapping[str, Any]) -> str:
    """Return a checksum of a run's arguments."""
    return hashlib.sha256(json.dumps(dict(run)).encode()).hexdigest()


def _is_leftover(path: Path) -> bool:
    """Return whether a path is a temporary file that a killed run left."""
    return _LEFTOVER.fullmatch(path.name) is not None


def _compare(directory: Path, kept: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Raise a CheckpointError that names the first argument in which two runs differ."""
    for name in [*run, *kept]:
        if kept.get(name) != run.get(name):
            was, now = (_shown(one.get(name)) for one in (kept, run))
            raise CheckpointError(
                f"{directory} holds the checkpoint of another run, whose {name} was {was:.60}, "
                f"not {now:.60}; go on with that, or name another directory"
            )


def _shown(value: Any) -> str:
    """Return an argument as an error shows it; one size in a list is shown without the list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return json.dumps(value, ensure_ascii=False)


# The file of a step is a line of JSON (the names, types and lengths of the arrays, and a SHA-256 of
# everything) and then the bytes of the arrays. `np.savez` was tried instead, and has three faults.
# It needs a second copy of the arrays (+272 MB for a step of 256 MB; this format needs none), so
# training would exceed its memory limit. Its checksums do not cover the names and types, so the
# SHA-256 would still be needed. This reader would still be needed too, because checkpoints of
# earlier runs must resume.
def _file(arrays: Arrays) -> Iterator[bytes | memoryview]:
    """Yield the parts of a step's file."""
    columns = [
        [name, array.dtype.newbyteorder("<").str, len(array)] for name, array in arrays.items()
    ]
    # The parts are views, because arrays may be large.
    data = [np.ascontiguousarray(array).view(np.uint8).data for array in arrays.values()]
    yield json.dumps({"arrays": columns, "sha256": _digest(columns, data)}).encode() + b"\n"
    yield from data


def _digest(columns: Sequence[Sequence[Any]], data: Iterable[memoryview]) -> str:
    """Return a checksum of everything in a step's file."""
    digest = hashlib.sha256(json.dumps(columns).encode())
    for part in data:
        digest.update(part)
    return digest.hexdigest()


def _parsed(content: bytes) -> dict[str, npt.NDArray[Any]] | None:
    """Return the arrays of a step's file, or None if it is damaged."""
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
def _explained(directory: Path) -> Iterator[None]:
    """Turn an error of the system into one that says what to do about the directory."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint in {directory} cannot be kept: {error.strerror or error}; "
            "steps kept before are intact: remove the cause and run the same again, or name "
            "another directory"
        ) from None
