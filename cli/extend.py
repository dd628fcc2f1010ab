"""bytepiece extend: add new pieces to a model, learned from new text."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

import bytepiece

if TYPE_CHECKING:
    from bytepiece.parallel import Engine

from .choices import checkpoint_option, memory_option, training_option
from .corpus import CorpusInputs, clear_checkpoint
from .edits import MODEL, check_output, id_count, output_option, write_edited
from .options import column_option, jsonl_option, temp_dir_option, threads_option
from .progress import Phases
from .streams import say
from .weighted import WEIGHTED_PATH, WeightedCommand


@click.command("extend", cls=WeightedCommand, short_help="Add pieces learned from new text.")
@click.argument("model", type=MODEL)
@click.argument("inputs", metavar="PATH[:WEIGHT]...", type=WEIGHTED_PATH, nargs=-1, required=True)
@click.option(
    "--vocab-size",
    "size",
    type=click.IntRange(257, 2**24),
    required=True,
    help="The largest number of ids; it includes old ids and special tokens.",
)
@output_option
@jsonl_option
@column_option
@memory_option
@checkpoint_option
@temp_dir_option
@threads_option
@training_option("engine")
def command(
    model: Path,
    inputs: tuple[str, ...],
    size: int,
    output: Path,
    jsonl: str | None,
    column: str,
    memory: int | None,
    checkpoint: Path | None,
    temp_dir: Path | None,
    threads: int | None,
    engine: "Engine | None",
) -> None:
    """Learn pieces from new text, and add them to MODEL's vocabulary.

    All old ids stay, and new ids follow them. `bytepiece train --help` explains PATH and WEIGHT.
    OUT.ids.json lists the new id of each old id from 0 on: the same number, or -1 for an unused id.

    \b
    Examples:
      bytepiece extend english.model chinese.txt --vocab-size 48000 -o both.model
      bytepiece extend a.model more/ --vocab-size 40000 --memory 2G -o b.model
      bytepiece extend base.model 'code/**/*.py' docs.jsonl:0.5 --vocab-size 40000 -o code.model
    """  # noqa: D301
    corpus = CorpusInputs(inputs, jsonl, column)
    check_output(output, [model], corpus.files())
    old = bytepiece.model_io.load(model)
    with corpus.opened(temp_dir) as files, Phases() as phases:
        edited = bytepiece.extend(
            old,
            files,
            size,
            threads=threads,
            memory=memory,
            checkpoint=checkpoint,
            temp_dir=temp_dir,
            engine=engine,
            progress=phases.report,
        )
    stay, came = id_count(old), id_count(edited.model) - id_count(old)
    write_edited(edited, old, output, f"{stay} stay, {came} come")
    if checkpoint is not None:
        clear_checkpoint(checkpoint)
    if edited.model.vocab_size < size:
        say(
            f"only {came} pieces came from this corpus: it is small, or has little new text; "
            f"--vocab-size {size} has room for {size - old.vocab_size}"
        )
