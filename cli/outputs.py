"""Output files of commands."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from bytepiece._files import write_atomically

from .streams import STDIN

OUTPUT = click.Path(dir_okay=False, path_type=Path)
"""The option type of a file to write."""


def is_among(target: Path, files: Iterable[Path]) -> bool:
    """Return whether a file is one of some files, whatever their names."""
    return target.exists() and any(file.exists() and target.samefile(file) for file in files)


def check_results(targets: Sequence[Path | None], inputs: Iterable[Path]) -> None:
    """Raise, before the work begins, if a result cannot be written to its file.

    Args:
        targets: the output files, None where none is asked for.
        inputs: the files that are read. No result may replace one of them.
    """
    given = [target for target in targets if target is not None]
    for target in given:
        name = click.format_filename(target)
        if target == STDIN:
            raise click.UsageError("a result is written to a file; name one in place of -")
        if not target.parent.is_dir():
            raise click.ClickException(f"{name}: no such directory")
        if is_among(target, inputs):
            raise click.UsageError(f"{name} is read; name another file for the result")
    if len(set(map(os.path.realpath, given))) < len(given):
        raise click.UsageError("two results have the same file; name another one")


def check_writable(target: Path, files: Sequence[Path]) -> None:
    """Raise, before hours of work, if the result cannot be written.

    Args:
        target: the output file.
        files: the input files. The output must not be one of them.
    """
    name = click.format_filename(target)
    if target == STDIN:
        raise click.UsageError("the result is written to a file; name one with -o")
    target = Path(os.path.realpath(target))  # a link stays, and its target is written
    if target.exists() and not target.is_file():
        raise click.ClickException(f"{name} is no regular file; name another one with -o")
    if is_among(target, files):
        raise click.UsageError(f"{name} is part of the corpus; name another file with -o")
    try:
        # This test file's name is as long as the temporary name under which the result is written.
        tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", suffix=".writable.tmp"
        ).close()
    except OSError as error:
        raise click.ClickException(
            f"{name} cannot be written: {error.strerror}; name another file with -o"
        ) from None


def write_file(target: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    write_atomically(target, [text.encode("utf-8", "backslashreplace")])
