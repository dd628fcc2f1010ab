"""Small vocabularies compress at least as well as byte-level BPE, which joins pair by pair."""

import numpy as np
import pytest
from support import SAMPLE

import bytepiece
from benchmarks.support import kinds

SIZES = (260, 300, 400)
LONGEST = 36


def merges(corpus, sizes, **options):
    return bytepiece.train(corpus, sizes, algorithm="merge", spaces="across", **options)


KINDS = {
    "logs": (kinds.logs(60_000, 1), kinds.logs(20_000, 2)),
    "DNA": (kinds.dna(60_000, 1), kinds.dna(20_000, 2)),
    "source code": kinds.split(kinds.source_code(80_000)),
}


def joined(ids, pair, new):
    """Return the ids with the pair replaced from left to right."""
    at = np.flatnonzero((ids[:-1] == pair[0]) & (ids[1:] == pair[1]))
    if pair[0] == pair[1]:
        taken, last = [], -2
        for place in at.tolist():
            if place > last + 1:
                taken.append(place)
                last = place
        at = np.array(taken, dtype=np.int64)
    ids = ids.copy()
    ids[at] = new
    return np.delete(ids, at + 1)


def bpe_tokens(train, held_out, merges):
    """Return the number of tokens of the held-out lines after byte pair encoding."""
    end = -1
    texts = []
    for lines in (train, held_out):
        parts = [np.append(np.frombuffer(line.encode(), np.uint8), end) for line in lines if line]
        texts.append(np.concatenate(parts).astype(np.int64))
    lengths = [1] * 256
    for new in range(256, 256 + merges):
        left, right = texts[0][:-1], texts[0][1:]
        fits = (left != end) & (right != end)
        keys, counts = np.unique(left[fits] << 32 | right[fits], return_counts=True)
        for key in keys[np.argsort(-counts, kind="stable")].tolist():
            pair = key >> 32, key & 0xFFFFFFFF
            if lengths[pair[0]] + lengths[pair[1]] <= LONGEST:
                break
        lengths.append(lengths[pair[0]] + lengths[pair[1]])
        texts = [joined(ids, pair, new) for ids in texts]
    return int((texts[1] != end).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_held_out_lines_take_no_more_tokens_than_with_bpe(kind):
    train, held_out = KINDS[kind]
    models = merges(["\n".join(train)], SIZES, max_piece_length=LONGEST)
    for size, model in zip(SIZES, models, strict=True):
        assert model.vocab_size == size
        tokens = len(bytepiece.Tokenizer(model).encode_batch(held_out).ids)
        assert tokens <= bpe_tokens(train, held_out, size - 259)


def test_a_text_that_repeats_gives_at_least_as_many_pieces_as_bpe():
    # A line of 19 bytes becomes one piece after 18 joins.
    [small, large] = merges(["the quick brown fox\n"] * 30, [300, 4000])
    assert small.vocab_size >= 259 + 18
    assert large.vocab_size >= 259 + 18
    assert b"the quick brown fox" in small.pieces


def test_each_vocabulary_is_the_same_as_if_it_were_learned_alone():
    text = SAMPLE.read_bytes()
    sizes = [300, 2000, 3500]
    together = merges([text], sizes)
    assert together == [merges([text], size) for size in sizes]
