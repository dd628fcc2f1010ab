"""What may happen when a damaged file is read.

Either it is refused with an error of the library's own, in one line, or the result keeps every
other promise.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.files import ROWS, RUN, STEP, rows
from benchmarks.fuzzing.text_checks import keeps_bytes
from bytepiece import Files, Tokenizer, model_io
from bytepiece.errors import (
    BytepieceError,
    CheckpointError,
    CorpusError,
    ModelError,
    TokenFileError,
)
from bytepiece.token_files import TokenFile, TokenFileWriter
from bytepiece.training.checkpoint import Checkpoint

PROBES = (
    "The harbour wakes, 今天天气 é e\u0301 👍\n\n 7٣ <user> <0x41> ▁".encode(),
    bytes(range(256)),
    b"",
    b" \xff\xe4\xbb \xed\xa0\x80",
)
"""The texts that are encoded with each model that can be read."""
_LONGEST_MESSAGE = 1000


class BrokenPromiseError(Exception):
    """A result that is wrong; the message says how."""


def check_file(kind: str, folder: Path, damaged: str) -> str | None:
    """Read a damaged file; return what is wrong with the outcome, or None.

    Args:
        kind: a kind of `files.sound`.
        folder: the folder of the file and of the files that belong to it.
        damaged: the name of the damaged file.
    """
    read, error_of_kind = _READERS[kind]
    try:
        read(folder, damaged)
    except BytepieceError as error:
        if not isinstance(error, error_of_kind):
            return f"{type(error).__name__} instead of {error_of_kind.__name__}: {error!s:.300}"
        message = str(error)
        if "\n" in message or not message or len(message) > _LONGEST_MESSAGE:
            return f"a message that is not one short line: {message!r:.300}"
    except BrokenPromiseError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.300}"
    return None


def _model(folder: Path, damaged: str) -> None:
    model = model_io.load(folder / damaged)
    tokenizer = Tokenizer(model)
    for probe in PROBES:
        best = tokenizer.encode(probe)
        sample = tokenizer.encode(probe, alpha=0.3, seed=7)
        if keeps_bytes(tokenizer):
            for ids in (best, sample):
                if tokenizer.decode_bytes(ids) != probe and model.rules.unknown != "token":
                    raise BrokenPromiseError(f"wrong bytes for {probe!r:.60}")
        tokenizer.decode(best)
    model_io.save(model, folder / "again")
    if model_io.load(folder / "again") != model:
        raise BrokenPromiseError("the model that was read is another one after saving")


def _checkpoint(folder: Path, damaged: str) -> None:
    found = Checkpoint(folder, RUN).load("one")
    if found is None:
        raise BrokenPromiseError("a step that was kept is not found")
    same = found.keys() == STEP.keys() and all(
        np.array_equal(found[name], STEP[name]) for name in STEP
    )
    if not same:
        raise BrokenPromiseError("a damaged step was read")


def _token_files(folder: Path, damaged: str) -> None:
    found = TokenFile(folder / "x")
    if len(found) > 1 << 20:
        raise BrokenPromiseError(f"{len(found)} documents in a small file")
    if sum(len(row) for row in found) != len(found.ids):
        raise BrokenPromiseError("the documents are not all ids")


def _unfinished(folder: Path, damaged: str) -> None:
    layout: Any = "megatron" if (folder / "x.bin.part").exists() else "npy"
    with TokenFileWriter(folder / "x", 300, layout, run={"seed": 7}, resume=True) as writer:
        done = writer.documents
        writer.append(rows(ROWS[done:]))
    if damaged == "x.journal":
        kept = [row.tolist() for row in TokenFile(folder / "x")]
        if kept != ROWS[:done] + ROWS[done:]:
            raise BrokenPromiseError("a damaged journal changed the ids")


def _corpus(folder: Path, damaged: str) -> None:
    for _, weight in Files([folder / damaged]).weighted():
        if weight < 1:
            raise BrokenPromiseError(f"a text of weight {weight}")


_READERS: dict[str, tuple[Callable[[Path, str], None], type[BytepieceError]]] = {
    "model file": (_model, ModelError),
    "original's model": (_model, ModelError),
    "tokenizer.json": (_model, ModelError),
    "SentencePiece model": (_model, ModelError),
    "checkpoint": (_checkpoint, CheckpointError),
    "token files": (_token_files, TokenFileError),
    "unfinished token files": (_unfinished, TokenFileError),
    "corpus": (_corpus, CorpusError),
    "Parquet file": (_corpus, CorpusError),
}
"""How each kind of file is read, and the only error that it may raise."""
