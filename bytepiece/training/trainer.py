"""Training: from a corpus to a model, and the original library's names for it."""

import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, SupportsIndex, overload

import numpy as np

import bytepiece
from bytepiece import model_io
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.formats import original
from bytepiece.model import (
    MAX_ID,
    MAX_PIECE_LENGTH,
    STANDARD_SPECIAL_TOKENS,
    Model,
    NormalizationStep,
    TextRules,
    column,
)
from bytepiece.parallel import usable_cores
from bytepiece.strings import offsets_of
from bytepiece.training import bnlm, em, merges, ngrams
from bytepiece.training.corpus import Corpus, Reader
from bytepiece.training.files import Files
from bytepiece.training.merges import NEWLINES, Rules
from bytepiece.training.progress import Progress
from bytepiece.training.prune import Vocabulary, prune
from bytepiece.training.spool import replayable
from bytepiece.training.tally import Tally

_SPECIALS = len(STANDARD_SPECIAL_TOKENS)
SMALLEST_VOCABULARY = 256 + _SPECIALS


@overload
def train(corpus: Corpus, vocab_size: int = 32000, **options: Any) -> Model: ...
@overload
def train(corpus: Corpus, vocab_size: Sequence[int], **options: Any) -> list[Model]: ...
def train(  # type: ignore[misc]  # the overloads leave the options to this one
    corpus: Corpus,
    vocab_size: int | Sequence[int] = 32000,
    *,
    algorithm: Literal["bnlm", "em"] = "bnlm",
    objective: Literal["compression", "likelihood"] = "compression",
    newlines: Literal["apart", "end"] = "apart",
    memory: int = 1500 << 20,
    order: int = 6,
    min_count: int = 2,
    max_piece_length: int = 36,
    isolate_digits: bool = False,
    ensure_unicode: bool = True,
    normalization: Sequence[NormalizationStep] = (),
    threads: int | None = None,
    progress: Progress | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
) -> Model | list[Model]:
    """Train a model. The result is the same for any number of threads.

    Args:
        corpus: a path, as in `bytepiece.Files`; `bytepiece.Files`; or any iterable of str or bytes.
            What can be iterated only once is copied to a temporary file meanwhile.
        vocab_size: the most ids, the three special tokens among them, at least 259; or several
            such numbers, for as many models from one reading. A small corpus gives fewer.
        algorithm: "bnlm" cuts where a byte n-gram language model says that something begins, and
            prunes each vocabulary from the next larger one; "em" joins pairs of pieces that are
            neighbours in the best segmentation, and compresses far better.
        objective: for "em", "compression" gives pieces nearly equal scores, which makes the best
            path one of few tokens; "likelihood" gives them the logarithms of how frequent they are.
        newlines: for "em", whether a piece may "end" in newlines, or they stay "apart" in pieces
            of their own.
        memory: for "em", the bytes that the process may take, about; 512 MB or more. Where a corpus
            is too large for it, pieces are found in a sample, evenly spread, and scores counted in
            all of it; the model's record says `sampled_bytes`.
        order: for "bnlm", of the n-gram model, 2 … 7.
        min_count: for "bnlm", n-grams and pieces of two or more bytes that are rarer are dropped.
        max_piece_length: no piece is longer, in bytes; 1 … 1024.
        isolate_digits: every decimal digit is a segment of its own, so no piece has two.
        ensure_unicode: for "bnlm", pieces of more than one byte never begin within a character.
            Those of "em" never do, and end within one only if they are the beginning of just one.
        normalization: Unicode normalization forms, such as ("NFC",), applied here and, for the
            model remembers them, in encoding.
        threads: by default all cores that this process may use.
        progress: called as progress(phase, done, total).
        temp_dir: where temporary files are kept; by default where the system keeps them.

    Returns:
        a Model, or a list of them in the order of `vocab_size`.

    Raises:
        ArgumentError: an argument is outside its range.
        CorpusError: the corpus is empty, cannot be read, changes, or holds something that is
            neither str nor bytes.

    Source: Su, https://kexue.fm/archives/9752.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, vocab_size=300)
    >>> b"the hat" in model.pieces
    True
    """
    _one_of("algorithm", algorithm, ("bnlm", "em"))
    several = isinstance(vocab_size, Iterable)
    sizes = [_whole("vocab_size", size) for size in (vocab_size if several else [vocab_size])]  # type: ignore[union-attr,arg-type]
    if not sizes:
        raise ArgumentError("vocab_size names no size")
    threads = usable_cores() if threads is None else _whole("threads", threads)
    rules = TextRules(tuple(normalization), isolate_digits)
    most = [size - _SPECIALS for size in sizes]
    progress = progress or _silent
    details: Mapping[str, Any]
    makers: list[Callable[[Mapping[str, Any]], Model]]
    with replayable(corpus, temp_dir) as texts:
        reader = Reader(texts, rules.normalization, isolate_digits)
        if algorithm == "em":
            options = em.Options(
                _one_of("objective", objective, tuple(em.EXPONENTS)),
                Rules(
                    _whole("max_piece_length", max_piece_length),
                    _one_of("newlines", newlines, NEWLINES),
                ),
                _whole("memory", memory),
            )
            learned, sampled = em.learn(reader, most, options, threads, progress)
            details = {"objective": objective, **options.rules._asdict(), "sampled_bytes": sampled}
            makers = [partial(_scored, vocabulary, objective, rules) for vocabulary in learned]
        else:
            choices = _Bnlm(order, min_count, max_piece_length, bool(ensure_unicode))
            vocabularies = _bnlm(reader, most, choices, threads, progress)
            details = vars(choices)
            makers = [partial(_model, vocabulary, rules) for vocabulary in vocabularies]
    models = []
    for size, make in zip(sizes, makers, strict=True):
        record = {
            "bytepiece": bytepiece.__version__,
            "vocab_size": size,
            "algorithm": algorithm,
            **details,
            "corpus_bytes": reader.size,
            "corpus_sha256": reader.digest,
            **_weighting(corpus, reader),
        }
        models.append(make(record))
    return models if several else models[0]


_RANGES = {
    "vocab_size": (SMALLEST_VOCABULARY, MAX_ID + 1),
    "threads": (1, 1024),
    "memory": (1, 1 << 62),
    "order": (2, ngrams.MAX_ORDER),
    "min_count": (1, 1 << 62),
    "max_piece_length": (1, MAX_PIECE_LENGTH),
}


def _whole(name: str, value: SupportsIndex) -> int:
    """A whole number in its range."""
    low, high = _RANGES[name]
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} must be a whole number, not {value!r:.30}") from None
    if not low <= number <= high:
        raise ArgumentError(f"{name} must be at least {low} and at most {high}, not {number}")
    return number


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    """A value that is one of a few."""
    if value not in known:
        choices = " or ".join(f'"{one}"' for one in known)
        raise ArgumentError(f"{name} must be {choices}, not {value!r:.30}")
    return value


@dataclass(frozen=True)
class _Bnlm:
    """What can be chosen about BNLM; see `train`."""

    order: int
    min_count: int
    max_piece_length: int
    ensure_unicode: bool

    def __post_init__(self) -> None:
        for name in ("order", "min_count", "max_piece_length"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))


def _bnlm(
    reader: Reader, most: list[int], options: _Bnlm, threads: int, progress: Progress
) -> list[Vocabulary]:
    order = options.order
    keys, counts = ngrams.count(reader, order, threads, _adding("counting", reader, progress))
    if len(keys) == 0:
        raise CorpusError("the corpus is empty: there is no text in it to learn from")
    progress("counting", reader.size, reader.size)
    # Counts are in units of a weight, and what they are compared with is, too.
    min_count = min(options.min_count * reader.unit, _RANGES["min_count"][1])
    model = ngrams.model(keys, counts, order, min_count, reader.unit)
    del keys, counts
    tally = bnlm.count_pieces(
        reader,
        model,
        order,
        options.ensure_unicode,
        threads,
        _adding("cutting", reader, progress),
    )
    progress("cutting", reader.size, reader.size)
    del model
    return prune(
        tally,
        most,
        min_count,
        options.max_piece_length,
        threads,
        partial(progress, "pruning"),
        reader.unit,
    )


def _weighting(corpus: Corpus, reader: Reader) -> dict[str, Any]:
    """What the record says of weights, if there are any but 1."""
    record: dict[str, Any] = {}
    if isinstance(corpus, Files) and set(corpus.weights) != {1.0}:
        record["weights"] = list(corpus.weights)
    if reader.weight != reader.size:
        record["weighted_bytes"] = reader.weight / reader.unit
    if reader.unit != 1:
        record["count_unit"] = 1 / reader.unit
    return record


def _silent(phase: str, done: int, total: int) -> None:
    """Progress that nobody asked to see."""


def _adding(phase: str, reader: Reader, progress: Progress) -> Callable[[int], None]:
    """What blocks report to: adds up their bytes."""
    done = 0

    def report(size: int) -> None:
        nonlocal done
        done += size
        progress(phase, done, max(reader.size, done + 1))  # the end is told by who sees it

    return report


def _model(vocabulary: Vocabulary, rules: TextRules, record: Mapping[str, Any]) -> Model:
    pieces = sorted(vocabulary, key=lambda piece: (len(piece), piece))
    counts = [vocabulary[piece] for piece in pieces]
    return original.from_counts(pieces, counts, rules=rules, record=record)


def _scored(
    vocabulary: merges.Vocabulary, objective: str, rules: TextRules, record: Mapping[str, Any]
) -> Model:
    pieces = vocabulary.pieces
    scores = em.scores_of(vocabulary.counts, objective)
    order = sorted(range(len(pieces)), key=lambda i: (len(pieces[i]), pieces[i]))
    return Model(tuple(pieces[i] for i in order), scores[order], rules=rules, record=record)


class Trainer:
    """The original library's trainer: BNLM, NFC, and the original's model file.

    Args:
        order, max_piece_length, min_count, isolate_digits, ensure_unicode: see `train`.
        max_vocab_size: the most ids; a list gives a model for each.

    >>> trainer = Trainer(order=6, max_vocab_size=300, min_count=2)
    >>> [model.vocab_size for model in trainer.train(["the hat"] * 9, workers=2).models]
    [260]
    """

    def __init__(
        self,
        order: int = 6,
        max_vocab_size: int | list[int] = 10000,
        max_piece_length: int = 36,
        min_count: int = 2,
        isolate_digits: bool = False,
        ensure_unicode: bool = True,
    ) -> None:
        self._options = {
            "order": order,
            "max_piece_length": max_piece_length,
            "min_count": min_count,
            "isolate_digits": isolate_digits,
            "ensure_unicode": ensure_unicode,
        }
        if isinstance(max_vocab_size, int):
            max_vocab_size = [max_vocab_size]
        self._sizes = sorted(max_vocab_size, reverse=True)
        self.models: list[Model] = []
        """What was trained, largest first."""

    def train(self, texts: Corpus, workers: int = 1, batch_size: int = 1000) -> "Trainer":
        """Train on texts; returns the trainer itself.

        Args:
            texts: see `bytepiece.train`.
            workers: the threads to use.
            batch_size: accepted for the original's sake; blocks have a fixed size here.
        """
        del batch_size
        self.models = train(
            texts, self._sizes, normalization=("NFC",), threads=workers, **self._options
        )
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model in the original library's format; of several, to path.SIZE each."""
        if not self.models:
            raise ArgumentError("nothing was trained yet; call train first")
        for size, model in zip(self._sizes, self.models, strict=True):
            # The format cannot say that digits are isolated, and need not: without a piece that
            # joins a digit to anything, the best path isolates them by itself.
            model = replace(model, rules=original.RULES)  # noqa: PLW2901
            name = os.fspath(path) if len(self.models) == 1 else f"{os.fspath(path)}.{size}"
            model_io.save_original(model, name)


def convert_to_bytepiece(pieces: Mapping[bytes | str, int], path: str | os.PathLike[str]) -> None:
    """Make a model of the original library's format from pieces and their counts.

    Single bytes that are missing are added. A piece that others make up better, by their counts,
    is dropped, and they inherit its count.

    Args:
        pieces: counts, by piece.
        path: the file to write.

    Source: the original library's function of this name.
    """
    names = [piece if isinstance(piece, bytes) else piece.encode() for piece in pieces]
    flat = np.frombuffer(b"".join(names), dtype=np.uint8)
    if not all(names):
        raise ArgumentError("a piece is empty")
    counts = column(list(pieces.values()), np.int64, "counts")
    [vocabulary] = prune(
        Tally(flat, offsets_of(map(len, names)), counts),
        [len(names) + 256],
        min_count=1,
        max_piece_length=MAX_PIECE_LENGTH,
        threads=1,
        done=partial(_silent, "pruning"),
    )
    model_io.save_original(_model(vocabulary, original.RULES, {}), path)
