"""Scoring: probabilities for the pieces of a given vocabulary, learned from a text."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from bytepiece._arrays import F64
from bytepiece._logarithms import rounded
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.segmentation import segment
from bytepiece.errors import CorpusError
from bytepiece.inputs.corpus import Corpus, source_of
from bytepiece.inputs.files import Files
from bytepiece.inputs.series import numbered
from bytepiece.kernels.characters import hidden
from bytepiece.kernels.expectation import add_expected_counts
from bytepiece.kernels.partition import Weights, mirror
from bytepiece.kernels.segments import Segments
from bytepiece.model import Model
from bytepiece.parallel import ordered_map, usable_cores
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import TextRules
from bytepiece.training.corpus_reader import Block, check_together
from bytepiece.training.options import whole
from bytepiece.training.progress import Progress, counting_up, silent
from bytepiece.training.sampled_counts import SampledCounts, standing_for

_ROUNDS = 8
"""How many rounds of expectation maximization scores take. With 100 k pieces, the eighth round
changes the likelihood by less than 0.01 %."""
_LEAST = 0.5
"""The count of a piece that does not occur. So every piece has a probability."""
_BATCH = 1 << 23
"""How many bytes of text are cut into words together."""
_MOST = 1 << 29
"""The most bytes that the table of different words takes. It does not depend on the machine, and so
the result does not."""


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
        model: any model, such as a BPE model.
        corpus: text of the kind that the model is for, as in `bytepiece.train`. Its different
            words are kept in memory, in 512 MiB. If there are more, rare words are dropped, and
            other rare words count for them.
        threads: by default all cores that this process may use.
        progress: called as progress(phase, done, total).

    Raises:
        ArgumentError: if an argument is outside its range.
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
    table = SampledCounts(_MOST)
    source = source_of(corpus)
    unit = source.unit if isinstance(source, Files) else 1
    for block in _segmented(source, unit, model.rules, progress):
        table.add(block)
    words = standing_for(table.blocks(), table.rate)
    size = sum(int((np.diff(one.bounds) * one.weights).sum()) for one in words)
    if size == 0:
        raise CorpusError("the corpus has no text to learn scores from")
    encoder = Encoder(model)
    least = _LEAST * unit
    masses = np.maximum(sum(_uses(encoder, one) for one in words), least)
    total = 0.0
    for done in range(_ROUNDS):
        progress("fitting", done, _ROUNDS)
        expect = partial(
            _expected, encoder, encoder.weights_of(masses / math.fsum(masses.tolist()))
        )
        sums = np.zeros(len(masses))
        logs = []
        for counts, log in ordered_map(expect, words, count):
            sums += counts
            logs.append(log)
        masses, total = np.maximum(sums, least), math.fsum(logs)
    progress("fitting", _ROUNDS, _ROUNDS)
    facts = {"bytes": round(size / unit), "bits_per_byte": round(-total / math.log(2) / size, 6)}
    return replace(
        model,
        scores=rounded(np.log(masses / math.fsum(masses.tolist()))),
        counts=None,
        record={**model.record, "objective": "likelihood", "scored": facts},
    )


def _segmented(
    source: Iterable[Text], unit: int, rules: TextRules, progress: Progress
) -> Iterator[Block]:
    """Yield the segments of each part of a corpus. Their weights are in units."""
    texts: list[bytes] = []
    weights: list[int] = []
    size = together = 0
    for text, weight in _weighted(source, progress):
        texts.append(to_bytes(text))
        weights.append(weight)
        size += len(texts[-1])
        together += len(texts[-1]) * weight
        check_together(together, unit)
        if size >= _BATCH:
            yield _segments_of(texts, weights, rules)
            texts, weights, size = [], [], 0
    yield _segments_of(texts, weights, rules)


def _weighted(source: Iterable[Text], progress: Progress) -> Iterable[tuple[Text, int]]:
    if isinstance(source, Files):
        return source.weighted(advance=counting_up("reading", source.size, progress))
    return ((text, 1) for _, text in numbered(source, CorpusError))


def _segments_of(texts: list[bytes], weights: list[int], rules: TextRules) -> Block:
    found = segment(texts, rules)
    return Block(found.text, found.bounds, np.array(weights, dtype=np.int64)[found.documents])


def _uses(encoder: Encoder, words: Block) -> F64:
    """Return how often deterministic encoding uses each piece."""
    number = len(words.weights)
    segments = Segments(
        words.text,
        words.bounds,
        np.arange(number, dtype=np.int64),
        np.full(number, -1, dtype=np.int32),
        words.bounds[:-1],
    )
    rows = encoder.encode_segments(segments)
    places = np.searchsorted(encoder.model.ids, rows.ids)
    repeats = words.weights.repeat(np.diff(rows.offsets))
    return np.bincount(places, repeats, len(encoder.model.pieces)).astype(np.float64)


def _expected(encoder: Encoder, weights: Weights, words: Block) -> tuple[F64, float]:
    """Return the expected counts of the pieces in some words, and the sum of the words' logs."""
    automaton = encoder.mirrored[0]
    text, bounds = mirror(words.text, words.bounds)
    singles = text
    if encoder.known is not None:
        singles, _ = mirror(hidden(words.text, encoder.known), words.bounds)
    repeats = np.ascontiguousarray(words.weights[::-1])
    counts = np.zeros(len(automaton.following), dtype=np.float64)
    log = add_expected_counts(automaton, weights, text, singles, bounds, repeats, counts)
    return counts[:-1], log
