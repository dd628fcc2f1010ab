"""The law of BPE models, with and without scores, equals the enumerated one; samplers follow it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import JIT

from bytepiece import Model, TextRules, Tokenizer
from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit import audit
from bytepiece.audit.law import ReferenceLaw, pieces_of
from bytepiece.audit.library_law import library_text
from bytepiece.rules.merges import Merges
from bytepiece.rules.words import GPT2, WordCut

DRAWS = 2000 if JIT else 300
TEXTS = [" a", "ab", "éa", "a é", "abé", "日é", " ab", "本"]
PIECES = [*(bytes([byte]) for byte in range(256)), *(text.encode() for text in TEXTS)]
PIECES += [text.encode() for text in ("é", "日")]


def model_of(scores, characters=False, made_only=False):
    rules = TextRules(
        segment="text", unknown="bytes" if characters else None, words=(WordCut(GPT2),)
    )
    ranks = [*[-1] * 256, *range(len(PIECES) - 256)]
    model = Model(
        tuple(PIECES), scores, np.arange(len(PIECES)), (), rules, merges=Merges(ranks=ranks)
    )
    return model.made_only() if made_only else model


SCORES = st.lists(st.floats(-12, 0), min_size=len(PIECES), max_size=len(PIECES))


@given(
    SCORES,
    st.booleans(),
    st.booleans(),
    st.text("abé日本 ☃", min_size=1, max_size=8),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_the_law_equals_that_of_the_lattice(scores, characters, made_only, text, alpha):
    tok = Tokenizer(model_of(scores, characters, made_only))
    found = library_text(text, tok.model)
    law = ReferenceLaw(found.raw, found.edges, alpha)
    lattice = tok.lattice(text, alpha)
    assert (found.raw, law.path_count) == (lattice.text, lattice.n_paths())
    if law.paths is None:
        return
    paths = list(lattice.paths())
    ours = {one.pieces: one.probability for one in paths}
    if not characters:
        for mask, p in zip(law.paths.masks.tolist(), law.paths.p.tolist(), strict=True):
            assert p == pytest.approx(ours[tuple(pieces_of(law.text, mask))], abs=1e-12)
    assert sorted(law.paths.p) == pytest.approx(sorted(ours.values()), abs=1e-12)
    rows = tok.encode_batch([text], alpha=alpha, seed=1, samples=5, log_probs=True)
    logs = {one.ids: math.log(one.probability) for one in paths if one.probability}
    for row, log in zip(rows, rows.log_probs, strict=True):
        assert log == pytest.approx(logs[tuple(row.tolist())], abs=1e-11)


@pytest.mark.parametrize("characters", [False, True])
def test_samplers_follow_the_law(characters):
    scores = np.random.default_rng(3).uniform(-9, -1, len(PIECES))
    model = model_of(scores, characters)
    perfect, nbest = audit(
        model, ["perfect", "nbest"], ["ab éa日本 ☃", "abéa"], [0.5], DRAWS
    ).verdicts
    assert perfect.follows
    assert nbest.follows
    assert "each word by itself" in nbest.note


def test_unknown_tokens_have_no_law():
    model = model_of(np.zeros(len(PIECES)), True)
    with pytest.raises(NotPossibleError, match="unknown tokens"):
        library_text("a", _with_token(model))


def _with_token(model):
    from bytepiece import SpecialToken

    token = SpecialToken("<unk>", 0xFF, "unknown")
    ids = [0xFF if 0x80 <= number < 0x100 else number for number in range(len(PIECES))]
    rules = TextRules(segment="text", unknown="token", words=model.rules.words)
    return Model(model.pieces, model.scores, ids, (token,), rules, merges=model.merges)
