"""The shared part of the commands that change a vocabulary: their output files and messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

import bytepiece

from .outputs import check_writable, is_among, write_file
from .streams import say

if TYPE_CHECKING:
    from bytepiece.editing.ids import Edited
    from bytepiece.model import Model

MODEL = click.Path(exists=True, path_type=Path)
"""The argument type of a model file that exists."""

output_option = click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    required=True,
    help="The model file to write. OUT.ids.json beside it says which id became which.",
)


def check_output(output: Path, models: Sequence[Path], corpus: Sequence[Path] = ()) -> None:
    """Raise, before the work begins, if the model or its id map cannot be written.

    Args:
        output: the model file to write.
        models: the model files that are read. The output must not be one of them.
        corpus: the text files that are read. The output must not be one of them.
    """
    for target in (output, _ids_file(output)):
        if is_among(target, models):
            raise click.UsageError(
                f"{click.format_filename(target)} is the model that the ids lead from; name "
                "another file with -o"
            )
        check_writable(target, corpus)


def write_edited(edited: "Edited", source: "Model", output: Path, *details: str) -> None:
    """Write a model and its id map, and report on standard error.

    Args:
        edited: the new model and the map of ids.
        source: the model with the old ids.
        output: the model file to write.
        details: the parts of the report that follow the number of ids.
    """
    # Imported here, because it loads numpy, and --help does not need numpy.
    from bytepiece.editing.ids import to_json  # noqa: PLC0415

    # The map is written first: without it, the model might be used with the old embeddings.
    write_file(_ids_file(output), to_json(edited, source))
    bytepiece.model_io.save(edited.model, output)
    say(
        f"{click.format_filename(output)}: {'; '.join([f'{id_count(edited.model)} ids', *details])}"
    )


def id_count(model: "Model") -> int:
    """Return the number of ids that stand for a piece or a special token."""
    return len(model.pieces) + len(model.special_tokens)


def _ids_file(output: Path) -> Path:
    return Path(f"{output}.ids.json")
