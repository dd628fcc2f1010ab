"""Lines in, bytes out, and what is said beside."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import click

from bytepiece.inputs.decompress import decompressed

if sys.platform == "linux":
    import fcntl

STDIN = STDOUT = Path("-")

_MOST = 1 << 22
"""Bytes that are read at once, at most: memory stays small, and the batches are large enough."""

_PIPE = 1 << 20
"""Bytes that a pipe should hold: the most that Linux allows without asking."""


class Lines(NamedTuple):
    """Whole lines of one input, without their line ends.

    Args:
        source: what to call the input.
        first: the number of the first line in it, from 1.
        lines: the lines.
    """

    source: str
    first: int
    lines: list[bytes]


def read_lines(path: Path, advance: Callable[[int], object]) -> Iterator[Lines]:
    r"""Read the lines of a file or of standard input, as many at once as are there already.

    What is compressed is decompressed.

    Args:
        path: of the file, or STDIN.
        advance: told how many bytes came, before they were decompressed.

    A line ends with \n; the last one need not. Bytes come as they are, a \r among them.
    """
    source, number = name_of(path), 1
    unfinished: list[bytes] = []
    with open_binary(path) as raw:
        file = decompressed(raw, source, advance)
        # read1 does not wait for more when something is there: an answer comes line by line.
        while chunk := file.read1(_MOST):
            head, newline, rest = chunk.rpartition(b"\n")
            if newline:
                lines = b"".join([*unfinished, head]).split(b"\n")
                yield Lines(source, number, lines)
                number += len(lines)
                unfinished.clear()
            if rest:
                unfinished.append(rest)
    if unfinished:
        yield Lines(source, number, [b"".join(unfinished)])


def name_of(path: Path) -> str:
    """What messages call an input."""
    return "<stdin>" if path == STDIN else click.format_filename(path)


def open_binary(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file, or standard input, for reading bytes."""
    if path != STDIN:
        return path.open("rb")
    if sys.stdin is None:
        raise click.ClickException("standard input is closed; name a file")
    if is_terminal(sys.stdin):
        say("bytepiece: reading what you type; Ctrl-D on a line of its own ends it")
    _prepare(sys.stdin)
    return nullcontext(sys.stdin.buffer)


def _prepare(stream: Any) -> None:
    with suppress(OSError):  # no file at all, or no pipe
        if os.name == "posix":  # else a pipe that is empty for now would look like its end
            os.set_blocking(stream.fileno(), True)
        if sys.platform == "linux":  # 64 KiB, as usual, are too little to share among threads
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def write(data: bytes) -> None:
    """Write bytes to standard output, at once and as they are."""
    if sys.stdout is None:
        raise click.ClickException("standard output is closed")
    rest = memoryview(data)
    try:
        while rest:  # under PYTHONUNBUFFERED, a write may take only a part
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except OSError as error:
        abandon(sys.stdout)
        raise type(error)(error.errno, error.strerror, "standard output") from None


def say(message: str) -> None:
    """Write a line to standard error, over a progress bar or a ^C that may be there."""
    show(("\r\033[K" if is_terminal(sys.stderr) else "") + message + "\n")


def show(text: str) -> None:
    """Write to standard error; where that is gone nobody listens, and the work goes on."""
    try:
        click.echo(text, err=True, nl=False)
    except OSError:
        abandon(sys.stderr)


def is_terminal(stream: Any) -> bool:
    """Whether a standard stream, which may be closed, is a terminal."""
    return stream is not None and stream.isatty()


def abandon(stream: Any) -> None:
    """Send the rest of a stream that cannot be written to nowhere, or Python complains at exit."""
    with suppress(OSError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
