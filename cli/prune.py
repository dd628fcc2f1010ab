"""bytepiece prune: a model with a smaller vocabulary."""

from pathlib import Path

import click

import bytepiece

from .corpus import Corpus
from .edits import MODEL, check_output, ids_in, output_option, write_edited
from .options import OnCommand, column_option, jsonl_option, temp_dir_option, threads_option
from .progress import Phases


@click.command("prune", cls=OnCommand, short_help="Make a model's vocabulary smaller.")
@click.argument("model", type=MODEL)
@click.option(
    "--vocab-size",
    "size",
    type=click.IntRange(256, 2**24),
    required=True,
    help="The most ids, special tokens among them.",
)
@click.option(
    "--on",
    "inputs",
    metavar="PATH[:WEIGHT]...",
    multiple=True,
    help="Text such as the model is for; all names up to the next option are such, and - is "
    "standard input. Pieces stay that it needs.  [default: pieces that are frequent stay]",
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
    """Make a model's vocabulary smaller; the pieces go whose loss costs the fewest tokens.

    What stays and has an id below the new size keeps it, and the others move into the ids that are
    free: OUT.ids.json says for each old id, from 0 on, which it is now, -1 if it is gone.
    docs/editing.md shows how embeddings are moved by it.

    \b
    Examples:
      bytepiece prune large.model --vocab-size 16000 -o small.model
      bytepiece prune large.model --vocab-size 16000 --on texts/*.txt -o small.model
      head -n 9999 log.txt | bytepiece prune large.model --vocab-size 8000 --on - -o log.model
    """  # noqa: D301
    # Here, because it imports the compiler, which is slow, and --help can do without.
    from bytepiece import model_io  # noqa: PLC0415

    corpus = Corpus(inputs, jsonl, column)
    check_output(output, [model], corpus.files())
    old = model_io.load(model)
    with corpus.opened(temp_dir) as files, Phases() as phases:
        edited = bytepiece.prune(
            old, size, files if inputs else None, threads=threads, progress=phases.report
        )
    stay = int((edited.id_map >= 0).sum())
    moved = stay - sum(old_id == new for old_id, new in enumerate(edited.id_map.tolist()))
    gone = ids_in(old) - stay
    write_edited(edited, old, output, f"{stay - moved} stay, {moved} move to other ids, {gone} go")
