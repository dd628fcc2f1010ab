"""Standard streams: lines are read, bytes are written, and messages go to standard error."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

import click

from bytepiece.inputs.decompress import decompressed
from bytepiece.inputs.line_batches import LineBatch, line_batches

if sys.platform == "linux":
    import fcntl

STDIN = STDOUT = Path("-")

_PIPE = 1 << 20
"""The size of a pipe's buffer in bytes: the most that Linux gives to every user."""


def read_lines(path: Path, advance: Callable[[int], object]) -> Iterator[LineBatch]:
    r"""Yield the lines of a file or of standard input, in batches, without waiting for more lines.

    Compressed input is decompressed; see `line_batches`.

    Args:
        path: the file, or STDIN.
        advance: called with the number of bytes of each read, before decompression.
    """
    with open_binary(path) as raw:
        source = name_of(path)
        yield from line_batches(decompressed(raw, source, advance), source)


def name_of(path: Path) -> str:
    """Return the name of an input for messages."""
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
    """Make reads of a pipe wait for data, and enlarge its buffer."""
    with suppress(OSError):  # the stream is not a file or not a pipe
        if os.name == "posix":  # in non-blocking mode, a pipe without data looks ended
            os.set_blocking(stream.fileno(), True)
        if sys.platform == "linux":  # the usual 64 KiB are too few to divide among threads
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def write(data: bytes) -> None:
    """Write bytes to standard output unchanged, and flush them."""
    if sys.stdout is None:
        raise click.ClickException("standard output is closed")
    rest = memoryview(data)
    try:
        while rest:  # with PYTHONUNBUFFERED a write may take only a part
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except OSError as error:
        abandon(sys.stdout)
        raise type(error)(error.errno, error.strerror, "standard output") from None


def say(message: str) -> None:
    """Write a line to standard error. On a terminal it replaces a progress line or a ^C."""
    show(("\r\033[K" if is_terminal(sys.stderr) else "") + message + "\n")


def show(text: str) -> None:
    """Write text to standard error. If that fails, nobody reads it, and the work goes on."""
    try:
        click.echo(text, err=True, nl=False)
    except OSError:
        abandon(sys.stderr)


def is_terminal(stream: Any) -> bool:
    """Return whether a standard stream is a terminal. If the stream is closed, it is None."""
    return stream is not None and stream.isatty()


def abandon(stream: Any) -> None:
    """Discard all further output to a stream that failed; else Python complains at exit."""
    with suppress(OSError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
