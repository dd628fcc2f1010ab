"""What the commands that change a vocabulary share: what they write, and how they tell it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .outputs import check_writable, write_file
from .streams import say

if TYPE_CHECKING:
    from bytepiece.editing.ids import Edited
    from bytepiece.model import Model

MODEL = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A model file that is there."""

output_option = click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    required=True,
    help="The model file to write. OUT.ids.json beside it says which id became which.",
)


def check_output(output: Path, models: Sequence[Path], corpus: Sequence[Path] = ()) -> None:
    """Find out before the work begins whether the model and its id map can be written."""
    for target in (output, _ids_file(output)):
        for model in models:
            if target.exists() and target.samefile(model):
                raise click.UsageError(
                    f"{click.format_filename(target)} is the model that the ids lead from; name "
                    "another file with -o"
                )
        check_writable(target, corpus)


def write_edited(edited: "Edited", source: "Model", output: Path, *told: str) -> None:
    """Write a model and its id map, and tell what happened.

    Args:
        source: the model whose ids the map leads from.
        told: what there is to tell beside the number of ids.
    """
    from bytepiece import model_io  # noqa: PLC0415  # it imports the compiler
    from bytepiece.editing.ids import to_json  # noqa: PLC0415

    # The map first: a model without it might be used with embeddings that are not its own.
    write_file(_ids_file(output), to_json(edited, source))
    model_io.save(edited.model, output)
    say(f"{click.format_filename(output)}: {'; '.join([f'{ids_in(edited.model)} ids', *told])}")


def ids_in(model: "Model") -> int:
    """How many ids stand for something."""
    return len(model.pieces) + len(model.special_tokens)


def _ids_file(output: Path) -> Path:
    return Path(f"{output}.ids.json")
