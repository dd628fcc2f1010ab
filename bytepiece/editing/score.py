"""Scoring: probabilities for the pieces of a given vocabulary, learned from a text."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from bytepiece._arrays import F64, I64, cuts
from bytepiece._logarithms import rounded
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.segmentation import segment
from bytepiece.errors import CorpusError, ModelError
from bytepiece.inputs.corpus import Corpus, source_of
from bytepiece.inputs.files import Files
from bytepiece.inputs.series import numbered
from bytepiece.kernels.automaton import Automaton
from bytepiece.kernels.expectation import add_expected_counts
from bytepiece.kernels.partition import Weights, mirror
from bytepiece.kernels.segments import Segments
from bytepiece.model import Model
from bytepiece.parallel import ordered_map, usable_cores
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import TextRules
from bytepiece.training.options import whole
from bytepiece.training.piece_counts import PieceCounts, count_strings, join_all_counts
from bytepiece.training.progress import Progress, silent

_ROUNDS = 8
"""How many rounds of expectation maximization scores take. With 100 k pieces, the eighth round
changes the likelihood by less than 0.01 %."""
_LEAST = 0.5
"""The count of a piece that does not occur. So every piece has a probability."""
_BATCH = 1 << 23
"""How many bytes of text are cut into words together."""
_SHARD = 1 << 20
"""How many bytes of words one thread takes at a time. The sums depend on it, in the last bits."""


def score(
    model: Model,
    corpus: Corpus,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Model:
    """Return a model with the same pieces and ids, and with scores learned from a text.

    The scores are the logarithms of the probabilities under which the text is most probable, as far
    as some rounds of expectation maximization find them, over all segmentations. Samples of a BPE
    model then follow these probabilities; its deterministic encoding stays as it is. The result is
    the same for any number of threads.

    Args:
        model: a model whose pieces are made of bytes, such as a BPE model.
        corpus: text of the kind that the model is for, as in `bytepiece.train`. Its different
            words are kept in memory.
        threads: by default all cores that this process may use.
        progress: called as progress(phase, done, total).

    Raises:
        ArgumentError: if an argument is outside its range.
        ModelError: if single bytes stand for unknown characters in the model.
        CorpusError: if the corpus is empty, or cannot be read.

    >>> import bytepiece
    >>> texts = ["the cat", "the hat", "the rat"] * 9
    >>> model = bytepiece.train(texts, 300, algorithm="merge", spaces="across")
    >>> scored = bytepiece.score(model, ["the cat"] * 9)
    >>> scored.pieces == model.pieces, scored.pieces[scored.scores.argmax()]
    (True, b'the cat')
    """
    progress = progress or silent
    count = usable_cores() if threads is None else whole("threads", threads)
    if model.rules.unknown is not None:
        raise ModelError(
            "score is for models whose pieces are made of bytes; in this model, single bytes stand "
            "for unknown characters"
        )
    words = join_all_counts(_counted(corpus, model.rules))
    size = int((np.diff(words.offsets) * words.counts).sum())
    if size == 0:
        raise CorpusError("the corpus has no text to learn scores from")
    encoder = Encoder(model)
    automaton = encoder.mirrored[0]
    masses = np.maximum(_uses(encoder, words), _LEAST)
    total = 0.0
    for done in range(_ROUNDS):
        progress("scoring", done, _ROUNDS)
        weights = _weights(automaton, masses)
        expect = partial(_expected, automaton, weights, words)
        sums = np.zeros(len(masses))
        logs = []
        for counts, log in ordered_map(expect, _shards(words), count):
            sums += counts
            logs.append(log)
        masses, total = np.maximum(sums, _LEAST), math.fsum(logs)
    progress("scoring", _ROUNDS, _ROUNDS)
    facts = {"bytes": size, "bits_per_byte": round(-total / math.log(2) / size, 6)}
    return replace(
        model,
        scores=rounded(np.log(masses / math.fsum(masses.tolist()))),
        counts=None,
        record={**model.record, "objective": "likelihood", "scored": facts},
    )


def _counted(corpus: Corpus, rules: TextRules) -> Iterator[PieceCounts]:
    """Yield the counts of the different segments of each part of a corpus."""
    texts: list[bytes] = []
    weights: list[int] = []
    size = 0
    for text, weight in _weighted(corpus):
        texts.append(to_bytes(text))
        weights.append(weight)
        size += len(texts[-1])
        if size >= _BATCH:
            yield _segments_of(texts, weights, rules)
            texts, weights, size = [], [], 0
    yield _segments_of(texts, weights, rules)


def _weighted(corpus: Corpus) -> Iterable[tuple[Text, int]]:
    source = source_of(corpus)
    if isinstance(source, Files):
        return source.weighted()
    return ((text, 1) for _, text in numbered(source, CorpusError))


def _segments_of(texts: list[bytes], weights: list[int], rules: TextRules) -> PieceCounts:
    found = segment(texts, rules)
    each = np.array(weights, dtype=np.int64)[found.documents]
    return count_strings(found.text, found.bounds, each)


def _uses(encoder: Encoder, words: PieceCounts) -> F64:
    """Return how often deterministic encoding uses each piece."""
    number = len(words.counts)
    segments = Segments(
        words.flat,
        words.offsets,
        np.arange(number, dtype=np.int64),
        np.full(number, -1, dtype=np.int32),
        words.offsets[:-1],
    )
    rows = encoder.encode_segments(segments)
    places = np.searchsorted(encoder.model.ids, rows.ids)
    repeats = words.counts.repeat(np.diff(rows.offsets))
    return np.bincount(places, repeats, len(encoder.model.pieces)).astype(np.float64)


def _weights(automaton: Automaton, masses: F64) -> Weights:
    return Weights(
        automaton.by_entry(masses / math.fsum(masses.tolist()), 0),
        automaton.by_entry(np.zeros(len(masses), dtype=np.int32), 0),
        plain=True,
    )


def _shards(words: PieceCounts) -> Iterator[tuple[int, int]]:
    places = cuts(words.offsets, _SHARD)
    return pairwise(places)


def _expected(
    automaton: Automaton, weights: Weights, words: PieceCounts, shard: tuple[int, int]
) -> tuple[F64, float]:
    """Return the expected counts of the pieces in some words, and the sum of the words' logs."""
    low, high = shard
    bounds: I64 = words.offsets[low : high + 1]
    text, places = mirror(words.flat[bounds[0] : bounds[-1]], bounds - bounds[0])
    repeats = np.ascontiguousarray(words.counts[low:high][::-1])
    counts = np.zeros(len(automaton.following), dtype=np.float64)
    log = add_expected_counts(automaton, weights, text, places, repeats, counts)
    return counts[:-1], log
