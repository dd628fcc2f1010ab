"""bytepiece encode: turn text into ids."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import bytepiece
from bytepiece.encoding.options import BY_TEXT
from bytepiece.parallel import usable_cores

from .choices import engine_option
from .documents import documents_or_columns, first_bytes
from .options import (
    column_option,
    inputs_argument,
    jsonl_option,
    missing_model_explained,
    model_option,
    sampling_options,
    threads_option,
)
from .progress import Phases, input_progress
from .signals import interrupted
from .spool import is_stream
from .streams import STDOUT, say

if TYPE_CHECKING:
    from bytepiece.inputs.files import Files
    from bytepiece.parallel import Engine
    from bytepiece.tokenizer import Tokenizer

_LINES = ("ids", "pieces", "jsonl")
_TOKEN_FILES = ("megatron", "npy", "raw", "llmc", "datatrove")
_PRICED = 1_000_000
"""The number of bytes at the beginning of the input that find the alpha of --more-tokens."""


@click.command("encode", short_help="Turn text into ids, by the best path or a random one.")
@inputs_argument
@model_option
@sampling_options
@click.option(
    "--format",
    type=click.Choice([*_LINES, "parquet", *_TOKEN_FILES]),
    default="ids",
    show_default=True,
    help="The format of the output. ids: a line of ids with spaces between them. pieces: a line of "
    'readable pieces. jsonl: {"ids": [...]}. parquet: a column `ids` of lists. The others are '
    "token files, which hold all ids end to end. megatron: OUT.bin and OUT.idx, for Megatron-LM. "
    "npy: OUT.ids.npy and OUT.offsets.npy, for np.load. raw: OUT.bin without a head, for nanoGPT "
    "and OLMo-core. llmc: OUT.bin with the head of llm.c. datatrove: OUT.ds and OUT.ds.index.",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="The file to write with --format parquet, or the beginning of the files' names with "
    "token files; with --engine ray or spark, a new directory. The other formats go to standard "
    "output.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue an earlier run that was stopped, with the same arguments. It works with "
    "token files (--format megatron, npy, raw, llmc and datatrove), and with --engine.",
)
@jsonl_option
@column_option
@click.option("--bos", is_flag=True, help="Begin each document with the special token <bos>.")
@click.option("--eos", is_flag=True, help="End each document with the special token <eos>.")
@threads_option
@engine_option
def command(
    files: tuple[Path, ...],
    model: Path,
    sampling: dict[str, Any],
    more_tokens: float | None,
    format: Any,
    output: Path | None,
    resume: bool,
    jsonl: str | None,
    column: str,
    bos: bool,
    eos: bool,
    threads: int | None,
    engine: "Engine | None",
) -> None:
    """Turn text into ids.

    Each line of a text file is a document, and becomes one line of output. Documents that contain
    line ends can be records of .jsonl files or rows of Parquet files. A directory stands for all
    files in it. Without FILE, or if FILE is -, standard input is read, and each line is encoded as
    soon as it arrives. Files may be compressed with gzip, bzip2, xz or zstd. Documents are numbered
    from 0 across all files, or as --first-document and --doc-ids say. With --sample, the seed, the
    epoch and a document's number determine its sample; other documents do not matter.

    \b
    Examples:
      echo "some text" | bytepiece encode
      bytepiece encode corpus.txt > ids.txt
      bytepiece encode --sample --more-tokens 10% --seed 7 --epoch 3 < corpus.txt
      bytepiece encode --format pieces --sample --seed 7 --doc-ids id records.jsonl
      bytepiece encode --format megatron -o tokens --eos --resume corpus.txt
      bytepiece encode --format parquet -o /shared/ids --engine ray --resume /shared/crawl
    """  # noqa: D301
    _check(format, output, resume, engine, files)
    with _objects_that_stay():
        # Imported here, because it loads the compiler, which is slow, and --help does not need it.
        from . import sinks  # noqa: PLC0415

        with missing_model_explained(model):
            tokenizer = bytepiece.Tokenizer.load(model)
        if sampling.pop("made_only", False):
            tokenizer = bytepiece.Tokenizer(tokenizer.model.made_only())
    threads = threads or usable_cores()
    files = _expanded(files, jsonl)
    first, doc_ids = sampling.pop("first_document", 0), sampling.pop("doc_ids", None)
    names = None if doc_ids == BY_TEXT else doc_ids
    options = {"add_bos": bos, "add_eos": eos, **sampling}
    done = 0
    with ExitStack() as stack:
        progress = input_progress("encoding", files, output or STDOUT)
        if engine is None:
            stack.enter_context(progress)
        batches = documents_or_columns(files, jsonl, column, progress.advance, names)
        if more_tokens is not None:
            head, batches = first_bytes(batches, _PRICED)
            if any(head):  # without text, any alpha will do
                law = {name: sampling[name] for name in ("sampler", "nbest_size", "sample_prob")}
                price = 1 + more_tokens
                options["alpha"] = tokenizer.alpha_for_tokens(head, price, threads=threads, **law)
        if engine is not None and output is not None:
            corpus = bytepiece.Files(files, jsonl, parquet_column=column)
            numbers = {"doc_id0": first, "doc_ids": doc_ids}
            settings = {"layout": format, "engine": engine, "resume": resume}
            _encode_elsewhere(tokenizer, corpus, output, **settings, **numbers, **options)
            return
        if output is None:
            opened = sinks.lines(format, tokenizer)
        elif format == "parquet":
            opened = sinks.parquet(output, files)
        else:
            arguments = {**options, "jsonl": jsonl, "column": column}
            if first or doc_ids is not None:
                arguments |= {"first_document": first, "doc_ids": doc_ids}
            opened = sinks.token_files(output, format, tokenizer, files, arguments, resume)
        sink = stack.enter_context(opened)
        for texts, numbers in batches:
            skipped = min(max(sink.documents - done, 0), len(texts))
            rest = texts[skipped:] if skipped else texts
            rows = tokenizer.encode_batch(
                rest,
                doc_id0=first + done + skipped,
                doc_ids=doc_ids if numbers is None else numbers[skipped:],
                threads=threads,
                **options,
            )
            sink.append(rows, rest)
            done += len(texts)
        if done < sink.documents:
            raise click.ClickException(
                f"{sink.documents} documents were encoded before, and now there are only {done}"
            )


def _encode_elsewhere(
    tokenizer: "Tokenizer", corpus: "Files", output: Path, **settings: Any
) -> None:
    """Encode files on an engine; `settings` are keywords of `encode_files`."""
    from bytepiece.corpus_encoding import INDEX, encode_files  # noqa: PLC0415  # as `sinks`

    try:
        with Phases() as phases:
            index = encode_files(tokenizer, corpus, output, progress=phases.report, **settings)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, OSError)) or interrupted():
            name = click.format_filename(output)
            say(f"bytepiece: what was done is kept in {name}; --resume goes on from there")
        raise
    counts = f"{index['documents']} documents, {index['tokens']} ids"
    parts = f"in {len(index['parts'])} parts"
    say(f"bytepiece: {counts} {parts}; {click.format_filename(output / INDEX)} lists them")


@contextmanager
def _objects_that_stay() -> Iterator[None]:
    """Keep Python from looking for garbage among the objects that are made, now and at the end.

    Without it, a process with a model of 80,000 pieces starts in 0.9 s instead of 0.7.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _expanded(files: tuple[Path, ...], jsonl: str | None) -> tuple[Path, ...]:
    """Return all files, with those of directories in the place of the directories."""
    found: list[Path] = []
    for path in files:
        inputs = bytepiece.Files([path], jsonl).inputs() if path.is_dir() else None
        found += [path] if inputs is None else [file.path for file in inputs]
    return tuple(found)


def _check(
    format: str,
    output: Path | None,
    resume: bool,
    engine: "Engine | None",
    files: tuple[Path, ...],
) -> None:
    """Raise if the options do not fit the format or the engine."""
    if format in _LINES and engine is not None:
        raise click.UsageError(
            f"workers write files; name --format parquet, {' or '.join(_TOKEN_FILES)}"
        )
    if engine is not None and (not files or any(map(is_stream, files))):
        raise click.UsageError("workers read files; name files or directories")
    if format in _LINES and output is not None:
        raise click.UsageError(
            f"--format {format} goes to standard output; leave -o out, and write > FILE"
        )
    if format not in _LINES and output in (None, STDOUT):
        raise click.UsageError(f"--format {format} is written to files; name them with -o")
    if engine is None and output is not None and output.is_dir():
        name = click.format_filename(output)
        raise click.UsageError(f"{name} is a directory; name a file with -o")
    if resume and format not in _TOKEN_FILES and engine is None:
        raise click.UsageError(f"--resume is about --format {', '.join(_TOKEN_FILES)}")
