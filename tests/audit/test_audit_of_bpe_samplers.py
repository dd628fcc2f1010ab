"""BPE-dropout and splitting follow their laws, which equal those of the slow twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference_bpe
from support.strategies import JIT

from bytepiece import Model, TextRules, Tokenizer
from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit import audit
from bytepiece.audit.bpe_laws import BpeLaws, dropout_law, splitting_law
from bytepiece.audit.law import pieces_of
from bytepiece.audit.samplers import FOR_BPE
from bytepiece.errors import ArgumentError
from bytepiece.rules.merges import Merges
from bytepiece.rules.words import WordCut

DRAWS = 20_000 if JIT else 1_000
MADE = [b"ab", b"bc", b"abc", b"aa", b"aaaa", b" a", b" ab", b"ba", b"bab", b"\xc3\xa9"]
PIECES = [*(bytes([byte]) for byte in range(256)), *MADE, b"xyz", b"cabb", b"\xc3\xa9a"]
RANKS = {piece: rank for rank, piece in enumerate(MADE)}
PAIRS = [(piece[:cut], piece[cut:]) for piece in MADE for cut in range(1, len(piece))]
PAIRS = [pair for pair in PAIRS if {*pair} <= {*PIECES}]
MERGES = {
    "ranks": Merges(ranks=[*[-1] * 256, *range(len(MADE)), -1, -1, -1]),
    "pairs": Merges(pairs=[[PIECES.index(a), PIECES.index(b)] for a, b in PAIRS]),
    "whole": Merges(ranks=[*[-1] * 256, *range(len(MADE)), -1, -1, -1], whole=True),
}
TEXTS = ["abcab", " ab abc", "cabb aaaaa", "é ébab", "xyz"]


def model_of(name="ranks", characters=False, made_only=False):
    unknown = "bytes" if characters else None
    rules = TextRules(segment="text", unknown=unknown, words=(WordCut(" ?[^ ]+| +"),))
    zeros, ids = np.zeros(len(PIECES)), np.arange(len(PIECES))
    model = Model(tuple(PIECES), zeros, ids, (), rules, merges=MERGES[name])
    return model.made_only() if made_only else model


def rank_of(left, right):
    return RANKS.get(left + right)


@given(st.text("abc", min_size=1, max_size=7).map(str.encode), st.sampled_from([0.1, 0.5, 0.9, 1]))
def test_the_laws_equal_those_of_the_twins(word, alpha):
    symbols = [word[i : i + 1] for i in range(len(word))]
    twin = reference_bpe.dropout_law(symbols, rank_of, alpha)
    law = dropout_law(tuple(symbols), rank_of, alpha)
    assert law == pytest.approx({path: p for path, p in twin.items() if p}, abs=1e-12)
    best = tuple(Tokenizer(model_of()).tokenize(word))
    for strength in (alpha, 3 * alpha):
        twin = reference_bpe.splitting_law(best, set(PIECES), strength)
        assert splitting_law(best, PIECES, strength) == pytest.approx(twin, abs=1e-12)


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("sampler", FOR_BPE)
@pytest.mark.parametrize("characters", [False, True])
def test_the_samplers_follow_their_laws(name, sampler, characters):
    for made_only in (False, True):
        model = model_of(name, characters, made_only)
        [verdict] = audit(model, [sampler], TEXTS, [0.0, 0.2, 0.7, 1.0], DRAWS).verdicts
        assert verdict.follows
        assert (len(verdict.cases), verdict.note) == (4 * len(TEXTS), "")
        assert not any(case.impossible for case in verdict.cases)


@pytest.mark.parametrize("sampler", FOR_BPE)
def test_probabilities_add_up_word_by_word(sampler):
    model = model_of()
    laws = BpeLaws(model)
    law, *alone = (laws.law(text, 0.3, sampler) for text in ("ab abc", "ab", " abc"))
    assert sum(law.paths.p) == pytest.approx(1, abs=1e-12)
    alone = [dict(one.listed) for one in alone]
    for mask, p in zip(law.paths.masks.tolist(), law.paths.p.tolist(), strict=True):
        assert b"".join(pieces_of(law.text, mask)) == b"ab abc"
        left, right = mask & 0b111, mask >> 2 & ~1
        assert p == pytest.approx(alone[0][left] * alone[1][right], abs=1e-12)


@pytest.mark.parametrize("sampler", FOR_BPE)
def test_another_alpha_is_refuted(sampler, monkeypatch):
    true = Tokenizer.encode_batch

    def wrong(self, texts, alpha=None, **options):
        return true(self, texts, alpha=None if alpha is None else alpha + 0.05, **options)

    monkeypatch.setattr(Tokenizer, "encode_batch", wrong)
    [verdict] = audit(model_of(), [sampler], ["abcab", " ab abc"], [0.3], DRAWS).verdicts
    assert not verdict.follows
    assert verdict.evidence is not None


def test_what_has_no_law_is_said_in_one_line():
    laws = BpeLaws(model_of())
    with pytest.raises(NotPossibleError, match="a few short words only"):
        laws.law("abcab " * 8, 0.3, "dropout")
    long = audit(model_of(), ["splitting"], ["abc " * 20], [0.3], DRAWS).verdicts[0]
    assert "below 64 bytes" in long.note
    assert long.follows is None
    other = audit(None, ["dropout"], alphas=[0.3], draws=100).verdicts[0]
    assert 'the sampler "dropout" is for BPE models' in other.note
    with pytest.raises(ArgumentError, match="alpha must be at most 1"):
        audit(model_of(), ["dropout"], ["ab"], [1.5], 100)
