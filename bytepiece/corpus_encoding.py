"""A corpus in files, encoded on an engine: one part of the output for each shard, and one index.

The parts are Parquet files or token files. A part gets its name when it is whole, and the index is
written last. Until then a checkpoint in the output's directory says which parts are done, so a run
that was killed does only the others.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np

from bytepiece._checks import plain, unsigned
from bytepiece._files import write_atomically
from bytepiece.encoding.document_batches import count_documents, documents_of
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.options import BY_TEXT
from bytepiece.encoding.special import in_one_order
from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.inputs.files import Files
from bytepiece.inputs.shards import Shard, shards_of
from bytepiece.integrations.arrow import ParquetWriter
from bytepiece.parallel import Engine
from bytepiece.token_files import Layout, TokenFileWriter
from bytepiece.tokenizer import Tokenizer
from bytepiece.training.checkpoint import Arrays, Checkpoint, clear
from bytepiece.training.progress import Progress, counting_up, silent

INDEX = "index.json"
"""The name of the index in the output's directory."""
_UNFINISHED = ".unfinished"
_FOLDERS = ".part-"
"""How the names of the folders begin in which parts are written."""


class ShardToEncode(NamedTuple):
    """A shard, and the number of its first document."""

    shard: Shard
    first: int


class EncodedPart(NamedTuple):
    """What is known of a part of the output: its shard, and how many documents and ids it has."""

    shard: Shard
    documents: int
    tokens: int


class EncodingPlan(NamedTuple):
    """How shards are encoded.

    Args:
        tokenizer: encodes.
        files: the corpus.
        output: the directory.
        layout: see `encode_files`.
        doc_ids: see `encode_files`.
        options: other keywords of `Tokenizer.encode_batch`.
        checkpoint: keeps what is known of finished parts.
    """

    tokenizer: Tokenizer
    files: Files
    output: Path
    layout: Layout | Literal["parquet"]
    doc_ids: str | None
    options: Mapping[str, Any]
    checkpoint: Checkpoint


def encode_files(
    tokenizer: Tokenizer,
    files: Files,
    output: str | os.PathLike[str],
    *,
    engine: Engine,
    layout: Layout | Literal["parquet"] = "parquet",
    doc_id0: int = 0,
    doc_ids: str | None = None,
    resume: bool = False,
    progress: Progress = silent,
    **options: Any,
) -> dict[str, Any]:
    """Encode a corpus into a directory of parts with one index.

    A document is a line of a text file, a record, or a row of a Parquet file. Neither the engine
    nor the number of workers changes the ids, the parts or the index.

    Args:
        tokenizer: the tokenizer that encodes.
        files: the corpus. All workers see it and the output under the same paths. Weights have no
            effect.
        output: the directory. It is new or empty, unless a run is resumed.
        engine: encodes the shards of the corpus; see `bytepiece.parallel.Engine`.
        layout: "parquet" for a column `ids` of lists, or a layout of `TokenFileWriter`.
        doc_id0: the number of the first document. The next documents have the next numbers, in the
            order of the corpus.
        doc_ids: the field of records or the column of Parquet files with the documents' numbers; or
            "text" for the hash of each text; see `Tokenizer.encode_batch`.
        resume: go on with a run that was killed. The other arguments are the same. If that run is
            finished, nothing is done.
        progress: called as progress(phase, done, total), in bytes of the files.
        options: other keywords of `Tokenizer.encode_batch`; to sample, a seed is needed.

    Returns:
        the index: the layout; how many documents and tokens there are, and where their ids come
        from; for each part its name, its number of documents and tokens, and the place of its first
        document in the corpus.

    Raises:
        ArgumentError: if a sample has no seed, or another argument is wrong.
        CorpusError: if a file cannot be read.
        TokenFileError: if the directory holds something else.
        CheckpointError: if it holds a run with other arguments.

    >>> import tempfile, bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train("data/sample.txt", 400))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     index = encode_files(
    ...         tok, bytepiece.Files(["data/sample.txt"]), folder, engine=map, layout="megatron"
    ...     )
    ...     part = bytepiece.token_files.TokenFile(f"{folder}/{index['parts'][0]['name']}")
    ...     len(part) == index["documents"] == 352
    True
    """
    files, output = files.absolute(), Path(output).absolute()
    sampled = options.get("alpha") is not None
    if not sampled:
        doc_ids = None  # The best path needs no numbers.
    elif options.get("seed") is None:
        raise ArgumentError("all workers need the same seed; give one with seed=")
    doc_id0 = unsigned(doc_id0, 64, "doc_id0")
    options = plain(options)
    if "allowed_special" in options:
        options["allowed_special"] = in_one_order(options["allowed_special"])
    tokenizer.encode_batch([], **options)  # It raises an error for wrong options.
    inputs = [[str(file.path), file.path.stat().st_size] for file in files.inputs()]
    given = {"doc_id0": doc_id0, "doc_ids": doc_ids, **options}
    run = {"model": tokenizer.fingerprint, "layout": layout, "files": inputs, **given}
    run |= {"jsonl_field": files.jsonl_field, "parquet_column": files.parquet_column}
    run = json.loads(json.dumps(run))
    found, kept = _begun(output, run, resume), output / _UNFINISHED
    if found is None:
        try:
            plan = EncodingPlan(
                tokenizer, files, output, layout, doc_ids, options, Checkpoint(kept, run)
            )
            parts = _encoded(plan, engine, doc_id0, sampled and doc_ids is None, progress)
        except BaseException:
            if not any(kept.glob("*.step")):  # There is nothing to resume.
                clear(kept)
            raise
        found = {"format": "bytepiece encoded corpus", **_index(parts), "run": run}
        write_atomically(output / INDEX, [json.dumps(found, indent=1).encode()])
    clear(kept)
    for folder in output.glob(f"{_FOLDERS}*"):  # Workers that were killed left them.
        rmtree(folder, ignore_errors=True)
    return found


def _begun(output: Path, run: Mapping[str, Any], resume: bool) -> dict[str, Any] | None:
    """Return the index if the run is finished; None if it is to be begun, or to be resumed."""
    if not output.exists():
        return None
    if all(path.name.startswith(_FOLDERS) for path in output.iterdir()):
        return None
    unfinished, index = output / _UNFINISHED, output / INDEX
    if resume and index.exists():
        found: dict[str, Any] = json.loads(index.read_bytes())
        if found.get("run") == run:
            return found
    elif resume and unfinished.exists():
        return None
    if unfinished.exists() and not resume:
        raise TokenFileError(
            f"{output} was begun and not finished; resume, or delete it to begin anew"
        )
    raise TokenFileError(f"{output} holds other files; name another directory")


def _encoded(
    plan: EncodingPlan, engine: Engine, first: int, numbered: bool, progress: Progress
) -> list[EncodedPart]:
    """Let an engine encode all shards; return the parts in their order.

    Args:
        plan: how shards are encoded.
        engine: encodes them.
        first: the number of the first document.
        numbered: whether the documents' places in the corpus are their numbers. Then the documents
            are counted first.
        progress: called with the bytes counted and encoded.
    """
    shards = shards_of(plan.files)
    size = sum(shard.size for shard in shards)
    firsts = [0] * len(shards)
    if numbered and len(shards) > 1:
        done = counting_up("counting", size, progress)
        counts = [0] * len(shards)
        counting = partial(documents_in, files=plan.files, checkpoint=plan.checkpoint)
        for one in engine(counting, shards):
            counts[one.shard.number] = one.documents
            done(one.shard.size)
        firsts = [0, *accumulate(counts)][:-1]
    done = counting_up("encoding", size, progress)
    tasks = [ShardToEncode(shard, first + firsts[shard.number]) for shard in shards]
    parts = []
    for one in engine(partial(encode_shard, plan=plan), tasks):
        parts.append(one)
        done(one.shard.size)
    return sorted(parts, key=lambda part: part.shard.number)


def documents_in(shard: Shard, files: Files, checkpoint: Checkpoint) -> EncodedPart:
    """Count the documents in a shard, as a stage. The checkpoint keeps the result."""

    def counted() -> Arrays:
        return {"documents": np.array([sum(count_documents(part, files) for part in shard.parts)])}

    kept = checkpoint.step(f"documents-{shard.number}", counted)
    return EncodedPart(shard, int(kept["documents"][0]), 0)


def encode_shard(task: ShardToEncode, plan: EncodingPlan) -> EncodedPart:
    """Encode a shard, and write its part, as a stage. The checkpoint keeps that it is done."""

    def encoded() -> Arrays:
        return {"sizes": np.array(_written(task, plan), dtype=np.int64)}

    kept = plan.checkpoint.step(f"encoded-{task.shard.number}", encoded)
    return EncodedPart(task.shard, *kept["sizes"].tolist())


def _written(task: ShardToEncode, plan: EncodingPlan) -> tuple[int, int]:
    """Write a part of the output. Return its number of documents and ids."""
    encode, output, doc_ids = plan.tokenizer.encode_batch, plan.output, plan.doc_ids
    names = None if doc_ids == BY_TEXT else doc_ids
    first, documents, tokens = task.first, 0, 0
    # The folder has a name of its own, so an engine may apply a stage twice at the same time. Both
    # parts are the same, so it does not matter which replaces the other.
    with TemporaryDirectory(prefix=_FOLDERS, dir=output, ignore_cleanup_errors=True) as folder:
        with _writer(Path(folder, _name(task.shard)), plan) as append:
            for part in task.shard.parts:
                for texts, numbers in documents_of(part, plan.files, names):
                    rows = encode(
                        texts,
                        doc_id0=first,
                        doc_ids=doc_ids if numbers is None else numbers,
                        **plan.options,
                    )
                    append(rows, texts)
                    first += len(texts)
                    documents += len(rows)  # with `samples`, several for each document
                    tokens += len(rows.ids)
        for path in Path(folder).iterdir():
            path.replace(output / path.name)
    return documents, tokens


@contextmanager
def _writer(prefix: Path, plan: EncodingPlan) -> Iterator[Callable[[Encoded, Any], object]]:
    """Yield a function that writes the ids of texts to a new part."""
    if plan.layout == "parquet":
        with ParquetWriter(f"{prefix}.parquet") as table:
            yield table.append_rows
    else:
        with TokenFileWriter(prefix, plan.tokenizer.vocab_size, plan.layout) as files:
            yield lambda rows, _: files.append(rows)


def _name(shard: Shard) -> str:
    return f"part-{shard.number:05}"


def _index(parts: list[EncodedPart]) -> dict[str, Any]:
    """Return what the index says of the parts."""
    ends = [0, *accumulate(part.documents for part in parts)]
    listed = [
        {"name": _name(one.shard), "first": first, "documents": one.documents, "tokens": one.tokens}
        for one, first in zip(parts, ends, strict=False)
    ]
    return {"documents": ends[-1], "tokens": sum(one.tokens for one in parts), "parts": listed}
