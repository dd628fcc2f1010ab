"""Sound files of every kind that the library reads; the fuzz tests damage them."""

import base64
import bz2
import gzip
import json
import lzma
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np

import bytepiece
from benchmarks.peers import training
from benchmarks.support import SAMPLE
from bytepiece import Encoded, Model, model_io
from bytepiece.formats import original, to_huggingface, to_sentencepiece
from bytepiece.rules import protobuf
from bytepiece.token_files import Layout, TokenFileWriter
from bytepiece.training.checkpoint import Checkpoint

Folder = dict[str, bytes]
"""Files by name: one of them is damaged, and the others stay as they are."""

ROWS = [[1, 2], [], [3], [299, 0, 7], [5] * 40]
"""The rows of ids in the token files."""
STEP = {"a": np.arange(40), "b": np.frombuffer(b"bytes \xff\n", dtype=np.uint8)}
"""The arrays of the step in the checkpoint."""
RUN = {"algorithm": "merge", "vocab_size": [300], "x": "é"}
"""The arguments of the checkpoint's run."""


def sound() -> dict[str, tuple[Folder, ...]]:
    """Return the sound files of each kind, by the kind's name."""
    found: dict[str, list[Folder]] = {}
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, path in _written(Path(name)):
            files = {file.name: file.read_bytes() for file in sorted(path.iterdir())}
            found.setdefault(kind, []).append(files)
    return {kind: tuple(folders) for kind, folders in found.items()}


def _written(top: Path) -> Iterator[tuple[str, Path]]:
    """Write a folder of files for each kind; yield the kind and the folder."""
    number = 0

    def folder() -> Path:
        nonlocal number
        number += 1
        path = top / str(number)
        path.mkdir()
        return path

    lines = SAMPLE.read_text("utf-8").splitlines()[:60]
    model = bytepiece.train(lines, 330, special_tokens=["<|im_end|>"])
    foreign = _of_sentencepiece(lines, folder())
    for one in (model, foreign):
        path = folder()
        model_io.save(one, path / "model")
        yield "model file", path
    path = folder()
    original.save(bytepiece.train(lines, 300, normalization=("NFC",)), path / "model")
    yield "original's model", path
    for made in (to_huggingface.to_json(model), _converted(top / "1" / "nmt_nfkc")):
        path = folder()
        path.joinpath("model").write_text(made, "utf-8")
        yield "tokenizer.json", path
    path = folder()
    to_sentencepiece.save(model, path / "model")
    yield "SentencePiece model", path
    for rule in ("identity", "nmt_nfkc"):
        path = folder()
        path.joinpath("model").write_bytes((top / "1" / rule).read_bytes())
        yield "SentencePiece model", path
    path = folder()
    Checkpoint(path, RUN).save("one", lambda: STEP)
    yield "checkpoint", path
    for layout in get_args(Layout):
        path = folder()
        with TokenFileWriter(path / "x", 300, layout) as writer:
            writer.append(rows(ROWS))
        yield "token files", path
    for layout in ("megatron", "npy"):
        path = folder()
        _unfinished(path, layout)
        yield "unfinished token files", path
    yield from _corpora(folder, lines)


def rows(some: list[list[int]]) -> Encoded:
    """Return rows of ids as an `Encoded`."""
    ids = np.array([id_ for row in some for id_ in row], dtype=np.int32)
    return Encoded(ids, np.cumsum([0, *map(len, some)]))


def _unfinished(path: Path, layout: Any) -> None:
    """Write what a killed writer of token files leaves."""
    try:
        with TokenFileWriter(path / "x", 300, layout, run={"seed": 7}) as writer:
            writer.append(rows(ROWS))
            raise InterruptedError
    except InterruptedError:
        pass


def _of_sentencepiece(lines: list[str], path: Path) -> Model:
    """Write two models that SentencePiece trained; return ours of the one that normalizes."""
    for rule, size in (("identity", 900), ("nmt_nfkc", 800)):
        training.sentencepiece(
            lines,
            size,
            path / rule,
            "unigram",
            normalization_rule_name=rule,
            add_dummy_prefix=rule != "identity",
            user_defined_symbols=["<user>"],
            character_coverage=0.98,
            num_threads=1,
        )
    return model_io.load(path / "nmt_nfkc")


def _converted(path: Path) -> str:
    """Return a SentencePiece model as a tokenizer.json, as the usual converters write it."""
    entries, charsmap = [], b""
    for number, value in protobuf.fields(path.read_bytes()):
        if number == 1 and isinstance(value, bytes):
            entry: dict[int, Any] = dict(protobuf.fields(value))
            entries.append([entry[1].decode(), entry.get(2, 0.0)])
        elif number == 3 and isinstance(value, bytes):
            charsmap = dict(protobuf.fields(value)).get(2, b"")  # type: ignore[assignment]
    table = base64.b64encode(charsmap).decode("ascii")
    metaspace = {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": "always",
        "split": True,
    }
    unknown = {"id": 0, "content": "<unk>", "special": True, "normalized": False}
    steps = [
        {"type": "Precompiled", "precompiled_charsmap": table},
        {"type": "Strip", "strip_left": False, "strip_right": True},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
    ]
    model = {"type": "Unigram", "unk_id": 0, "vocab": entries, "byte_fallback": True}
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [unknown],
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": metaspace,
        "post_processor": None,
        "decoder": metaspace,
        "model": model,
    }
    return json.dumps(document, ensure_ascii=False)


def _corpora(folder: Any, lines: list[str]) -> Iterator[tuple[str, Path]]:
    """Write corpora of every format and compression, and Parquet files if pyarrow is there."""
    plain = "\n".join(lines).encode()
    records = "\n".join(json.dumps({"text": line, "n": 1}) for line in lines).encode()
    counted = "\n".join(f"{line}\t{number}" for number, line in enumerate(lines) if line).encode()
    packed = {"gz": gzip.compress(plain, mtime=0), "bz2": bz2.compress(plain)}
    packed["xz"] = lzma.compress(plain)
    contents = {"jsonl": records, "tsv": counted, "jsonl.gz": gzip.compress(records, mtime=0)}
    contents |= {f"txt.{kind}": content for kind, content in packed.items()}
    with suppress(ImportError):
        home = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        contents["txt.zst"] = import_module(home).compress(plain)
    for suffix, content in contents.items():
        path = folder()
        path.joinpath(f"corpus.{suffix}").write_bytes(content)
        yield "corpus", path
    try:
        import pyarrow  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        return
    texts = pyarrow.array([*lines, None, "", "é" * 50])
    for options in (
        {"compression": "zstd", "row_group_size": 20},
        {"compression": "snappy", "use_dictionary": False, "data_page_version": "2.0"},
        {"compression": "none", "use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"},
    ):
        path = folder()
        table = pyarrow.table({"text": texts, "n": range(len(texts))})
        if "column_encoding" in options:
            table = table.select(["text"])
        parquet.write_table(table, path / "corpus.parquet", **options)
        yield "Parquet file", path
