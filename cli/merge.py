"""bytepiece merge: add the vocabulary of one model to another model."""

from pathlib import Path

import click

import bytepiece

from .edits import MODEL, check_output, id_count, output_option, write_edited


@click.command("merge", short_help="Add one model's vocabulary to another model.")
@click.argument("model", type=MODEL)
@click.argument("other", type=MODEL)
@click.option(
    "--vocab-size",
    "size",
    type=click.IntRange(256, 2**24),
    show_default="room for all",
    help="The largest number of ids. If not all of OTHER's pieces fit, those that save the most "
    "tokens are added.",
)
@output_option
def command(model: Path, other: Path, size: int | None, output: Path) -> None:
    """Add to MODEL's vocabulary the pieces and special tokens of OTHER that it lacks.

    All ids of MODEL stay, and new ids follow them. OUT.ids.json lists the new id of each id of
    OTHER from 0 on; -1 means that it was left out.

    \b
    Examples:
      bytepiece merge english.model chinese.model -o both.model
      bytepiece merge english.model chinese.model --vocab-size 48000 -o both.model
      bytepiece merge ours.model theirs.model -o all.model && bytepiece info all.model
    """  # noqa: D301
    check_output(output, [model, other])
    ours, theirs = bytepiece.model_io.load(model), bytepiece.model_io.load(other)
    edited = bytepiece.merge(ours, theirs, size)
    stay, came = id_count(ours), id_count(edited.model) - id_count(ours)
    shared = int((edited.id_map >= 0).sum()) - came
    write_edited(
        edited,
        theirs,
        output,
        f"{stay} stay, {came} come",
        f"of the other model's {id_count(theirs)}, {shared} were there and "
        f"{id_count(theirs) - shared - came} are left out",
    )
