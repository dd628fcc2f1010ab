"""BPE-dropout and splitting: single draws, then counts of draws, against their slow twins."""

import pickle
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference, reference_bpe
from support.strategies import JIT, make_model

import bytepiece
from bytepiece import Model, TextRules, Tokenizer
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.rules.merges import Merges
from bytepiece.rules.words import WordCut

BYTES = [bytes([byte]) for byte in range(256)]
# "xyz" is a piece that no merge makes, and so is "cabb".
MADE = [b"ab", b"bc", b"abc", b"aa", b"aaaa", b" a", b" ab", b"ba", b"bab"]
PIECES = [*BYTES, *MADE, b"xyz", b"cabb"]
RANKS = {piece: rank for rank, piece in enumerate(MADE)}
PAIRS = {(b"a", b"b"): 0, (b"b", b"c"): 1, (b"ab", b"c"): 2, (b"a", b"a"): 3, (b"aa", b"aa"): 4}
PAIRS |= {(b" ", b"a"): 5, (b" ", b"ab"): 6, (b"b", b"a"): 7, (b"ba", b"b"): 8}
MERGES = {
    "ranks": Merges(ranks=[*[-1] * 256, *range(len(MADE)), -1, -1]),
    "pairs": Merges(pairs=[[PIECES.index(a), PIECES.index(b)] for a, b in PAIRS]),
    "whole": Merges(ranks=[*[-1] * 256, *range(len(MADE)), -1, -1], whole=True),
}
PATTERN = " ?[^ ]+| +"
ALPHAS = [0.0, 0.1, 0.5, 0.9, 1.0]


def model_of(name="ranks"):
    rules = TextRules(segment="text", words=(WordCut(PATTERN),))
    zeros = np.zeros(len(PIECES))
    return Model(tuple(PIECES), zeros, np.arange(len(PIECES)), (), rules, merges=MERGES[name])


def rank_of(name):
    if name == "pairs":
        return lambda left, right: PAIRS.get((left, right))
    return lambda left, right: RANKS.get(left + right)


def words_of(text):
    return [found[0] for found in re.finditer(PATTERN.encode(), text)]


def singles(word):
    return [word[i : i + 1] for i in range(len(word))]


def twin(text, tok, name, sampler, alpha, seed, epoch=0, doc_id=0, number=0):
    """Return the pieces of a sample, word after word."""
    pieces, offset = [], 0
    for word in words_of(text):
        draw = reference.stream(seed, epoch, doc_id, number, offset)
        if alpha == 0:
            pieces += tok.tokenize(word)
        elif sampler == "dropout":
            pieces += reference_bpe.dropout(singles(word), rank_of(name), alpha, draw)
        else:
            pieces += reference_bpe.splitting(tok.tokenize(word), set(PIECES), alpha, draw)
        offset += len(word)
    return pieces


TEXTS = st.text("abc xyz", min_size=0, max_size=30).map(str.encode)


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("sampler", ["dropout", "splitting"])
@given(
    text=TEXTS,
    alpha=st.sampled_from(ALPHAS),
    place=st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**64 - 1),
            "epoch": st.integers(0, 2**32 - 1),
            "doc_id": st.integers(0, 2**64 - 1),
        }
    ),
    number=st.integers(0, 2**32 - 1),
)
def test_samples_equal_the_slow_twins(name, sampler, text, alpha, place, number):
    tok = Tokenizer(model_of(name))
    expected = twin(text, tok, name, sampler, alpha, number=number, **place)
    assert tok.tokenize(text, alpha=alpha, sampler=sampler, sample=number, **place) == expected


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("sampler", ["dropout", "splitting"])
def test_long_words_equal_the_slow_twins(name, sampler):
    """Long words have a heap."""
    rng = np.random.default_rng(5)
    tok = Tokenizer(model_of(name))
    for size in (41, 90, 300) if JIT else (41,):
        word = bytes(rng.choice(list(b"abc"), size).tolist())
        for alpha in (0.1, 0.7, 1.0):
            expected = twin(word, tok, name, sampler, alpha, seed=size)
            assert tok.tokenize(word, alpha=alpha, sampler=sampler, seed=size) == expected
            again = twin(b"a" * size, tok, name, sampler, alpha, seed=size)
            assert tok.tokenize(b"a" * size, alpha=alpha, sampler=sampler, seed=size) == again


LAWS = {
    "dropout": lambda word, tok, alpha: reference_bpe.dropout_law(
        singles(word), rank_of("ranks"), alpha
    ),
    "splitting": lambda word, tok, alpha: reference_bpe.splitting_law(
        tok.tokenize(word), set(PIECES), alpha
    ),
}


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("word", [b"abcab", b"cabbab", b"aaaaa"])
@pytest.mark.parametrize("sampler", LAWS)
def test_counts_fit_the_enumerated_law(sampler, word, alpha):
    tok = Tokenizer(model_of())
    law = LAWS[sampler](word, tok, alpha)
    assert sum(law.values()) == pytest.approx(1, abs=1e-12)
    draws = 20_000 if JIT else 1_000
    rows = tok.encode_batch([word], samples=draws, alpha=alpha, sampler=sampler, seed=4)
    seen = Counter(tuple(tok.ids_to_pieces(row.tolist())) for row in rows)
    assert reference.chi_square_tail(seen, law) > 0.001


@pytest.mark.parametrize("sampler", LAWS)
def test_the_two_laws_are_told_apart(sampler):
    tok = Tokenizer(model_of())
    rows = tok.encode_batch([b"abcab"], samples=5_000, alpha=0.3, sampler=sampler, seed=4)
    seen = Counter(tuple(tok.ids_to_pieces(row.tolist())) for row in rows)
    other = "dropout" if sampler == "splitting" else "splitting"
    assert reference.chi_square_tail(seen, LAWS[other](b"abcab", tok, 0.3)) < 1e-9


@pytest.mark.parametrize("sampler", LAWS)
def test_neither_threads_nor_batches_nor_streams_matter(sampler):
    tok = Tokenizer(model_of("whole"))
    texts = ["abcab xyz cabb"] * 500 + ["aaaa" * 2000]
    options = {"alpha": 0.3, "sampler": sampler, "seed": 9, "epoch": 2}
    rows = tok.encode_batch(texts, samples=2, **options)
    assert np.array_equal(tok.encode_batch(texts, samples=2, threads=3, **options).ids, rows.ids)
    for number in (0, 7, 500):
        for sample in (0, 1):
            single = tok.encode(texts[number], doc_id=number, sample=sample, **options)
            assert rows[2 * number + sample].tolist() == single
            assert tok.decode_bytes(single) == texts[number].encode()
    assert rows[0].tolist() != rows[2].tolist() or rows[1].tolist() != rows[3].tolist()


@pytest.mark.parametrize("sampler", LAWS)
def test_every_number_matters_and_nothing_else(sampler, monkeypatch):
    tok = Tokenizer(model_of())
    place = {"alpha": 0.3, "sampler": sampler, "seed": 1, "epoch": 2, "doc_id": 3, "sample": 4}
    text = "abcab xaabcx aaaa babab " * 20
    drawn = tok.encode(text, **place)
    for name in ("seed", "epoch", "doc_id", "sample"):
        assert tok.encode(text, **place | {name: 9}) != drawn
    assert pickle.loads(pickle.dumps(tok)).encode(text, **place) == drawn
    monkeypatch.setattr("bytepiece.encoding.batches.CHUNK", 7)
    monkeypatch.setattr("bytepiece.encoding.batches._LEAST", 7)
    assert tok.encode(text, **place) == drawn


@pytest.mark.parametrize("sampler", LAWS)
def test_a_share_is_sampled_and_each_document_has_its_alpha(sampler):
    tok = Tokenizer(model_of())
    texts = ["abcab xaabcx aaaa babab"] * 60
    options = {"sampler": sampler, "seed": 5}
    best = tok.encode(texts[0])
    rows = tok.encode_batch(texts, alpha=0.9, sample_prob=0.5, **options)
    assert 15 < sum(row.tolist() == best for row in rows) < 45
    alphas = [0.0, 0.9, None] * 20
    rows = tok.encode_batch(texts, alpha=alphas, **options)
    for number, (row, alpha) in enumerate(zip(rows, alphas, strict=True)):
        assert row.tolist() == tok.encode(texts[0], alpha=alpha, doc_id=number, **options)
    rows = tok.encode_batch(texts, alpha=(0.2, 0.9), **options)
    assert len({tuple(row.tolist()) for row in rows}) > 10


@pytest.mark.parametrize("sampler", LAWS)
def test_an_alpha_of_0_is_the_deterministic_encoding(sampler):
    for name in MERGES:
        tok = Tokenizer(model_of(name))
        for text in ("xyz abc", "cabb ab"):
            assert tok.encode(text, alpha=0, sampler=sampler, seed=1) == tok.encode(text)
        texts = ["xyz abc", "", "cabb ab"]
        best = tok.encode_batch(texts)
        expected = [row.tolist() for row in best for _ in range(3)]
        for alpha in (0.0, [0.0, 0.0, None]):
            rows = tok.encode_batch(texts, alpha=alpha, sampler=sampler, samples=3, seed=1)
            assert [row.tolist() for row in rows] == expected


def test_dropout_of_1_leaves_the_symbols():
    tok = Tokenizer(model_of("whole"))
    assert tok.tokenize("abc xyz", alpha=1, sampler="dropout", seed=1) == singles(b"abc xyz")


@pytest.mark.parametrize("sampler", LAWS)
def test_a_price_is_met_by_draws(sampler):
    tok = Tokenizer(model_of())
    texts = ["abcab ab aaaa babab"] * 50
    alpha = tok.alpha_for_tokens(texts, 1.3, sampler=sampler)
    best = tok.encode_batch(texts)
    rows = tok.encode_batch(texts, alpha=alpha, sampler=sampler, seed=5, samples=40)
    assert len(rows.ids) / 40 / len(best.ids) == pytest.approx(1.3, abs=0.02)
    half = tok.alpha_for_tokens(texts, 1.15, sampler=sampler, sample_prob=0.5)
    assert half == pytest.approx(alpha, rel=0.05)


def test_requests_that_make_no_sense_are_refused():
    tok = Tokenizer(model_of())
    for sampler, alpha in (("dropout", 1.01), ("splitting", 17.0)):
        with pytest.raises(ArgumentError, match="alpha must be at most"):
            tok.encode("abc", alpha=alpha, sampler=sampler, seed=1)
        with pytest.raises(ArgumentError, match="following all its choices"):
            tok.encode_batch(["abc"], alpha=0.5, sampler=sampler, log_probs=True)
        with pytest.raises(ArgumentError, match="replace=False needs"):
            tok.encode_batch(["abc"], alpha=0.5, sampler=sampler, replace=False)
        with pytest.raises(ArgumentError, match="is for BPE models"):
            Tokenizer(make_model({})).encode("abc", alpha=0.5, sampler=sampler)
    with pytest.raises(ArgumentError, match="bytepiece score"):
        tok.alpha_for_tokens(["abcab"], 1.01)


# ---- pieces that no merge makes


def test_pieces_that_no_merge_makes_are_left_out_if_asked(tmp_path):
    for name in MERGES:
        model = model_of(name)
        tok, made = Tokenizer(model), Tokenizer(model.made_only())
        assert made.model != model
        assert made.tokenize("xyz cabb") == tok.tokenize("xyz cabb")
        for word in ("xyz", "cabb", "abcabb"):
            assert b"xyz" not in [
                p for path in made.lattice(word, 0.0).paths() for p in path.pieces
            ]
            with_all = reference.segmentations(word.encode(), dict.fromkeys(PIECES, 0))
            without = reference.segmentations(word.encode(), dict.fromkeys([*BYTES, *MADE], 0))
            assert tok.lattice(word, 0.0).n_paths() == len([*with_all])
            assert made.lattice(word, 0.0).n_paths() == len([*without])
        drawn = {
            piece
            for seed in range(200)
            for piece in made.tokenize("xyz cabb", alpha=0.0, seed=seed)
        }
        assert drawn.isdisjoint([b"xyz", b"cabb"])
        assert drawn >= {b"ab", b"x"}
        split = made.encode_batch(["abcabb"] * 200, alpha=2, sampler="splitting", seed=1)
        assert {*split.ids.tolist()}.isdisjoint([PIECES.index(b"xyz")])
        path = tmp_path / "made.model"
        bytepiece.model_io.save(made.model, path)
        assert bytepiece.model_io.load(path) == made.model
    with pytest.raises(ModelError, match="BPE model"):
        make_model({}).made_only()
