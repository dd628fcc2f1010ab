"""The alpha that has a wanted price, and what alphas cost."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.reference import MP
from support.strategies import JIT, make_model, overlapping, texts_over

import bytepiece
from bytepiece import Tokenizer
from bytepiece.encoding.encoder import Encoder
from bytepiece.errors import ArgumentError
from bytepiece.lattice import price as module

RISING = {b"a": -2.0, b"b": -2.0, b"ab": -10.0}
"""The single letters are the best path, so the number of tokens rises with alpha."""
BOTH_WAYS = RISING | {b"c": -6.0, b"d": -6.0, b"cd": -11.5}
"""The price of `ab` rises up to 1 and that of `cd` falls down to 1, and not at the same alphas."""
TEXTS = ["the cat and the hat", "the rat, the cat\nthe hat", "", "the the 今天天气 the"] * 9


def exact_price(scores, text, alpha):
    """Return the price by 60 digits."""
    tokens = MP.fsum(reference.marginals(text, scores, alpha).values())
    return tokens / len(reference.best_path(text, scores))


@given(overlapping(), texts_over(b"ab", 8, 30), st.floats(1.0, 2.0, exclude_min=True))
def test_the_price_is_met_by_60_digits(scores, text, wanted):
    tok = Tokenizer(make_model(scores))
    try:
        alpha = tok.alpha_for_tokens([text], wanted)
    except ArgumentError:
        ends = [exact_price(scores, text, alpha) for alpha in (0.0, module.LARGEST_ALPHA)]
        assert not min(ends) < wanted < max(ends)
        return
    assert 0 <= alpha <= module.LARGEST_ALPHA
    assert abs(exact_price(scores, text, alpha) - wanted) <= 1e-6 * wanted


@pytest.mark.parametrize("wanted", [1.001, 1.02, 1.1, 1.6])
def test_the_price_of_a_trained_model(tok, wanted):
    alpha = tok.alpha_for_tokens(TEXTS, wanted)
    counts = [(tok.lattice(text, alpha).expected_tokens(), tok.count(text)) for text in TEXTS]
    means, best = map(math.fsum, zip(*counts, strict=True))
    assert means / best == pytest.approx(wanted, rel=1e-6)
    assert alpha == tok.alpha_for_tokens(TEXTS, wanted, threads=3)
    assert alpha == tok.alpha_for_tokens(np.array(TEXTS), wanted)


def test_a_price_that_is_not_monotone():
    text = b"ab" * 3 + b"cd" * 4
    tok = Tokenizer(make_model(BOTH_WAYS))
    alphas = np.linspace(0, 20, 401)
    curve = [float(exact_price(BOTH_WAYS, text, alpha)) for alpha in alphas]
    steps = np.sign(np.diff(curve))
    assert {-1.0, 1.0} <= set(steps.tolist())
    top = int(np.argmax(curve))
    assert 0 < top < 400
    # Both sides of the top have this price, and the larger alpha is found.
    wanted = (max(curve[0], 1.0) + curve[top]) / 2
    assert curve[0] < wanted
    alpha = tok.alpha_for_tokens([text], wanted)
    assert alpha > alphas[top]
    assert exact_price(BOTH_WAYS, text, alpha) == pytest.approx(wanted, rel=1e-6)
    with pytest.raises(ArgumentError, match="alphas from 0 to 64"):
        tok.alpha_for_tokens([text], max(curve) + 0.01)


def test_a_price_that_only_rises_stays_below_1():
    tok = Tokenizer(make_model(RISING))
    assert tok.alpha_for_tokens(["abab"], 1) is None
    for wanted in (0.5, 0.8, 1.1):
        with pytest.raises(ArgumentError, match=rf"{wanted:g} is out of reach.* 0\.75 to 1 times"):
            tok.alpha_for_tokens(["abab"], wanted)


def test_a_price_of_ties_at_the_best_path():
    """If two best paths differ in length, the price does not fall to 1."""
    tok = Tokenizer(make_model({b"a": -1.0, b"b": -1.0, b"ab": -2.0}))
    with pytest.raises(ArgumentError, match=r"1\.5 to 1\.5 times"):
        tok.alpha_for_tokens(["ab"], 1.1)
    assert tok.alpha_for_tokens(["ab"], 1.5) == 64


@pytest.mark.parametrize("wanted", [True, "1.1", None, math.nan, math.inf])
def test_a_price_is_a_finite_number(tok, wanted):
    with pytest.raises(ArgumentError, match="the price must be a"):
        tok.alpha_for_tokens(TEXTS, wanted)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sampler": "best"}, "sampler must be"),
        ({"sample_prob": 2}, "sample_prob must be"),
        ({"nbest_size": 0}, "nbest_size must be"),
        ({"threads": 0}, "threads must be"),
        ({"sample_prob": 0}, "1 to 1 times"),
    ],
)
def test_wrong_settings(tok, options, words):
    with pytest.raises(ArgumentError, match=words):
        tok.alpha_for_tokens(TEXTS, 1.1, **options)


@pytest.mark.parametrize("texts", [[], [""], "the cat"])
def test_texts_need_tokens(tok, texts):
    with pytest.raises(ArgumentError, match="texts"):
        tok.alpha_for_tokens(texts, 1.1)


def test_the_price_counts_documents_that_are_not_sampled(tok):
    half = tok.alpha_for_tokens(TEXTS, 1.1, sample_prob=0.5)
    assert half == pytest.approx(tok.alpha_for_tokens(TEXTS, 1.2), rel=1e-5)
    many = 4000 if JIT else 200
    rows = tok.encode_batch(TEXTS * (many // len(TEXTS)), alpha=half, sample_prob=0.5, seed=1)
    best = sum(map(tok.count, TEXTS)) * (many // len(TEXTS))
    assert len(rows.ids) / best == pytest.approx(1.1, abs=0.02 if JIT else 0.1)


@pytest.mark.skipif(not JIT, reason="draws a megabyte many times")
@pytest.mark.parametrize("sampler", ["viterbi", "nbest"])
def test_other_samplers_are_priced_by_draws(tok, sampler):
    options = {"sampler": sampler, "nbest_size": 8}
    alpha = tok.alpha_for_tokens(TEXTS, 1.1, **options)
    assert alpha == tok.alpha_for_tokens(TEXTS, 1.1, **options, threads=2)
    rows = tok.encode_batch(TEXTS, alpha=alpha, seed=99, samples=1000, **options)
    best = sum(map(tok.count, TEXTS))
    assert len(rows.ids) / 1000 / best == pytest.approx(1.1, rel=0.003)


def test_the_price_found_is_checked(tok, monkeypatch):
    monkeypatch.setattr(module, "_MOST_STEPS", 1)
    with pytest.raises(ArgumentError, match=r"jumps over 1\.1 near alpha"):
        tok.alpha_for_tokens(TEXTS, 1.1)


def test_the_alpha_found_is_logged(tok, caplog):
    with caplog.at_level(logging.INFO, "bytepiece"):
        alpha = tok.alpha_for_tokens(TEXTS, 1.1)
    size = sum(len(text.encode()) for text in TEXTS)
    assert [r.getMessage() for r in caplog.records if r.name == module.__name__] == [
        f"alpha {alpha!r} gives 1.1000 times the tokens of the best path, by {size} bytes"
    ]


def test_prices_of_alphas(tok):
    alphas = [0.0, 0.3, 2.0]
    best, *rows = module.prices(Encoder(tok.model), TEXTS, alphas)
    tokens = sum(map(tok.count, TEXTS))
    assert best == (None, tokens, 1.0, 0.0)
    size = sum(len(text.encode()) for text in TEXTS)
    for alpha, row in zip(alphas, rows, strict=True):
        lattices = [tok.lattice(text, alpha) for text in TEXTS]
        assert row.alpha == alpha
        assert row.tokens == pytest.approx(math.fsum(one.expected_tokens() for one in lattices))
        assert row.price == pytest.approx(row.tokens / tokens)
        assert row.entropy == pytest.approx(math.fsum(o.entropy("bits") for o in lattices) / size)


def test_texts_of_a_column(tok):
    pyarrow = pytest.importorskip("pyarrow")
    found = tok.alpha_for_tokens(pyarrow.array([TEXTS[0], None, *TEXTS[1:]]), 1.05)
    assert found == tok.alpha_for_tokens(TEXTS, 1.05)


def test_a_scoreless_model_has_a_price():
    tok = Tokenizer(bytepiece.Model([bytes([b]) for b in range(256)] + [b"ab"], [0.0] * 257))
    with pytest.raises(ArgumentError, match=r"1\.5 to 1\.5 times"):
        tok.alpha_for_tokens(["ab"], 1.1)
