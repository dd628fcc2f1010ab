"""bytepiece prune: make a model's vocabulary smaller."""

from pathlib import Path

import click

import bytepiece

from .corpus import CorpusInputs
from .edits import MODEL, check_output, id_count, output_option, write_edited
from .options import column_option, jsonl_option, temp_dir_option, threads_option
from .progress import Phases
from .weighted import WEIGHTED_PATH


@click.command("prune", short_help="Make a model's vocabulary smaller.")
@click.argument("model", type=MODEL)
@click.option(
    "--vocab-size",
    "size",
    type=click.IntRange(256, 2**24),
    required=True,
    help="The largest number of ids; it includes special tokens.",
)
@click.option(
    "--on",
    "inputs",
    metavar="PATH[:WEIGHT]",
    type=WEIGHTED_PATH,
    multiple=True,
    show_default="the use that the scores predict",
    help="A text that shows how often each piece is used; - is standard input. Repeat the option "
    "for several texts.",
)
@output_option
@jsonl_option
@column_option
@temp_dir_option
@threads_option
def command(
    model: Path,
    size: int,
    inputs: tuple[str, ...],
    output: Path,
    jsonl: str | None,
    column: str,
    temp_dir: Path | None,
    threads: int | None,
) -> None:
    """Make MODEL's vocabulary smaller by dropping the pieces whose loss costs the fewest tokens.

    A piece that stays keeps its id if the id is below the new size, else it moves to a free id.
    OUT.ids.json lists the new id of each old id from 0 on; -1 means that its piece is dropped.
    docs/editing.md shows how to move embeddings with it. `bytepiece train --help` explains PATH
    and WEIGHT.

    \b
    Examples:
      bytepiece prune large.model --vocab-size 16000 -o small.model
      bytepiece prune large.model --vocab-size 16000 --on a.txt --on b.txt:2 -o small.model
      head -n 9999 log.txt | bytepiece prune large.model --vocab-size 8000 --on - -o log.model
    """  # noqa: D301
    corpus = CorpusInputs(inputs, jsonl, column)
    check_output(output, [model], corpus.files())
    old = bytepiece.model_io.load(model)
    with corpus.opened(temp_dir) as files, Phases() as phases:
        edited = bytepiece.prune(
            old, size, files if inputs else None, threads=threads, progress=phases.report
        )
    stay = int((edited.id_map >= 0).sum())
    moved = stay - sum(old_id == new for old_id, new in enumerate(edited.id_map.tolist()))
    gone = id_count(old) - stay
    write_edited(edited, old, output, f"{stay - moved} stay, {moved} move to other ids, {gone} go")
