"""Files that commands write beside standard output."""

from pathlib import Path

import click

OUTPUT = click.Path(dir_okay=False, path_type=Path)
"""A file to write."""


def check_folders(*targets: Path | None) -> None:
    """See, before the work begins, that what is to hold the files is there."""
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise click.ClickException(f"{click.format_filename(target)}: no such directory")


def write_file(target: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    from bytepiece.model_io import write_atomically  # noqa: PLC0415  # it imports the compiler

    write_atomically(target, [text.encode("utf-8", "backslashreplace")])
