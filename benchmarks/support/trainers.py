"""Commands that train our models and the rivals', and the compression of these models."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.gigabpe import GigaBpe
from benchmarks.peers.training import lines_of
from benchmarks.support.commands import FailedError, Taken, run
from bytepiece.adapters import original_library as original
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.loading import load_models
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece

THREADS = 2
MERGE = ("--algorithm", "merge", "--spaces", "across")
UNIGRAM = ("--algorithm", "unigram", "--spaces", "across")
BNLM = ("--algorithm", "bnlm", "--min-count", "4")
SMALL_MEMORY = ("--memory", "512M")
OURS: dict[str, tuple[str, tuple[str, ...]]] = {
    "default": (", Unigram, in words", ()),
    "our-unigram": (", Unigram, across spaces", UNIGRAM),
    "merge": (", merges, across spaces", MERGE),
    "merge-512M": (", merges, across spaces, --memory 512M", (*MERGE, *SMALL_MEMORY)),
    "merge-words": (", merges, in words", ("--algorithm", "merge")),
    "merge-superwords": (
        ", merges, superwords",
        ("--algorithm", "merge", "--spaces", "superwords"),
    ),
    "bnlm": (", BNLM", BNLM),
}
"""By key: the words after the library's name in a table, and options of `bytepiece train`."""
RIVALS: dict[str, tuple[type[Adapter], str]] = {
    "unigram": (SentencePiece, " Unigram, across spaces"),
    "bpe": (SentencePiece, " BPE, across spaces"),
    "words": (SentencePiece, " BPE, in words"),
    "bytes": (HuggingFace, " byte-level BPE"),
    "gigabpe": (GigaBpe, " byte-level BPE"),
    "original": (original.Original, ""),
}
"""By key: the library, and the words after its name in a table."""


class Trained(NamedTuple):
    """A trained model, or the reason why there is no model.

    Args:
        name: the name of the trainer.
        vocab_size: the largest number of ids.
        taken: the time and memory of the training; None if there is no model.
        bytes_per_token: the compression of each text.
        note: the reason why there is no model.
    """

    name: str
    vocab_size: int
    taken: Taken | None
    bytes_per_token: Sequence[float] = ()
    note: str = ""


def ours(
    corpus: Path, size: int, output: Path, options: Sequence[str] = (), threads: int = THREADS
) -> list[str]:
    """Return the command that trains a model of ours."""
    command = ["train", str(corpus), "-o", str(output), "--vocab-size", str(size)]
    return [sys.executable, "-m", "bytepiece", *command, "--threads", str(threads), *options]


def train(
    key: str, corpus: Path, size: int, output: Path, texts: Mapping[str, Sequence[str]]
) -> Trained:
    """Train a model in a process of its own, then measure its compression.

    Args:
        key: a key of `OURS` or `RIVALS`.
        corpus: a text file.
        size: the largest number of ids.
        output: the file to write the model to.
        texts: the lines to compress, by the name of the text.

    Raises:
        FailedError: if our own training fails.
    """
    library, said = RIVALS.get(key) or (Ours, OURS[key][0])
    if reason := library.missing():
        return Trained(library.name + said, size, None, note=reason)
    name = f"{library.name} {library.version()}{said}"
    print(f"{name}: training {size} pieces on {corpus.name}", file=sys.stderr, flush=True)
    output.unlink(missing_ok=True)  # another trainer's model must not be measured by mistake
    try:
        taken = run(*_command(key, corpus, size, output))
    except FailedError as error:
        if key in OURS:
            raise
        return Trained(name, size, None, note=str(error))
    return Trained(name, size, taken, _bytes_per_token(output, list(texts.values())))


def texts_of(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Return the lines of each file by its name, without line ends and without empty lines."""
    return {path.name: list(lines_of(path)) for path in paths}


def _command(key: str, corpus: Path, size: int, output: Path) -> tuple[list[str], str]:
    """Return the command of a trainer, and its standard input."""
    if key in OURS:
        return ours(corpus, size, output, OURS[key][1]), ""
    if key == "original":
        request = {"do": "train", "corpus": str(corpus), "model": str(output), "workers": THREADS}
        request |= {"order": 6, "max_vocab_size": size, "min_count": 4}
        return [original.interpreter(), "-I", str(original.WORKER)], json.dumps(request) + "\n"
    if key == "gigabpe":
        module = [sys.executable, "-m", "benchmarks.peers.gigabpe"]
        return [*module, str(corpus), str(size), str(output)], ""
    module = [sys.executable, "-m", "benchmarks.peers.training"]
    return [*module, key, str(corpus), str(size), str(output)], ""


def _bytes_per_token(model: Path, texts: Sequence[Sequence[str]]) -> list[float]:
    """Return the bytes per token of each text."""
    [loaded] = load_models([model])
    found = []
    for lines in texts:
        _, lengths = loaded.adapter.flat(loaded.adapter.encode_batch(lines).result)
        found.append(sum(len(line.encode()) for line in lines) / int(lengths.sum()))
    return found
