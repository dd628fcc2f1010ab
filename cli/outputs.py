"""Files that commands write beside standard output."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from .streams import STDIN

OUTPUT = click.Path(dir_okay=False, path_type=Path)
"""A file to write."""


def check_folders(*targets: Path | None) -> None:
    """See, before the work begins, that what is to hold the files is there."""
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise click.ClickException(f"{click.format_filename(target)}: no such directory")


def check_writable(target: Path, files: Sequence[Path]) -> None:
    """Find out before hours of work whether their result can be written."""
    name = click.format_filename(target)
    if target == STDIN:
        raise click.UsageError("the result is written to a file; name one with -o")
    target = Path(os.path.realpath(target))  # a link stays one, and what it leads to is written
    if target.exists() and not target.is_file():
        raise click.ClickException(f"{name} is no regular file; name another one with -o")
    for file in files:
        if target.exists() and target.samefile(file):
            raise click.UsageError(f"{name} is part of the corpus; name another file with -o")
    try:
        # As long a name as the file will have while it is being written.
        tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", suffix=".writable.tmp"
        ).close()
    except OSError as error:
        raise click.ClickException(
            f"{name} cannot be written: {error.strerror}; name another file with -o"
        ) from None


def write_file(target: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    from bytepiece._files import write_atomically  # noqa: PLC0415  # it imports the compiler

    write_atomically(target, [text.encode("utf-8", "backslashreplace")])
