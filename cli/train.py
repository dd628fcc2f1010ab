"""bytepiece train: text to a model."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import bytepiece

from .options import DEFAULT_MODEL, jsonl_option, threads_option
from .progress import Phases, duration, megabytes
from .spool import comes_once, spooled
from .streams import STDIN, say
from .weighted import weighted

if TYPE_CHECKING:
    from bytepiece.model import Model, NormalizationStep, TextRules
    from bytepiece.training.files import Files

_SAMPLE = 1_000_000
"""Bytes from the beginning of the corpus that the closing summary is measured on."""


class _Train(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As always, but -:WEIGHT is standard input and its weight, and not an option."""
        return super().parse_args(ctx, [f"./{a}" if a.startswith("-:") else a for a in args])


@click.command("train", cls=_Train, short_help="Train a model on text.")
@click.argument("inputs", metavar="PATH[:WEIGHT]...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=DEFAULT_MODEL,
    show_default=True,
    help="The model file to write.",
)
@click.option(
    "--vocab-size",
    "sizes",
    type=click.IntRange(259, 2**24),
    multiple=True,
    default=[32000],
    show_default=True,
    help="The most ids, three special tokens among them. Given several times, one run makes as "
    "many models, PATH.SIZE each.",
)
@click.option(
    "--order",
    type=click.IntRange(2, 7),
    default=6,
    show_default=True,
    help="The length of the byte n-grams that are counted.",
)
@click.option(
    "--min-count",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Drop n-grams and pieces that are rarer.",
)
@click.option(
    "--max-piece-length",
    type=click.IntRange(1, 1024),
    default=36,
    show_default=True,
    help="Drop pieces that are longer, in bytes.",
)
@click.option("--isolate-digits", is_flag=True, help="Make every decimal digit a token by itself.")
@click.option(
    "--ensure-unicode/--no-ensure-unicode",
    default=True,
    show_default=True,
    help="Cut only between characters, apart from the 256 single bytes.",
)
@click.option(
    "--normalization",
    type=click.Choice(["NFC", "NFD", "NFKC", "NFKD"]),
    multiple=True,
    help="Normalize text, in training and in encoding; may be given several times.  [default: "
    "none; NFC with --format original]",
)
@jsonl_option
@click.option(
    "--column",
    metavar="NAME",
    default="text",
    show_default=True,
    help="The column of Parquet files that holds the text.",
)
@click.option(
    "--temp-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    show_default="the system's",
    help="The directory for temporary files.",
)
@threads_option
@click.option(
    "--format",
    type=click.Choice(["bytepiece", "original"]),
    default="bytepiece",
    show_default=True,
    help="original: for the original BytePiece library.",
)
@click.option(
    "--vocab", is_flag=True, help="Write PATH.vocab as well: a table of the pieces, to look at."
)
def command(
    inputs: tuple[str, ...],
    output: Path,
    sizes: tuple[int, ...],
    jsonl: str | None,
    column: str,
    temp_dir: Path | None,
    format: str,
    vocab: bool,
    normalization: tuple["NormalizationStep", ...],
    **options: Any,
) -> None:
    """Train a model on text.

    PATH is a file, a directory, for all the files in it, or a quoted pattern such as
    'data/**/*.txt'. A text file is one text; in a .jsonl file a field of each record is one, in
    Parquet a column of each row, and a line of a .tsv file is a text, a tab and how often it
    counts. Files may be compressed: gzip, bzip2, xz, zstd. Where PATH is -, standard input is
    read, and kept in a temporary file meanwhile. What PATH:WEIGHT names counts that many times,
    so that languages can be balanced. The result is the same for any number of threads.

    \b
    Examples:
      bytepiece train corpus.txt
      bytepiece train --vocab-size 8000 --vocab-size 32000 -o zh.model wiki.txt news.txt.gz
      bytepiece train --jsonl content -o web.model 'crawl/**/*.jsonl.zst'
      bytepiece train english:0.5 chinese:2 --column content
      curl https://example.org/corpus.txt.gz | bytepiece train - --vocab
    """  # noqa: D301
    # Here, because these import the compiler, which is slow, and --help can do without.
    from bytepiece import model_io  # noqa: PLC0415
    from bytepiece._jit import compile_seconds  # noqa: PLC0415
    from bytepiece.model import TextRules  # noqa: PLC0415
    from bytepiece.training.files import Files  # noqa: PLC0415

    save = model_io.save
    if format == "original":
        save = model_io.save_original
        normalization = normalization or ("NFC",)
        _check_original(TextRules(normalization, options["isolate_digits"]))
    targets = dict.fromkeys(sizes, output)
    if len(targets) > 1:
        targets = {size: Path(f"{output}.{size}") for size in sizes}
    tables = {target: Path(f"{target}.vocab") for target in targets.values() if vocab}
    given, weights = zip(*map(weighted, inputs), strict=True)
    # Before what comes once is waited for.
    lasting = [path for path in given if not comes_once(path)]
    corpus = [file.path for file in Files(lasting, jsonl).inputs()]
    for target in {output, *targets.values(), *tables.values()}:
        _check_writable(target, corpus)
    with spooled(given, temp_dir) as paths:
        files = Files(paths, jsonl, parquet_column=column, weights=weights)
        start = time.monotonic()
        with Phases() as phases:
            models = bytepiece.train(
                files,
                list(targets),
                normalization=normalization,
                progress=phases.report,
                temp_dir=temp_dir,
                **options,
            )
        sample = _beginning(files)
        for target, model in zip(targets.values(), models, strict=True):
            save(model, target)
            if vocab:
                model_io.save_vocab(model, tables[target])
        seconds = time.monotonic() - start
    text = megabytes(models[0].record["corpus_bytes"])
    compiling = compile_seconds()
    apart = f", {duration(compiling)} of it compiling" if compiling > 1 else ""
    say(f"trained on {text} of text in {duration(seconds)}{apart}")
    for (size, target), model in zip(targets.items(), models, strict=True):
        _sum_up(target, model, size, sample)


def _check_original(rules: "TextRules") -> None:
    from bytepiece.formats import original  # noqa: PLC0415

    if rules != original.RULES:
        raise click.UsageError(
            "the original format means --normalization NFC and no --isolate-digits; leave these "
            "options out, or --format original"
        )


def _check_writable(target: Path, files: Sequence[Path]) -> None:
    """Find out before hours of training whether their result can be written."""
    name = click.format_filename(target)
    if target == STDIN:
        raise click.UsageError("a model is written to a file; name one with -o")
    target = Path(os.path.realpath(target))  # a link stays one, and what it leads to is written
    if target.exists() and not target.is_file():
        raise click.ClickException(f"{name} is no regular file; name another one with -o")
    for file in files:
        if target.exists() and target.samefile(file):
            raise click.UsageError(f"{name} is part of the corpus; name another file with -o")
    try:
        # As long a name as the file will have while it is being written.
        tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", suffix=".writable.tmp"
        ).close()
    except OSError as error:
        raise click.ClickException(
            f"{name} cannot be written: {error.strerror}; name another file with -o"
        ) from None


def _beginning(files: "Files") -> list[bytes]:
    """The lines, without their ends, of the beginning of a corpus; the last one may be cut."""
    from bytepiece.text import to_bytes  # noqa: PLC0415

    lines: list[bytes] = []
    left = _SAMPLE
    for text in files:
        raw = to_bytes(text)[:left]
        lines += raw.split(b"\n")
        left -= len(raw)
        if not left:
            break
    return lines


def _sum_up(target: Path, model: "Model", size: int, sample: list[bytes]) -> None:
    tokens = len(bytepiece.Tokenizer(model).encode_batch(sample).ids)
    taken = sum(map(len, sample))
    specials = len(model.special_tokens)
    parts = [f"{len(model.pieces)} pieces and {specials} special tokens"]
    if tokens:
        parts.append(f"{taken / tokens:.2f} bytes per token on the first {megabytes(taken)}")
    say(f"{click.format_filename(target)}: {'; '.join(parts)}")
    if model.vocab_size < size:
        few = "; a corpus that is small, or repeats itself --min-count times, gives few"
        say(
            f"training kept only {len(model.pieces)} pieces of this corpus; --vocab-size {size} "
            f"has room for {size - specials}{few if model.vocab_size < size // 2 else ''}"
        )
