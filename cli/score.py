"""bytepiece score: learn probabilities for the pieces of a given vocabulary."""

from pathlib import Path

import click

import bytepiece

from .corpus import CorpusInputs
from .edits import MODEL
from .options import column_option, jsonl_option, temp_dir_option, threads_option
from .outputs import check_writable, is_among
from .progress import Phases
from .streams import name_of, say
from .weighted import WEIGHTED_PATH, WeightedCommand


@click.command("score", cls=WeightedCommand, short_help="Learn scores for given pieces.")
@click.argument("model", type=MODEL)
@click.argument("inputs", metavar="PATH[:WEIGHT]...", type=WEIGHTED_PATH, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    required=True,
    help="The model file to write.",
)
@jsonl_option
@column_option
@temp_dir_option
@threads_option
def command(
    model: Path,
    inputs: tuple[str, ...],
    output: Path,
    jsonl: str | None,
    column: str,
    temp_dir: Path | None,
    threads: int | None,
) -> None:
    """Learn probabilities for MODEL's pieces from text, by expectation maximization.

    Pieces and ids stay as they are. MODEL may be the BPE vocabulary of a language model: samples
    then follow these probabilities, and deterministic encoding stays that of the library.
    `bytepiece train --help` explains PATH and WEIGHT.

    \b
    Examples:
      bytepiece score tokenizer.json corpus.txt -o scored.model
      bytepiece score scored.model code.jsonl:2 more/ --threads 2 -o other.model
      head -n 99999 log.txt | bytepiece score x.json - -o log.model
    """  # noqa: D301
    corpus = CorpusInputs(inputs, jsonl, column)
    if is_among(output, [model]):
        raise click.UsageError(f"{name_of(output)} is read; name another file with -o")
    check_writable(output, corpus.files())
    old = bytepiece.model_io.load(model)
    with corpus.opened(temp_dir) as files, Phases() as phases:
        scored = bytepiece.score(old, files, threads=threads, progress=phases.report)
    bytepiece.model_io.save(scored, output)
    facts = scored.record["scored"]
    say(
        f"{name_of(output)}: {len(scored.pieces)} pieces; "
        f"{facts['bits_per_byte']:.3f} bits per byte"
    )
