"""The lattice of models over characters: against enumeration, and against their own library."""

import json
import math
import pickle
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import reference
from support import reference_characters as twin
from support.character_models import (
    KEEP_SPACES,
    LETTERS,
    MAKERS,
    character_vocabularies,
    from_hf,
    from_sp,
    sentencepiece_file,
)
from support.reading import (
    LINES,
    NORMAL,
    USER,
    made,
    needs_protobuf,
    processor,
    sentencepiece,
    trained,
)
from support.reference import MP
from support.strategies import JIT

from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError
from bytepiece.formats import from_huggingface, from_sentencepiece

ALPHAS = [0.0, 0.1, 0.5, 1.0, 3.0, 50.0]
PENALTY = 10.0


TEXTS = st.text(LETTERS, min_size=1, max_size=7)


@given(MAKERS, character_vocabularies(), st.booleans(), TEXTS, st.sampled_from(ALPHAS))
def test_numbers_equal_those_of_the_enumeration(maker, pieces, fallback, text, alpha):
    unknown = min(pieces.values()) - PENALTY
    log_z, logs = twin.law(text, pieces, unknown, alpha)
    lattice = maker(pieces, fallback).lattice(text, alpha)
    tolerance = 1e-12 * max(1.0, alpha * 30 * len(text))
    assert abs(lattice.log_z - log_z) <= tolerance
    assert lattice.n_paths() == len(logs)
    p = {path: MP.exp(log) for path, log in logs.items()}
    entropy = -MP.fsum(p[path] * log for path, log in logs.items())
    assert abs(lattice.entropy() - entropy) <= tolerance
    mean = MP.fsum(p[path] * len(twin.tokens(text, path, fallback)) for path in logs)
    assert abs(lattice.expected_tokens() - mean) <= tolerance
    variance = MP.fsum(
        p[path] * (len(twin.tokens(text, path, fallback)) - mean) ** 2 for path in logs
    )
    assert abs(lattice.token_variance() - variance) <= 10 * tolerance
    score = MP.fsum(p[path] * MP.fsum(edge[2] for edge in path) for path in logs)
    assert abs(lattice.expected_score() - score) <= 1e-11 * max(1, alpha) * 200
    found = list(lattice.paths())
    assert len(found) == len(logs)
    expected = Counter()
    for path, log in logs.items():
        expected[twin.tokens(text, path, fallback), round(float(log), 7)] += 1
    assert Counter((one.pieces, round(one.log_prob, 7) + 0.0) for one in found) == expected


@given(MAKERS, character_vocabularies(), st.booleans(), TEXTS, st.sampled_from(ALPHAS))
def test_marginals_and_boundaries(maker, pieces, fallback, text, alpha):
    unknown = min(pieces.values()) - PENALTY
    _, logs = twin.law(text, pieces, unknown, alpha)
    places = [len(text[:i].encode()) for i in range(len(text) + 1)]
    exact, reached = Counter(), Counter({places[-1]: MP.mpf(1)})
    for path, log in logs.items():
        for start, end, _, is_unknown in path:
            begin, stop = places[start], places[end]
            cuts = range(begin, stop) if fallback and is_unknown else [begin]
            for cut in cuts:
                exact[cut, cut + 1 if len(cuts) > 1 else stop] += MP.exp(log)
                reached[cut] += MP.exp(log)
    lattice = maker(pieces, fallback).lattice(text, alpha)
    seen = lattice.marginals()
    edges = list(zip(seen.starts.tolist(), seen.ends.tolist(), strict=True))
    assert edges == sorted(exact)
    for edge, p in zip(edges, seen.probabilities.tolist(), strict=True):
        assert p == pytest.approx(float(exact[edge]), abs=1e-11)
    found = lattice.boundary_probs().tolist()
    assert found == pytest.approx([float(reached[i]) for i in range(len(found))], abs=1e-11)


@given(MAKERS, character_vocabularies(), st.booleans(), TEXTS, st.integers(1, 30))
def test_the_best_paths_are_those_of_the_enumeration(maker, pieces, fallback, text, k):
    unknown = min(pieces.values()) - PENALTY
    _, logs = twin.law(text, pieces, unknown, 1.0)
    tok = maker(pieces, fallback)
    lattice = tok.lattice(text)
    found = lattice.nbest(k)
    best = sorted((float(log) for log in logs.values()), reverse=True)[:k]
    assert [one.log_prob for one in found] == pytest.approx(best, abs=1e-9)
    known = {twin.tokens(text, path, fallback) for path in logs}
    assert {one.pieces for one in found} <= known
    assert list(found[0].ids) == list(lattice.best().ids) == tok.encode(text)
    assert list(found[0].ids) == tok.encode(text, alpha=1, sampler="nbest", nbest_size=1)
    assert pickle.loads(pickle.dumps(lattice)).nbest(k) == found


@needs_protobuf
@given(character_vocabularies(), st.booleans(), TEXTS)
def test_the_best_paths_are_those_of_sentencepiece(pieces, fallback, text):
    lattice = from_sp(pieces, fallback).lattice(text)
    theirs = processor(sentencepiece_file(pieces, fallback)).nbest_encode_as_proto(text, 60)
    scores = [found.score for found in theirs.nbests]
    ours = lattice.nbest(60)
    assert [one.log_prob + lattice.log_z for one in ours] == pytest.approx(scores, abs=1e-4)
    their_rows = Counter(tuple(p.id for p in found.pieces) for found in theirs.nbests)
    if len(ours) < 60:
        assert Counter(one.ids for one in ours) == their_rows


@needs_protobuf
@pytest.mark.parametrize("fallback", [False, True])
@pytest.mark.parametrize("rule", ["identity", "nmt_nfkc"])
def test_lines_of_text_have_the_best_paths_of_sentencepiece(fallback, rule):
    content = trained(normalization_rule_name=rule, byte_fallback=fallback)
    theirs, tok = processor(content), Tokenizer(from_sentencepiece.from_bytes(content))
    lines = [line for line in LINES if line.strip()][: 60 if JIT else 8]
    for text in [*lines, "☃ naïve 👍👍 ½"]:
        lattice = tok.lattice(text)
        expected = theirs.nbest_encode_as_proto(text, 6).nbests
        found = lattice.nbest(6)
        for ours, their in zip(found, expected, strict=True):
            assert ours.log_prob + lattice.log_z == pytest.approx(their.score, abs=1e-3, rel=1e-5)
        rows = [[piece.id for piece in their.pieces] for their in expected]
        for i, (better, worse) in enumerate(pairwise(their.score for their in expected)):
            if better - worse < 1e-3:
                break  # rounding in float32 may reverse the order from here on
            assert list(found[i].ids) == rows[i]


PAIR = {" ": -2.0, "a": -3.0, "☃☃": -4.0, "a☃": -5.0, "aa": -4.5}
"""The snowman has no piece of its own, but it is a part of longer pieces."""
SNOW = "aaa☃☃aa☃é"
DRAWS = 20_000 if JIT else 300


def law_of_ids(tok, alpha):
    """Return the probability of each row of ids; several segmentations may have the same ids."""
    law = Counter()
    for one in tok.lattice(SNOW, alpha).paths():
        law[one.ids] += one.probability
    return law


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("fallback", [False, True])
@pytest.mark.parametrize("maker", [from_sp, from_hf])
@pytest.mark.parametrize("sampler", ["perfect", "nbest"])
def test_samples_follow_the_law(maker, sampler, fallback, alpha):
    tok = maker(PAIR, fallback)
    rows = tok.encode_batch([SNOW], alpha=alpha, sampler=sampler, seed=3, samples=DRAWS)
    law = law_of_ids(tok, alpha)
    assert len(law) > 10
    assert reference.chi_square_tail(Counter(tuple(row.tolist()) for row in rows), law) > 0.001


@pytest.mark.parametrize("fallback", [False, True])
def test_samples_of_sentencepiece_follow_the_same_law(fallback):
    theirs = processor(sentencepiece_file(PAIR, fallback))
    # With a seed, all threads of the library draw the same numbers, so there is only one thread.
    sentencepiece.set_random_generator_seed(1)
    rows = theirs.encode(
        [SNOW] * DRAWS, enable_sampling=True, alpha=0.3, nbest_size=-1, num_threads=1
    )
    law = law_of_ids(from_sp(PAIR, fallback), 0.3)
    assert reference.chi_square_tail(Counter(map(tuple, rows)), law) > 0.001


@pytest.mark.parametrize("fallback", [False, True])
def test_draws_without_replacement_and_samples_of_a_lattice(fallback):
    lattice = from_sp(PAIR, fallback).lattice(SNOW, 0.5)
    drawn = lattice.sample_without_replacement(999, seed=1)
    assert sorted(drawn.segmentations) == sorted(lattice.paths())
    every = {one.ids for one in lattice.paths()}
    assert {tuple(row.tolist()) for row in lattice.sample(200, seed=1)} <= every
    h = (lattice.entropy() + math.log(lattice.n_paths())) / 2
    alpha = lattice.alpha_for_entropy(h)
    again = from_sp(PAIR, fallback).lattice(SNOW, alpha)
    assert again.entropy() == pytest.approx(h, abs=1e-9)


def test_probabilities_of_paths_with_unknown_characters():
    lattice = from_sp(PAIR, False).lattice("aéé☃☃")
    for one in lattice.paths():
        if one.pieces[-1] == "☃☃".encode() or len(one.pieces) > 2:
            assert lattice.log_prob(one.pieces) == pytest.approx(one.log_prob)
    split = [b"a", "é".encode(), "é".encode(), "☃☃".encode()]
    assert lattice.log_prob(split) == lattice.log_prob([b"a", "éé".encode(), "☃☃".encode()])
    with pytest.raises(ArgumentError, match="<unk> does not say which characters"):
        lattice.log_prob(lattice.best().ids)
    with pytest.raises(ArgumentError, match="not in the vocabulary"):
        from_sp(PAIR, False).lattice("aa a").log_prob([b"aa a"])
    fallback = from_sp(PAIR, True).lattice("aéé☃☃")
    for one in fallback.paths():
        assert fallback.log_prob(one.ids) == fallback.log_prob(one.pieces) == one.log_prob


@needs_protobuf
def test_user_defined_symbols_have_their_bonus():
    content = made(
        [("▁", -2.0, NORMAL), ("a", -3.0, NORMAL), ("b", -3.5, NORMAL), ("aba", 0.0, USER)],
        normalizer=KEEP_SPACES,
    )
    lattice = Tokenizer(from_sentencepiece.from_bytes(content)).lattice("abab")
    theirs = processor(content).nbest_encode_as_proto("abab", 9).nbests
    found = lattice.nbest(9)
    assert [list(one.ids) for one in found] == [[p.id for p in each.pieces] for each in theirs]
    scores = [each.score for each in theirs]
    assert [one.log_prob + lattice.log_z for one in found] == pytest.approx(scores, abs=1e-4)


def test_pieces_over_bytes_with_an_unknown_token():
    """In ByteLevel files, bytes without a piece are unknown, one by one."""
    vocab = [["<unk>", 0.0], ["a", -1.0], ["Ã", -2.0], ["Ã©", -2.5], ["aÃ", -3.0]]
    file = {
        "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
    }
    tok = Tokenizer(from_huggingface.from_document(json.loads(json.dumps(file))))
    lattice = tok.lattice("aébb")
    found = {one.pieces: one.ids for one in lattice.paths()}
    assert found == {
        (b"a", b"\xc3\xa9", b"bb"): (1, 3, 0),
        (b"a", b"\xc3", b"\xa9bb"): (1, 2, 0),
        (b"a\xc3", b"\xa9bb"): (4, 0),
    }
    assert list(lattice.best().ids) == tok.encode("aébb")
    counts = [(one.probability, len(one.ids)) for one in lattice.paths()]
    assert lattice.expected_tokens() == pytest.approx(math.fsum(p * n for p, n in counts))
    assert lattice.log_prob([b"a", b"\xc3", b"\xa9bb"]) == lattice.log_prob(
        [b"a", b"\xc3", b"\xa9", b"b", b"b"]
    )


@given(character_vocabularies(), st.booleans(), st.text(LETTERS, max_size=7))
def test_an_empty_text_and_any_text_have_a_lattice(pieces, fallback, text):
    assume(" " not in text)
    lattice = from_sp(pieces, fallback).lattice(text, 0.5)
    assert lattice.text == text.encode()
    assert math.fsum(one.probability for one in lattice.paths()) == pytest.approx(1.0)
