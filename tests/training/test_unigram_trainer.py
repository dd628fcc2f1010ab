"""The unigram trainer: its steps against twins, and its models."""

import math
import random

import mpmath
import numpy as np
import pytest
from support import SAMPLE
from support import reference_training as twin
from support.strategies import JIT
from support.windows import block_of

import bytepiece
from bytepiece import Files
from bytepiece.errors import ArgumentError
from bytepiece.kernels.automaton import build
from bytepiece.kernels.partition import weights
from bytepiece.training import unigram_trainer
from bytepiece.training.losses import losses, masses
from bytepiece.training.piece_counts import PieceCounts
from bytepiece.training.unigram_trainer import UnigramState, expect

TEXTS = SAMPLE.read_text("utf-8").splitlines(True)[: None if JIT else 40]
SINGLES = [bytes([byte]) for byte in range(256)]


def train(size=600, corpus=TEXTS, spaces="across", **options):
    return bytepiece.train(corpus, size, algorithm="unigram", spaces=spaces, **options)


def random_counts(rng):
    pieces = {bytes(rng.choices(b"abc", k=rng.randint(2, 6))) for _ in range(40)}
    return {piece: rng.uniform(0.5, 90) for piece in [*SINGLES, *sorted(pieces)]}


def test_a_stage_counts_as_the_enumeration_does():
    scores = {b"a": -2.0, b"b": -1.5, b"ab": -2.5, b"ba": -3.0, b"aba": -4.0}
    pieces = [*scores, *(byte for byte in SINGLES if byte not in scores)]
    automaton = build([piece[::-1] for piece in pieces])
    law = weights(automaton, np.array([scores.get(piece, -9.0) for piece in pieces]), 1.0)
    texts, often = [b"abab", b"ba", b"aabba"], [2, 1, 3]
    counted = expect([block_of(texts[:2], often[:2]), block_of(texts[2:], often[2:])],
                     UnigramState(automaton, law, 40))  # fmt: skip
    for number, piece in enumerate(pieces):
        expected = sum(
            n * twin.expected_counts(text, scores).get(piece, 0)
            for text, n in zip(texts, often, strict=True)
        )
        assert counted.counts[number] / 2**40 == pytest.approx(float(expected), abs=1e-11)


@pytest.mark.parametrize("seed", range(4))
def test_losses_are_those_of_the_twin(seed):
    counts = random_counts(random.Random(seed))
    pieces = list(counts)
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    found = losses(build(pieces), flat, offsets, np.array(list(counts.values())))
    for piece, loss in zip(pieces, found.tolist(), strict=True):
        if len(piece) == 1:
            assert loss == math.inf
        else:
            assert loss == pytest.approx(twin.loss(piece, counts), rel=1e-9)


def test_sparse_masses_are_powers_of_digamma():
    counts = np.array([0.5, 0.7, 1.0, 2.5, 11.99, 12.0, 31.5, 1e6, 1e12])
    assert masses(counts, sparse=False) is counts
    expected = [float(mpmath.exp(mpmath.digamma(count))) for count in counts.tolist()]
    assert masses(counts, sparse=True).tolist() == pytest.approx(expected, rel=1e-11)


def test_the_start_has_the_bytes_the_seeds_and_what_was_asked_for():
    found = PieceCounts(
        np.frombuffer(b"abcxy", dtype=np.uint8), np.array([0, 3, 5]), np.array([5, 9])
    )
    start = unigram_trainer.starting_pieces(found, [b"zz", b"xy"])
    strings = start.strings()
    assert sorted(strings) == sorted([*SINGLES, b"abc", b"xy", b"zz"])
    counts = dict(zip(strings, start.counts.tolist(), strict=True))
    assert counts[b"abc"] * 18 == counts[b"xy"] * 15
    staying = {s for s, stays in zip(strings, start.staying.tolist(), strict=True) if stays}
    assert staying == {*SINGLES, b"xy", b"zz"}


def bits(model, text):
    """Return the bits per byte of a text, over all its segmentations."""
    return -bytepiece.Tokenizer(model).lattice(text).log_z / math.log(2) / len(text.encode())


def test_scores_are_likelihoods():
    text = "".join(TEXTS)
    model = train()
    assert math.fsum(map(math.exp, model.scores.tolist())) == pytest.approx(1, abs=1e-3)
    merges = bytepiece.train(TEXTS, 600, algorithm="merge", spaces="across", objective="likelihood")
    others = [merges, train(300)]
    for other in others:
        assert bits(model, text) < bits(other, text)


@pytest.mark.parametrize("spaces", ["across", "words"])
def test_several_sizes_are_as_each_alone(spaces):
    sizes = [700, 400, 500, 400]
    together = train(sizes, spaces=spaces)
    assert [model.vocab_size for model in together] == sizes
    assert together == [train(size, spaces=spaces) for size in sizes]


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 500)
    monkeypatch.setattr(unigram_trainer, "_SHARD", 900)
    assert train(threads=1) == train(threads=3)


def test_pieces_follow_the_rules():
    assert set(SINGLES) <= set(train().pieces)
    words = train(spaces="words").pieces
    assert any(p.startswith(b" ") and len(p) > 3 for p in words)
    assert not any(b" " in p.lstrip() for p in words if p.strip())
    assert any(b" " in p.lstrip() for p in train().pieces)
    assert max(map(len, train(max_piece_length=5).pieces)) == 5
    lines = ["one line\n\n\n", "and one more\n\n\n"] * 9
    apart, ending = (train(300, lines, newlines=newlines).pieces for newlines in ("apart", "end"))
    assert all(p.strip(b"\n") in (b"", p) for p in apart)
    assert any(p.strip(b"\n") not in (b"", p) for p in ending)
    cut = train(400, ["天气天气不错今天天气" * 3] * 9, ensure_unicode=True).pieces
    assert all(twin.is_text(p) for p in cut if len(p) > 1)


def test_parts_of_characters_are_pieces_unless_forbidden():
    rng = random.Random(1)
    text = ["".join(chr(0x4E00 + rng.randrange(900)) for _ in range(4000))]
    assert any(len(p) > 1 and not twin.is_text(p) for p in train(300, text).pieces)


def test_weights_count_as_repetitions(tmp_path):
    files = [tmp_path / name for name in ("a.txt", "b.txt")]
    files[0].write_text("".join(TEXTS[:20]), "utf-8")
    files[1].write_text("".join(TEXTS[20:40]), "utf-8")
    weighted = train(400, Files(files, weights=[1, 3]))
    assert weighted == train(400, Files([files[0], *files[1:] * 3]))
    half = train(400, Files(files, weights=[0.5, 1.5]))
    assert half.record["count_unit"] == 0.5


def test_a_small_corpus_gives_few_pieces():
    model = train(32000, ["abc abc abc"])
    assert 256 < len(model.pieces) < 300
    assert len(train(32000, ["x"]).pieces) == 256


def test_a_sample_is_enough_if_the_memory_is_small(monkeypatch):
    monkeypatch.setattr("bytepiece.training.memory.LEAST_TEXT", 9000)
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 500)
    monkeypatch.setattr("bytepiece.training.corpus_reader._BLOCK", 2000)
    model = train(memory=1, threads=2)
    assert 0 < model.record["sampled_bytes"] < model.record["corpus_bytes"]
    assert train(memory=1, threads=1) == model


def test_sparse_probabilities_favour_frequent_pieces():
    plain, sparse = train(), train(sparse=True)
    assert plain.record["sparse"] is False
    assert sparse.record["sparse"] is True
    assert min(sparse.scores) < min(plain.scores)


def test_superwords_are_refused():
    with pytest.raises(ArgumentError, match='choose "across" or "words"'):
        train(spaces="superwords")
