"""bytepiece encode: text to ids."""

from pathlib import Path
from typing import Any

import click

from .documents import documents
from .options import (
    files_argument,
    jsonl_option,
    load_tokenizer,
    model_option,
    sampling_options,
    threads_option,
)
from .progress import for_filter
from .streams import write


@click.command("encode", short_help="Turn text into ids, by the best path or a random one.")
@files_argument
@model_option
@sampling_options
@click.option(
    "--format",
    type=click.Choice(["ids", "pieces", "jsonl"]),
    default="ids",
    show_default=True,
    help='ids: separated by spaces. pieces: made visible, to look at. jsonl: {"ids": [...]}.',
)
@jsonl_option
@click.option("--bos", is_flag=True, help="Begin each document with the special token <bos>.")
@click.option("--eos", is_flag=True, help="End each document with the special token <eos>.")
@threads_option
def command(
    files: tuple[Path, ...],
    model: Path,
    sampling: dict[str, Any],
    format: str,
    jsonl: str | None,
    bos: bool,
    eos: bool,
    threads: int | None,
) -> None:
    """Turn text into ids.

    A line is a document, and gives a line of output; documents with line ends in them go into
    .jsonl files. Without FILE, or where it is -, standard input is read, and answered line by
    line. What is compressed, by gzip, bzip2, xz or zstd, is decompressed. Documents are numbered
    from 0 across all files; with --sample a document's number, the seed and the epoch determine
    its sample, whatever else is encoded.

    \b
    Examples:
      echo "some text" | bytepiece encode
      bytepiece encode corpus.txt > ids.txt
      bytepiece encode --sample --alpha 0.1 --seed 7 --epoch 3 < corpus.txt
      bytepiece encode --format pieces --bos --eos records.jsonl
    """  # noqa: D301
    # Here, because these import the compiler, which is slow, and --help can do without.
    from bytepiece.parallel import usable_cores  # noqa: PLC0415

    from .rows import writer  # noqa: PLC0415

    tokenizer = load_tokenizer(model)
    to_lines = writer(format, tokenizer)
    doc_id = 0
    with for_filter("encoding", files) as meter:
        for texts in documents(files, jsonl, meter.advance):
            rows = tokenizer.encode_batch(
                texts,
                add_bos=bos,
                add_eos=eos,
                doc_id0=doc_id,
                threads=threads or usable_cores(),
                **sampling,
            )
            write(to_lines(rows))
            doc_id += len(texts)
