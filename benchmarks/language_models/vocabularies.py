"""The tokenizers that are compared, trained once on the corpus and kept in a folder."""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.support import trainers
from benchmarks.support.commands import run
from bytepiece.adapters.loading import LoadedModel, load_models

REFERENCE = "merge"
"""Its compute for the given text is the compute that all runs get."""


def _merge(spaces: str, *options: str) -> tuple[str, ...]:
    return ("--algorithm", "merge", "--spaces", spaces, *options)


_LIKELIHOOD = ("--objective", "likelihood")
OURS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    REFERENCE: ("ours, merges, across spaces", _merge("across")),
    "merge-words": ("ours, merges, in words", _merge("words")),
    "merge-superwords": ("ours, merges, superwords", _merge("superwords")),
    "merge-likelihood": (
        "ours, merges, across spaces, likelihood",
        _merge("across", *_LIKELIHOOD),
    ),
    "merge-words-likelihood": (
        "ours, merges, in words, likelihood",
        _merge("words", *_LIKELIHOOD),
    ),
    "merge-superwords-likelihood": (
        "ours, merges, superwords, likelihood",
        _merge("superwords", *_LIKELIHOOD),
    ),
    "unigram": (
        "ours, Unigram, across spaces",
        ("--algorithm", "unigram", "--spaces", "across"),
    ),
    "unigram-words": ("ours, Unigram, in words", ("--algorithm", "unigram", "--spaces", "words")),
    "bnlm": ("ours, BNLM", trainers.BNLM),
}
"""By key: the name in tables, and options of `bytepiece train`."""

SAMPLED = "unigram-words"
"""The tokenizer whose samples are trained on: the best of the first grid."""

RIVALS: Mapping[str, tuple[str, str]] = {
    "sp-bpe-words": ("SentencePiece BPE, in words", "words"),
    "sp-bpe": ("SentencePiece BPE, across spaces", "bpe"),
    "hf-bpe-words": ("Hugging Face byte-level BPE, in words", "bytes"),
    "sp-unigram-words": ("SentencePiece Unigram, in words", "unigram-words"),
    "sp-unigram": ("SentencePiece Unigram, across spaces", "unigram"),
}
"""By key: the name in tables, and the key of `benchmarks.peers.training`."""

NAMES = {key: name for key, (name, _) in [*OURS.items(), *RIVALS.items()]}
"""By key: the name in tables."""


def trained(key: str, size: int, corpus: Path, kept: Path) -> Path:
    """Return the file of a tokenizer; train it in a process of its own if it is missing.

    Args:
        key: a key of `OURS` or of `RIVALS`.
        size: the largest number of ids.
        corpus: a text file.
        kept: the folder of trained tokenizers.

    Raises:
        commands.FailedError: if the training fails; the message says why.
    """
    options = " ".join(OURS[key][1]) if key in OURS else RIVALS[key][1]
    digest = hashlib.sha256(corpus.read_bytes() + options.encode())
    path = kept.resolve() / f"{key}-{size}-{digest.hexdigest()[:12]}.model"
    if path.exists():
        return path
    print(f"training {NAMES[key]}, {size} ids", file=sys.stderr, flush=True)
    kept.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
    if key in OURS:
        run(trainers.ours(corpus.resolve(), size, unfinished, OURS[key][1]))
    else:
        module = [sys.executable, "-m", "benchmarks.peers.training", RIVALS[key][1]]
        run([*module, str(corpus.resolve()), str(size), str(unfinished)])
    unfinished.replace(path)
    return path


def loaded(path: Path) -> LoadedModel:
    """Return the tokenizer of a file."""
    [model] = load_models([path])
    return model
