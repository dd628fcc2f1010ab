"""bytepiece merge: a model with the vocabulary of another one after its own."""

from pathlib import Path

import click

import bytepiece

from .edits import MODEL, check_output, ids_in, output_option, write_edited


@click.command("merge", short_help="Add one model's vocabulary to another one's.")
@click.argument("model", type=MODEL)
@click.argument("other", type=MODEL)
@click.option(
    "--vocab-size",
    "size",
    type=click.IntRange(256, 2**24),
    show_default="room for all",
    help="The most ids. Where not all of OTHER's pieces fit, those come that save most tokens.",
)
@output_option
def command(model: Path, other: Path, size: int | None, output: Path) -> None:
    """Add to MODEL's vocabulary the pieces and special tokens of OTHER that it lacks.

    All ids of MODEL stay, and the newcomers' follow. OUT.ids.json says for each id of OTHER, from
    0 on, which it is now, -1 if it did not come.

    \b
    Examples:
      bytepiece merge english.model chinese.model -o both.model
      bytepiece merge english.model chinese.model --vocab-size 48000 -o both.model
      bytepiece merge ours.model theirs.model -o all.model && bytepiece info all.model
    """  # noqa: D301
    # Here, because it imports the compiler, which is slow, and --help can do without.
    from bytepiece import model_io  # noqa: PLC0415

    check_output(output, [model, other])
    ours, theirs = model_io.load(model), model_io.load(other)
    edited = bytepiece.merge(ours, theirs, size)
    stay, came = ids_in(ours), ids_in(edited.model) - ids_in(ours)
    shared = int((edited.id_map >= 0).sum()) - came
    write_edited(
        edited,
        theirs,
        output,
        f"{stay} stay, {came} come",
        f"of the other model's {ids_in(theirs)}, {shared} were there and "
        f"{ids_in(theirs) - shared - came} are left out",
    )
