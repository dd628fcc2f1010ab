"""bytepiece extend: a model with new pieces, learned from new text."""

from pathlib import Path

import click

import bytepiece

from .choices import memory_option
from .corpus import Corpus
from .edits import MODEL, check_output, ids_in, output_option, write_edited
from .options import column_option, jsonl_option, temp_dir_option, threads_option
from .progress import Phases
from .streams import say
from .weighted import WeightedCommand


@click.command("extend", cls=WeightedCommand, short_help="Add pieces learned from new text.")
@click.argument("model", type=MODEL)
@click.argument("inputs", metavar="PATH[:WEIGHT]...", nargs=-1, required=True)
@click.option(
    "--vocab-size",
    "size",
    type=click.IntRange(257, 2**24),
    required=True,
    help="The most ids, old and new, special tokens among them.",
)
@output_option
@jsonl_option
@column_option
@memory_option
@temp_dir_option
@threads_option
def command(
    model: Path,
    inputs: tuple[str, ...],
    size: int,
    output: Path,
    jsonl: str | None,
    column: str,
    memory: int | None,
    temp_dir: Path | None,
    threads: int | None,
) -> None:
    """Add to MODEL's vocabulary pieces that are learned from new text.

    All ids stay, and the new ones follow. Text is read as by `bytepiece train`, and what
    PATH:WEIGHT names counts that many times. OUT.ids.json says for each old id, from 0 on, that it
    is the same, or -1 where there was none.

    \b
    Examples:
      bytepiece extend english.model chinese.txt --vocab-size 48000 -o both.model
      bytepiece extend a.model more/ --vocab-size 40000 --memory 2G -o b.model
      bytepiece extend base.model 'code/**/*.py' docs.jsonl:0.5 --vocab-size 40000 -o code.model
    """  # noqa: D301
    # Here, because it imports the compiler, which is slow, and --help can do without.
    from bytepiece import model_io  # noqa: PLC0415

    corpus = Corpus(inputs, jsonl, column)
    check_output(output, [model], corpus.files())
    old = model_io.load(model)
    with corpus.opened(temp_dir) as files, Phases() as phases:
        edited = bytepiece.extend(
            old,
            files,
            size,
            threads=threads,
            memory=memory,
            temp_dir=temp_dir,
            progress=phases.report,
        )
    stay, came = ids_in(old), ids_in(edited.model) - ids_in(old)
    write_edited(edited, old, output, f"{stay} stay, {came} come")
    if edited.model.vocab_size < size:
        say(
            f"only {came} pieces came of this corpus, which is small, or has little that is new; "
            f"--vocab-size {size} has room for {size - old.vocab_size}"
        )
