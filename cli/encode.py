"""bytepiece encode: text to ids."""

from pathlib import Path
from typing import Any

import click

from .documents import documents_or_columns
from .options import (
    column_option,
    files_argument,
    jsonl_option,
    load_tokenizer,
    model_option,
    sampling_options,
    threads_option,
)
from .outputs import OUTPUT
from .progress import for_filter
from .streams import STDOUT

_LINES = ("ids", "pieces", "jsonl")
_TOKEN_FILES = ("megatron", "npy")


@click.command("encode", short_help="Turn text into ids, by the best path or a random one.")
@files_argument
@model_option
@sampling_options
@click.option(
    "--format",
    type=click.Choice([*_LINES, "parquet", *_TOKEN_FILES]),
    default="ids",
    show_default=True,
    help='ids: separated by spaces. pieces: made visible, to look at. jsonl: {"ids": [...]}. '
    "parquet: a column `ids` of lists. megatron: -o.bin and -o.idx, as Megatron-LM reads them. "
    "npy: -o.ids.npy and -o.offsets.npy, as np.load reads them.",
)
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    help="The file to write, for parquet; what the names of the files begin with, for megatron "
    "and npy. The other formats go to standard output.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on where an earlier run with the same arguments was stopped, if one was; for megatron "
    "and npy.",
)
@jsonl_option
@column_option
@click.option("--bos", is_flag=True, help="Begin each document with the special token <bos>.")
@click.option("--eos", is_flag=True, help="End each document with the special token <eos>.")
@threads_option
def command(
    files: tuple[Path, ...],
    model: Path,
    sampling: dict[str, Any],
    format: Any,
    output: Path | None,
    resume: bool,
    jsonl: str | None,
    column: str,
    bos: bool,
    eos: bool,
    threads: int | None,
) -> None:
    """Turn text into ids.

    A line is a document, and gives a line of output; documents with line ends in them go into
    .jsonl files, or into the rows of Parquet files. Without FILE, or where it is -, standard
    input is read, and answered line by line. What is compressed, by gzip, bzip2, xz or zstd, is
    decompressed. Documents are numbered from 0 across all files; with --sample a document's
    number, the seed and the epoch determine its sample, whatever else is encoded.

    \b
    Examples:
      echo "some text" | bytepiece encode
      bytepiece encode corpus.txt > ids.txt
      bytepiece encode --sample --alpha 0.1 --seed 7 --epoch 3 < corpus.txt
      bytepiece encode --format pieces --bos --eos records.jsonl
      bytepiece encode --format parquet -o ids.parquet --column text texts.parquet
      bytepiece encode --format megatron -o tokens --eos --resume corpus.txt
    """  # noqa: D301
    _check(format, output, resume)
    # Here, because these import the compiler, which is slow, and --help can do without.
    from bytepiece.parallel import usable_cores  # noqa: PLC0415

    from . import sinks  # noqa: PLC0415

    tokenizer = load_tokenizer(model)
    options = {"add_bos": bos, "add_eos": eos, **sampling}
    if output is None:
        opened = sinks.lines(format, tokenizer)
    elif format == "parquet":
        opened = sinks.parquet(output, files)
    else:
        arguments = {**options, "jsonl": jsonl, "column": column}
        opened = sinks.token_files(output, format, tokenizer, files, arguments, resume)
    doc_id = 0
    with opened as sink, for_filter("encoding", files, output or STDOUT) as meter:
        for texts in documents_or_columns(files, jsonl, column, meter.advance):
            skipped = min(max(sink.documents - doc_id, 0), len(texts))
            rest = texts[skipped:] if skipped else texts
            rows = tokenizer.encode_batch(
                rest,
                doc_id0=doc_id + skipped,
                threads=threads or usable_cores(),
                **options,
            )
            sink.append(rows, rest)
            doc_id += len(texts)
        if doc_id < sink.documents:
            raise click.ClickException(
                f"{sink.documents} documents were encoded before, and now there are only {doc_id}"
            )


def _check(format: str, output: Path | None, resume: bool) -> None:
    """See that the options fit the format."""
    if format in _LINES and output is not None:
        raise click.UsageError(
            f"--format {format} goes to standard output; leave -o out, and write > FILE"
        )
    if format not in _LINES and output in (None, STDOUT):
        raise click.UsageError(f"--format {format} is written to files; name them with -o")
    if resume and format not in _TOKEN_FILES:
        raise click.UsageError(f"--resume is about --format {' and '.join(_TOKEN_FILES)}")
