"""bytepiece train: makes a model from text."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import bytepiece
from bytepiece.errors import CorpusError
from bytepiece.training.options import STAGES, JobStage

from .choices import checkpoint_option, memory_option, training_choices, training_option
from .corpus import CorpusInputs, clear_checkpoint
from .jobs import SHARD
from .options import (
    DEFAULT_MODEL,
    TEXT,
    column_option,
    jsonl_option,
)
from .outputs import check_writable
from .progress import Phases, duration, megabytes, peak_memory
from .signals import interrupted
from .streams import say
from .weighted import WEIGHTED_PATH, WeightedCommand

if TYPE_CHECKING:
    from bytepiece.inputs.files import Files
    from bytepiece.model import Model
    from bytepiece.parallel import Engine
    from bytepiece.rules.text_rules import NormalizationStep

_SAMPLE = 1_000_000
"""The compression in the closing message is measured on this many bytes of the corpus's
beginning."""

_WHY_FEW = {
    "unigram": "no other string occurs often enough",
    "merge": "no other two neighbouring pieces occur together often enough",
    "bnlm": "a corpus that is small, or repeats itself --min-count times, gives few",
}
"""By algorithm: why a vocabulary may be smaller than asked for."""

_MOST_TOLD = 9
"""The most groups whose weights the closing message tells. The model's record has all."""


@click.command("train", cls=WeightedCommand, short_help="Train a model on text.")
@click.argument("inputs", metavar="PATH[:WEIGHT]...", type=WEIGHTED_PATH, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=DEFAULT_MODEL,
    show_default=True,
    help="The model file to write.",
)
@training_option("vocab_size", " Several models are written to PATH.SIZE each.")
@training_choices
@training_option(
    "normalization",
    " May be given several times.",
    show_default="none; NFC with --format original",
)
@jsonl_option
@column_option
@click.option(
    "--balance",
    metavar="EXPONENT",
    type=click.FloatRange(0, 1),
    help="Make the shares of the inputs more equal: p becomes p^EXPONENT, for example with 0.3. "
    "With 0 all inputs count equally. Weights are multiplied with it.",
)
@click.option(
    "--balance-by",
    metavar="FIELD",
    type=TEXT,
    help="With --balance: the groups are not the inputs, but the values of this field of JSON "
    "lines, and of this column of Parquet files.",
)
@memory_option
@checkpoint_option
@training_option("temp_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@training_option("threads")
@training_option("engine")
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    help="For job arrays: do only this stage, and leave its result in the checkpoint. All but "
    "rounds and combine, the last one, may be parted with --shard. count and cut are for bnlm.",
)
@click.option(
    "--shard",
    metavar="I/N",
    type=SHARD,
    default="1/1",
    help="With --stage: job I of N, which works on every N-th part of the corpus.",
)
@click.option(
    "--format",
    type=click.Choice(["bytepiece", "original"]),
    default="bytepiece",
    show_default=True,
    help="The format of the model file: original is for the original BytePiece library.",
)
@click.option(
    "--vocab", is_flag=True, help="Also write PATH.vocab, a readable table of the pieces."
)
def command(
    inputs: tuple[str, ...],
    output: Path,
    vocab_size: tuple[int, ...],
    jsonl: str | None,
    column: str,
    balance: float | None,
    balance_by: str | None,
    checkpoint: Path | None,
    temp_dir: Path | None,
    format: str,
    vocab: bool,
    stage: str | None,
    shard: tuple[int, int],
    engine: "Engine | JobStage | None",
    normalization: tuple["NormalizationStep", ...],
    **options: Any,
) -> None:
    """Train a model on text.

    PATH is a file, a directory (for all files in it) or a quoted pattern such as
    'data/**/*.txt'. A text file is one text. In a .jsonl file, one field of each record is a text;
    in Parquet, one column of each row. Each line of a .tsv file is a text, a tab and how often the
    text counts. Files may be compressed with gzip, bzip2, xz or zstd. If PATH is -, standard input
    is read, and kept in a temporary file during training. The text in PATH:WEIGHT counts WEIGHT
    times, so that languages can be balanced; --balance computes such weights. The result is the
    same for any number of threads, and however often a run with --checkpoint is killed.

    \b
    Examples:
      bytepiece train corpus.txt
      bytepiece train --vocab-size 8000 --vocab-size 32000 -o zh.model wiki.txt news.txt.gz
      bytepiece train english:0.5 chinese:2 --column content --special-token '<|user|>'
      bytepiece train 'crawl/**/*.jsonl.zst' --balance 0.3 --balance-by language --memory 4G
      bytepiece train 'crawl/*.parquet' --engine ray --checkpoint /shared/kept --memory 16G
      curl https://example.org/corpus.txt.gz | bytepiece train - --vocab
    """  # noqa: D301
    # Imported here, because these load the compiler, which is slow, and --help does not need it.
    from bytepiece import model_io  # noqa: PLC0415
    from bytepiece.kernels.jit import compile_seconds  # noqa: PLC0415

    save = model_io.save
    if format == "original":
        save = model_io.save_original
        normalization = normalization or ("NFC",)
        _check_original(normalization, options)
    if balance is None and balance_by is not None:
        raise click.UsageError("--balance-by needs --balance EXPONENT; add that, such as 0.3")
    if balance is not None and balance_by is None and len(inputs) < 2:
        raise click.UsageError("--balance needs several inputs, or --balance-by FIELD")
    if stage is not None:
        engine = _job(stage, shard, engine, checkpoint, options["memory"])
    elif shard != (1, 1):
        raise click.UsageError("--shard needs --stage sample, count, cut or score; add that")
    targets = dict.fromkeys(vocab_size, output)
    if len(targets) > 1:
        targets = {size: Path(f"{output}.{size}") for size in vocab_size}
    tables = {target: Path(f"{target}.vocab") for target in targets.values() if vocab}
    corpus = CorpusInputs(inputs, jsonl, column)
    # Check before waiting for input that comes only once.
    known = corpus.files()
    for target in {output, *targets.values(), *tables.values()}:
        check_writable(target, known)
    with corpus.opened(temp_dir) as files, _resumable(checkpoint):
        start = time.monotonic()
        with Phases() as phases:
            if balance is not None:
                files = files.balanced(balance, balance_by, progress=phases.report)  # noqa: PLW2901
            models = bytepiece.train(
                files,
                list(targets),
                normalization=normalization,
                progress=phases.report,
                checkpoint=checkpoint,
                temp_dir=temp_dir,
                engine=engine,
                **options,
            )
        if not models:
            return
        for target, model in zip(targets.values(), models, strict=True):
            save(model, target)
            if vocab:
                model_io.save_vocab(model, tables[target])
        seconds = time.monotonic() - start
        sample = _beginning(files)
    if checkpoint is not None:
        clear_checkpoint(checkpoint)
    text = megabytes(models[0].record["corpus_bytes"])
    compiling = compile_seconds()
    apart = f", {duration(compiling)} of it compiling" if compiling > 1 else ""
    memory = peak_memory()
    most = f"; {megabytes(memory)} of memory at most" if memory else ""
    say(f"trained on {text} of text in {duration(seconds)}{apart}{most}")
    if files.balance is not None:
        by_input = dict(zip(inputs, files.weights, strict=True)) if balance_by is None else None
        _tell_weights(by_input or files.balance.weights)
    for (size, target), model in zip(targets.items(), models, strict=True):
        _sum_up(target, model, size, sample)


def _job(
    stage: str,
    shard: tuple[int, int],
    engine: "Engine | JobStage | None",
    checkpoint: Path | None,
    memory: int | None,
) -> JobStage:
    """Return the stage that a job is to do, or raise a usage error."""
    if engine is not None:
        raise click.UsageError("--stage is for jobs without an engine; leave out either")
    if checkpoint is None or memory is None:
        raise click.UsageError(
            "--stage needs --checkpoint DIR and --memory SIZE, the same for all jobs"
        )
    if shard != (1, 1) and stage in ("rounds", "combine"):
        raise click.UsageError(f"--stage {stage} is one job; leave out --shard")
    return JobStage(stage, shard[0] - 1, shard[1])


def _check_original(normalization: Sequence[str], options: Mapping[str, Any]) -> None:
    """Raise a usage error if the original format cannot express an option."""
    asked = {
        "--normalization": tuple(normalization) != ("NFC",),
        "--digits": options["digits"] != "free",
        "--special-token": options["special_tokens"],
        "--reserved": options["reserved"],
        "--pad-to-multiple": options["pad_to_multiple"] > 1,
    }
    names = ", ".join(name for name, is_asked in asked.items() if is_asked)
    if names:
        raise click.UsageError(
            f"the original format cannot say what {names} asks for; leave out either "
            "that or --format original"
        )


@contextmanager
def _resumable(checkpoint: Path | None) -> Iterator[None]:
    """If a run is interrupted, tell the user how to continue it."""
    try:
        yield
    except BaseException as error:
        if checkpoint is not None and (isinstance(error, KeyboardInterrupt) or interrupted()):
            place = click.format_filename(checkpoint)
            say(f"what was done is kept in {place}; the same command goes on from there")
        raise


def _beginning(files: "Files") -> list[bytes]:
    """Return the first lines of a corpus without their ends; the last one may be cut.

    The list is empty if the corpus is no longer there.
    """
    from bytepiece.rules.text import to_bytes  # noqa: PLC0415

    lines: list[bytes] = []
    left = _SAMPLE
    with suppress(CorpusError, OSError):
        for text in files:
            raw = to_bytes(text)[:left]
            lines += raw.split(b"\n")
            left -= len(raw)
            if not left:
                break
    return lines


def _tell_weights(weights: Mapping[str, float]) -> None:
    """Tell the user how often the text of each group counts."""
    shown = [
        f"{group:.40} {weight:g} times" for group, weight in list(weights.items())[:_MOST_TOLD]
    ]
    more = len(weights) - len(shown)
    say(f"balanced: the text counts in {', '.join(shown)}{f' and {more} more' if more > 0 else ''}")


def _sum_up(target: Path, model: "Model", size: int, sample: list[bytes]) -> None:
    """Tell the user what is in a model that was written, and how well it compresses."""
    record = model.record
    specials = len(model.special_tokens)
    parts = [f"{len(model.pieces)} pieces and {specials} special tokens"]
    if "held_out_bytes" in record:
        rate = record["held_out_bytes_per_token"]
        parts.append(
            f"{rate:.2f} bytes per token on {megabytes(record['held_out_bytes'])} held out"
        )
    elif tokens := len(bytepiece.Tokenizer(model).encode_batch(sample).ids):
        taken = sum(map(len, sample))
        parts.append(f"{taken / tokens:.2f} bytes per token on the first {megabytes(taken)}")
    if "sampled_bytes" in record:
        parts.append(f"pieces found in a sample of {megabytes(record['sampled_bytes'])}")
    say(f"{click.format_filename(target)}: {'; '.join(parts)}")
    if model.vocab_size < size:
        reason = _WHY_FEW[record["algorithm"]]
        say(
            f"training kept only {len(model.pieces)} pieces of this corpus; --vocab-size {size} "
            f"has room for {size - specials}; {reason}"
        )
