"""Continuations of a prompt without its last tokens, against brute force over the pieces."""

import math
import pickle
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.strategies import JIT, TEXTS, make_model, models, texts_over, vocabularies

from bytepiece import Tokenizer
from bytepiece.continuations import Covers
from bytepiece.errors import ArgumentError, VocabularyError
from bytepiece.rules.text import to_bytes

ALPHABET = b"ab\xe4"


def piece_of(tok):
    return dict(zip(tok.model.ids.tolist(), tok.model.pieces, strict=True))


def covers(taken, pieces, tokens=None):
    """Return the minimal covers by their definition, as tuples of pieces."""
    usable = [p for p in pieces if p.startswith(taken) or p[0] in taken]
    found = set()
    for count in range(1, min(len(taken), tokens or len(taken)) + 1):
        for path in product(usable, repeat=count):
            joined = b"".join(path)
            if joined.startswith(taken) and len(joined) - len(path[-1]) < len(taken):
                found.add(path)
    return found


def walk(cover):
    """Return all ways from a state to the end of the cover, as tuples of ids."""
    if cover.done:
        return {()}
    return {(id_, *rest) for id_ in cover.ids.tolist() for rest in walk(cover.advance(id_))}


# ---- which pieces


@given(models(), texts_over(ALPHABET, 0, 12), st.integers(0, 4))
def test_a_cover_allows_every_piece_that_covers_and_no_other(model, prompt, backtrack):
    tok = Tokenizer(model)
    pieces = piece_of(tok)
    ids = tok.encode(prompt)
    depths = tok.continuations(prompt, backtrack)
    assert len(depths) == min(backtrack, len(ids)) + 1
    for depth, (kept, taken, cover) in enumerate(depths):
        assert kept == ids[: len(ids) - depth]
        assert tok.decode_bytes(kept) + taken == prompt
        assert (cover.rest, cover.extra, cover.done) == (taken, b"", depth == 0)
        begin = sorted((p, i) for i, p in pieces.items() if p.startswith(taken))
        assert cover.completing.tolist() == [i for _, i in begin]
        assert cover.extras() == [p[len(taken) :] for p, _ in begin]
        inside = sorted(
            (len(p), i) for i, p in pieces.items() if taken.startswith(p) and p != taken
        )
        assert cover.partial.tolist() == [i for _, i in inside]
        assert np.flatnonzero(cover.mask).tolist() == sorted(cover.ids.tolist())
        assert cover.mask.shape == (tok.vocab_size,)
        for id_ in cover.ids.tolist() if depth else []:
            after = cover.advance(id_)
            assert taken + after.extra == pieces[id_] + after.rest
            assert after.done == (id_ in cover.completing.tolist())


@given(vocabularies(), texts_over(ALPHABET, 1, 3), st.none() | st.integers(1, 3))
def test_the_ways_through_a_cover_are_the_minimal_covers(scores, taken, tokens):
    tok = Tokenizer(make_model(scores))
    cover = tok.continuations(taken, 3, tokens=tokens)[-1].cover
    found = {tuple(tok.ids_to_pieces(path)) for path in walk(cover)}
    assert found == covers(cover.rest, tok.model.pieces, tokens)


@given(TEXTS, st.integers(0, 30))
def test_kept_and_taken_tokens_join_to_any_prompt(tok, text, backtrack):
    for kept, taken, cover in tok.continuations(text, backtrack):
        assert tok.decode_bytes(kept) + taken == to_bytes(text)
        assert cover.mask[cover.ids].all()
        assert len(cover.completing) == sum(p.startswith(taken) for p in tok.model.pieces)


def test_pieces_that_begin_with_the_largest_byte_are_found():
    tok = Tokenizer(make_model({b"\xff\xff": -1.0, b"\xff\xff\xff": -9.0, b"a\xff": -1.0}))
    _, taken, cover = tok.continuations(b"\xff\xff")[1]
    assert taken == b"\xff\xff"
    assert cover.extras() == [b"", b"\xff"]
    assert tok.ids_to_pieces(tok.continuations(b"a\xff")[1].cover.completing) == [b"a\xff"]


def test_a_line_end_may_become_several_line_ends(tok):
    kept, taken, cover = tok.continuations("the \n")[1]
    assert (tok.decode(kept), taken) == ("the ", b"\n")
    assert tok.ids_to_pieces(cover.ids) == [b"\n", b"\n\n"]


def test_half_a_character_is_completed(tok):
    cover = tok.continuations("今天".encode()[:2])[1].cover
    assert tok.ids_to_pieces(cover.completing) == [b"\xe4\xbb", "今天".encode()]
    assert tok.ids_to_pieces(cover.partial) == [b"\xe4"]


def test_special_tokens_are_never_taken_back(tok):
    bos = tok.piece_to_id("<bos>")
    ids = [bos, *tok.encode("the hat"), bos, *tok.encode("at")]
    depths = tok.continuations(np.array(ids), 5)
    assert [taken for _, taken, _ in depths] == [b"", b"at"]
    assert depths[1].kept == ids[:-1]
    assert len(tok.continuations([bos], 3)) == len(tok.continuations("", 3)) == 1
    for name in ("<pad>", "<bos>", "<eos>"):
        assert not any(cover.mask[tok.piece_to_id(name)] for _, _, cover in depths)
    # Kept ids are not checked, because a language model may have more ids.
    assert tok.continuations([10**6, tok.piece_to_id(b"at")])[1].kept == [10**6]


def test_the_number_of_tokens_is_limited(tok):
    for depth, (_, taken, cover) in enumerate(tok.continuations("the cat", 3, tokens=2)):
        paths = walk(cover)
        assert max(map(len, paths)) <= 2
        assert all(b"".join(tok.ids_to_pieces(p)).startswith(taken) for p in paths), depth
    [_, _, cover] = tok.continuations("the cat", 2, tokens=1)[2]
    assert cover.rest == b"the cat"
    assert not cover.ids.size
    assert not cover.mask.any()


def test_more_bytes_are_taken_back_than_any_piece_has(tok):
    [*_, (_, taken, cover)] = tok.continuations("the cat " * 200, 255, tokens=255)
    assert len(taken) > 600
    assert not cover.completing.size
    while not cover.done:
        cover = cover.advance(cover.ids[-1].item())
    assert tok.continuations("the cat " * 200, 255, tokens=100)[-1].cover.ids.size == 0


def test_wrong_arguments_are_refused(tok):
    the = tok.piece_to_id(b"the")
    cover = tok.continuations("the")[1].cover
    for id_ in (tok.piece_to_id(b"at"), 1, -1, 10**6):
        with pytest.raises(ArgumentError, match="begins no cover"):
            cover.advance(id_)
    with pytest.raises(ArgumentError, match="any token may follow"):
        cover.advance(the).advance(the)
    few = tok.continuations("the", tokens=1)[1].cover
    with pytest.raises(ArgumentError, match="begins no cover"):
        few.advance(tok.piece_to_id(b"th"))
    for backtrack in (-1, 256, True, 1.0):
        with pytest.raises(ArgumentError, match="backtrack"):
            tok.continuations("the", backtrack)
    with pytest.raises(ArgumentError, match="tokens must be"):
        tok.continuations("the", tokens=0)
    with pytest.raises(ArgumentError, match="a text or a series"):
        tok.continuations([1.5])
    with pytest.raises(ArgumentError, match="a text or a series"):
        tok.continuations(7)
    with pytest.raises(VocabularyError, match="1000000"):
        tok.continuations([10**6])
    assert repr(cover) == "<bytepiece.continuations.Cover: rest b'the', extra b''>"


def test_states_pickle_and_a_tokenizer_pickles_without_the_table(model):
    tok = Tokenizer(model)
    before = len(pickle.dumps(tok))
    cover = tok.continuations("the cat", 2)[2].cover
    assert len(pickle.dumps(tok)) == before
    cover.ids[:] = cover.completing[:] = cover.partial[:] = 0  # copies
    assert pickle.loads(pickle.dumps(cover)).ids.tolist() == cover.ids.tolist() != []
    assert cover.ids.all()


def test_threads_share_a_tokenizer(model):
    tok = Tokenizer(model)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: walk(tok.continuations("...", 2)[-1].cover), range(16)))
    assert all(paths == found[0] for paths in found)


# ---- the law of covers


def random_law(tok, pieces, seed):
    """Return a language model with random probabilities, which differ after different ids.

    Only these pieces and the special tokens have a probability.
    """
    support = np.array([*tok.pieces_to_ids(pieces), 0, 1, 2])

    def log_probs(rows):
        answers = np.full((len(rows), tok.vocab_size + 3), -math.inf)
        for answer, row in zip(answers, rows, strict=True):
            weights = np.random.default_rng([seed, *row]).exponential(size=len(support))
            answer[support] = np.log(weights / weights.sum())
        return answers

    return log_probs


def enumerated(tok, log_probs, kept, pieces, begin):
    """Yield each series of pieces whose bytes begin with `begin`, and its probability.

    A series has as many pieces as `begin` has bytes.
    """
    ids = tok.pieces_to_ids(pieces)
    piece = dict(zip(ids, pieces, strict=True))
    known = {}
    for path in product(ids, repeat=len(begin)):
        if not b"".join([piece[i] for i in path]).startswith(begin):
            continue
        total = 0.0
        for k, id_ in enumerate(path):
            row = (*kept, *path[:k])
            if row not in known:
                known[row] = log_probs([list(row)])[0]
            total += float(known[row][id_])
        yield path, math.exp(total)


def cut_to_cover(path, piece, length):
    """Return the shortest beginning of a series of pieces that has `length` bytes or more."""
    done = 0
    for k, id_ in enumerate(path):
        done += len(piece[id_])
        if done >= length:
            return path[: k + 1]
    raise AssertionError


@pytest.mark.parametrize("seed", range(6 if JIT else 2))
@pytest.mark.parametrize(
    ("taken", "wanted"),
    [(b"a", b"b"), (b"ab", b"a"), (b"aba", b""), (b"abab", b""), (b"a", b"aba")],
)
def test_the_law_of_covers_equals_the_sum_over_all_series_of_tokens(seed, taken, wanted):
    """Compare P(cover | the bytes begin with those taken back), and P(text | the same).

    Any tokens may follow a series that reaches the end of the bytes, and their probabilities add up
    to 1. Special tokens would end a series, so the language model here gives them no probability.
    """
    pieces = [b"a", b"b", b"ab", b"ba", b"aba", b"abb", b"babb"]
    tok = Tokenizer(make_model(dict.fromkeys(pieces, -3.0)))
    piece = piece_of(tok)
    given = random_law(tok, pieces, seed)

    def log_probs(rows):
        answers = given(rows)
        answers[:, :3] = -math.inf
        return answers - np.logaddexp.reduce(answers, axis=1, keepdims=True)

    kept = tok.encode("b") * seed
    prompt = [*kept, *tok.pieces_to_ids([bytes([b]) for b in taken])]
    one = tok.continuations(prompt, len(taken))[-1]
    assert (one.kept, one.taken) == (kept, taken)
    law = one.distribution(log_probs)

    masses = defaultdict(float)
    for path, p in enumerated(tok, log_probs, kept, pieces, taken):
        masses[cut_to_cover(path, piece, len(taken))] += p
    total = math.fsum(masses.values())
    assert set(law.ids) == set(masses)
    assert law.log_mass == pytest.approx(math.log(total), abs=1e-12)
    for ids, log_prob in zip(law.ids, law.log_probs.tolist(), strict=True):
        assert math.exp(log_prob) == pytest.approx(masses[ids] / total, rel=1e-12)
    assert (np.diff(law.log_probs) <= 0).all()

    both = math.fsum(p for _, p in enumerated(tok, log_probs, kept, pieces, taken + wanted))
    expected = math.log(both / total)
    assert one.log_prob(wanted, log_probs) == pytest.approx(expected, abs=1e-12)


def test_special_tokens_have_no_part_in_the_law(tok):
    """The law is renormalized without their probability."""
    one = tok.continuations("th")[1]
    log_probs = random_law(tok, [b"th", b"the", b"t", b"h"], 1)
    law = one.distribution(log_probs)
    first, second = log_probs([[]])[0], log_probs([tok.pieces_to_ids([b"t"])])[0]
    t, h, th, the = tok.pieces_to_ids([b"t", b"h", b"th", b"the"])
    expected = {(th,): first[th], (the,): first[the], (t, h): first[t] + second[h]}
    mass = np.logaddexp.reduce(list(expected.values()))
    assert law.log_mass == pytest.approx(mass)
    found = dict(zip(law.ids, law.log_probs, strict=True))
    assert found == pytest.approx({ids: log_p - mass for ids, log_p in expected.items()})


def test_the_law_of_few_tokens_is_a_part_of_the_whole_law(tok):
    log_probs = random_law(tok, [b"th", b"the", b"t", b"h", b"e"], 2)
    free, few = (tok.continuations("the", tokens=n)[1].distribution(log_probs) for n in (None, 1))
    the = (tok.piece_to_id(b"the"),)
    assert few.ids == [the]
    assert few.log_probs.tolist() == [0.0]
    at = free.ids.index(the)
    assert few.log_mass == pytest.approx(free.log_mass + free.log_probs[at])
    assert len(free.ids) == 3


def test_a_call_has_few_rows_of_one_length():
    tok = Tokenizer(make_model({b"a" * n: -1.0 for n in range(1, 9)}))
    calls = []

    def log_probs(rows):
        calls.append(rows)
        return np.full((len(rows), tok.vocab_size), -math.log(tok.vocab_size))

    one = tok.continuations("a" * 9, 20)[-1]
    law = one.distribution(log_probs)
    rows = [tuple(row) for call in calls for row in call]
    assert len(set(rows)) == len(rows) == 2**8
    assert max(map(len, calls)) == 64
    assert all(len(set(map(len, call))) == 1 for call in calls)
    assert set(law.ids) == walk(one.cover)
    with pytest.raises(ArgumentError, match=f"more than {len(rows) - 1} ways"):
        one.distribution(log_probs, most=len(rows) - 1)
    assert one.distribution(log_probs, most=len(rows)).ids == law.ids


def test_log_prob_if_nothing_is_taken_back(tok):
    log_probs = random_law(tok, [b"a", b"t", b"at"], 3)
    nothing = tok.continuations("the ", 0)[0]
    assert nothing.distribution(log_probs).ids == [()]
    assert nothing.log_prob("", log_probs) == 0.0
    assert nothing.log_prob("x", log_probs) == -math.inf
    kept = nothing.kept
    a, t, at = tok.pieces_to_ids([b"a", b"t", b"at"])
    first, second = np.exp(log_probs([kept])[0]), np.exp(log_probs([[*kept, a]])[0])
    assert math.exp(nothing.log_prob("at", log_probs)) == pytest.approx(
        first[at] + first[a] * second[[t, at]][0]
    )


def test_draws_follow_the_law(tok):
    law = tok.continuations("the")[1].distribution(random_law(tok, [b"the", b"th", b"e", b"t"], 5))
    count = 20_000
    drawn = law.sample(count, seed=3)
    assert drawn == law.sample(count, seed=3)
    assert drawn[:5] == law.sample(5, seed=3)
    assert drawn != law.sample(count, seed=4)
    assert law.sample(0) == []
    assert len(law.sample()) == 1
    for ids, log_prob in zip(law.ids, law.log_probs, strict=True):
        p = math.exp(log_prob)
        assert abs(drawn.count(ids) / count - p) < 5 * math.sqrt(p / count)
    with pytest.raises(ArgumentError, match="n must be"):
        law.sample(-1)


def test_draws_use_the_documented_stream():
    covers = Covers([(i,) for i in range(1000)], np.full(1000, -math.log(1000)), 0.0)
    draw = reference.stream(5, 0, 0, 0, 0)
    assert covers.sample(40, seed=5) == [(int(draw(i) * 1000),) for i in range(40)]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (lambda rows: np.zeros((len(rows), 5)), "rows of at least 277"),
        (lambda rows: np.zeros(277), "array of 1 rows"),
        (lambda rows: np.full((len(rows), 277), 2.0), "log_softmax"),
        (lambda rows: np.full((len(rows), 277), np.nan), "log_softmax"),
        (lambda rows: np.full((len(rows), 277), -np.inf), "no cover of b'the'"),
    ],
)
def test_wrong_answers_of_a_language_model_are_refused(tok, answers, message):
    assert tok.vocab_size == 277
    with pytest.raises(ArgumentError, match=message):
        tok.continuations("the")[1].distribution(answers)
