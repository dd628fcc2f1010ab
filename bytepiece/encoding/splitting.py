"""Splitting: random segmentations that cut tokens of the deterministic encoding in two."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, U32, offsets_of
from bytepiece.encoding.bpe import joined_ids, made_pieces, splits_of
from bytepiece.encoding.drawn import Drawn, room, uniform_of
from bytepiece.kernels.jit import Scalar, allocating
from bytepiece.kernels.segments import SegmentRun, Segments, longest, offset_of
from bytepiece.kernels.streams import DRAWS, Streams, sample_words
from bytepiece.kernels.word_joins import Joins
from bytepiece.model import Model


class Splits(NamedTuple):
    """The ways to cut each piece of a vocabulary into two pieces.

    Args:
        firsts: int64[pieces + 1], the number of each piece's first way, and of all ways.
        lefts, rights: uint32[ways], the two pieces.
    """

    firsts: npt.NDArray[np.int64]
    lefts: npt.NDArray[np.uint32]
    rights: npt.NDArray[np.uint32]


def splits(model: Model) -> Splits:
    """Return the ways to cut the pieces of a BPE model in two.

    No way uses the unknown token, or a byte that stands for an unknown character.
    """
    lefts, rights, wholes = splits_of(model)
    usable = made_pieces(model)
    if model.rules.unknown is not None:
        usable &= [len(piece) > 1 or piece < b"\x80" for piece in model.pieces]
    if model.rules.unknown == "token":
        usable &= model.ids != model.special_id("unknown")
    kept = usable[lefts] & usable[rights]
    counts = np.bincount(wholes[kept], minlength=len(model.pieces))
    return Splits(offsets_of(counts), lefts[kept].astype(np.uint32), rights[kept].astype(np.uint32))


def splitting_ids(
    joins: Joins,
    ways: Splits,
    ids: U32,
    alpha: float,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
) -> Drawn:
    """Draw the segments low…high − 1 by splitting tokens.

    Args:
        joins: the tables of the model.
        ways: the ways to cut its pieces.
        ids: uint32[pieces], the id of each piece.
        alpha: how often a split is tried for each token, on average.
        segments, streams, low, high: see `bytepiece.encoding.perfect.perfect_ids`.

    Source: Sims et al., https://arxiv.org/abs/2506.01687 (StochasTok).
    """
    run = segments.run(low, high)
    out, counts = room(run, streams)
    every = np.arange(len(ids), dtype=np.uint32)
    numbers, found = joined_ids(joins, every, segments, low, high)
    filled = _splitting_ids(ways, ids, alpha, numbers, found, run, streams, out, counts)
    return Drawn(out[:filled], counts)


# A word of n tokens has alpha · n tries, rounded up or down at random, so that alpha · n is their
# mean. A try takes one token of the word as it is then, each with equal probability, and cuts it in
# one of its ways, each with equal probability. If the token has no way, nothing happens. StochasTok
# does so in a whole text; here a word's tries are its own, as all random numbers of a segment are.
# Draw 0 rounds. Each try has one draw for the token, and one for the way if there is any.
@allocating
def _splitting_ids(
    ways: Splits,
    ids: U32,
    alpha: Scalar,
    numbers: I32,
    found: I32,
    run: SegmentRun,
    streams: Streams,
    out: I32,
    counts: I32,
) -> Scalar:
    """Fill `out` and `counts` as `splitting_ids` returns them; return how many ids there are.

    Args:
        numbers, found: the pieces of the deterministic encoding, and how many each segment has.
    """
    length = longest(run.bounds, 0, len(found))
    # The tokens of a word in the order in which they came about, and the one that follows each.
    tokens = np.empty(length, dtype=np.int64)
    following = np.empty(length, dtype=np.int64)
    uniforms = np.empty(DRAWS, dtype=np.float64)
    samples = streams.samples
    filled, begin = np.int64(0), np.int64(0)
    for segment in range(len(found)):
        offset = offset_of(run, segment)
        first = np.int64(found[segment])
        for sample in range(samples):
            words = sample_words(streams, run.documents[segment], sample)
            count = first
            for i in range(first):
                tokens[i], following[i] = numbers[begin + i], i + 1
            tries = np.int64(alpha * first + uniform_of(words, offset, np.int64(0), uniforms))
            draw = np.int64(1)
            if first > 0:
                following[first - 1] = -1
            else:
                tries = np.int64(0)
            for _ in range(tries):
                token = np.int64(uniform_of(words, offset, draw, uniforms) * count)
                draw += 1
                low, high = ways.firsts[tokens[token]], ways.firsts[tokens[token] + 1]
                if low == high:
                    continue
                way = low + np.int64(uniform_of(words, offset, draw, uniforms) * (high - low))
                draw += 1
                tokens[token], tokens[count] = ways.lefts[way], ways.rights[way]
                following[count], following[token] = following[token], count
                count += 1
            token = np.int64(0)
            for _ in range(count):
                out[filled] = ids[tokens[token]]
                filled += 1
                token = following[token]
            counts[segment * samples + sample] = count
        begin += first
    return filled
