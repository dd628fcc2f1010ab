"""Long segments: the same ids and samples in windows as in arrays of their length."""

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.character_models import from_sp
from support.strategies import HARSH_SCORES, JIT, make_model, overlapping, vocabularies

from bytepiece import TextRules, Tokenizer
from bytepiece.encoding.segmentation import segment
from bytepiece.kernels import paths, windows
from bytepiece.kernels.automaton import build
from bytepiece.rules.foreign import SentencePieceRules

SIZE = 9_000 if JIT else 200
REQUESTS = [
    {},
    *({"alpha": alpha, "seed": 3} for alpha in (0.0, 0.1, 1.0, 40.0)),
    {"alpha": 0.3, "seed": 4, "samples": 3},
    {"alpha": 0.2, "seed": 5, "add_bos": True, "add_eos": True},
]


def results(tok, texts):
    return [tok.encode_batch(texts, **request) for request in REQUESTS]


def check(tok, texts, window, monkeypatch):
    """Check that small windows change nothing, and a model's own pieces fit into them."""
    expected = results(tok, texts)
    with monkeypatch.context() as patched:
        patched.setattr(windows, "LONG", 2 * window)
        patched.setattr(windows, "WINDOW", window)
        assert results(tok, texts) == expected


def english(size):
    words = ["the", " cat", " and", " hat", "s ", " 今天", "é", "\r", "  "]
    rng = random.Random(1)
    return "".join(rng.choices(words, k=size))[:size].encode()[:size]


PIECES = {b"the": -3.5, b" hat": -4.0, b" cat and": -5.0, "今天".encode(): -6.5, b"s": -2.0}
TEXTS = {
    "words": english(SIZE),
    "random bytes": np.random.default_rng(0).bytes(SIZE).replace(b"\n", b"x"),
    "one letter": b"a" * SIZE,
    "short and long lines": b"\n".join([english(n) for n in (3, 900, 1, SIZE, 5, 450, 450, 2)]),
    "two long lines": english(SIZE // 2) + b"\n" + english(SIZE // 2),
}
MODELS = {
    "words": make_model(PIECES),
    "digits apart": make_model({**PIECES, b"12": -1.0}, rules=TextRules(digits="each")),
    "never settled": make_model({b"aa": -1.0}, byte_score=-9.0),
    "long pieces": make_model({b"a" * n: -1.0 for n in (7, 50, 63)}),
    "tiny weights": make_model({b"th": -700.0, b"aaa": -2000.0, b"e ": 30.0}, byte_score=-900.0),
    "ties": make_model({b"the": -2.0, b"th": -1.0, b"aa": -2.0}, byte_score=-1.0),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("model", MODELS)
def test_windows_change_nothing(model, text, monkeypatch):
    tok = Tokenizer(MODELS[model])
    for window in (64, 1000):
        check(tok, [b"the", TEXTS[text], "", b"a hat"], window, monkeypatch)


@pytest.mark.parametrize("text", TEXTS)
def test_sums_in_float32_change_nothing(text, monkeypatch):
    # Scores so large that SentencePiece's sums start again from 0 within and between windows.
    scores = {piece: 300 * score for piece, score in PIECES.items()}
    rules = TextRules(library=SentencePieceRules(), segment="text", unknown="bytes")
    tok = Tokenizer(make_model(scores, byte_score=-3000.0, rules=rules))
    raw = TEXTS[text].decode("utf-8", "replace")
    for window in (64, 1000):
        check(tok, [raw, "the hat"], window, monkeypatch)


@pytest.mark.parametrize("fallback", [False, True])
def test_unknown_characters_in_windows(fallback, monkeypatch):
    pieces = {" ": -2.0, "a": -3.0, "☃☃": -4.0, "a☃": -5.0, "aa": -4.5}
    tok = from_sp(pieces, fallback)
    texts = ["aaa☃☃aa☃é" * 40, "☃é" * 60]
    requests = [request for request in REQUESTS if "add_bos" not in request]
    expected = [tok.encode_batch(texts, **request) for request in requests]
    for window in (64, 65, 66):
        monkeypatch.setattr(windows, "LONG", 2 * window)
        monkeypatch.setattr(windows, "WINDOW", window)
        assert [tok.encode_batch(texts, **request) for request in requests] == expected


@given(
    scores=vocabularies() | vocabularies(HARSH_SCORES) | overlapping(),
    text=st.text("abä", min_size=20, max_size=300),
    window=st.integers(16, 40),
)
def test_windows_change_nothing_for_any_model(scores, text, window):
    with pytest.MonkeyPatch.context() as monkeypatch:
        check(Tokenizer(make_model(scores)), [text], window, monkeypatch)


@given(length=st.integers(1, 200), window=st.integers(5, 50))
def test_windows_cover_a_segment(length, window):
    automaton = build([bytes([b]) for b in range(256)] + [b"abcd"])
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(windows, "WINDOW", window)
        found = list(windows.windows(length, automaton))
    begin = 0
    for one in found:
        assert one.low + one.done == begin
        assert one.done == min(begin, 3)
        assert one.length <= windows.WINDOW + automaton.deepest
        begin = one.stop
    assert begin == length


def test_ids_of_one_long_segment_are_not_copied(monkeypatch):
    monkeypatch.setattr(windows, "LONG", 300)
    monkeypatch.setattr(windows, "WINDOW", 128)
    tok = Tokenizer(MODELS["words"])
    for request in ({}, {"alpha": 0.5, "seed": 1}):
        rows = tok.encode_batch([TEXTS["words"]], **request)
        assert rows.ids.flags.owndata
        assert rows.ids.nbytes == 4 * len(rows.ids)


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=60), first=st.integers(0, 60))
def test_paths_are_settled_up_to_their_last_position_in_common(lengths, first):
    steps = np.arange(7, dtype=np.uint16)  # the entry of a number has this length
    via = np.array([0, *(min(n, i) for i, n in enumerate(lengths, 1))], dtype=np.uint32)
    last = len(lengths)
    first = min(first, last)
    before = via.copy()
    found = paths._settled(steps, via, first, last)
    visited = [set(positions(before, end)) for end in range(first, last + 1)]
    assert found == max(set.intersection(*visited))
    assert (via == before).all()


def positions(via, end):
    """Yield the positions of the path to an end, backwards."""
    yield end
    while end:
        end -= int(via[end])
        yield end


def test_sums_near_the_size_at_which_they_start_again():
    # The same ids by the slow kernel everywhere as by both kernels in turns.
    scores = {piece: 20 * score for piece, score in PIECES.items()}
    rules = TextRules(library=SentencePieceRules(), segment="text", unknown="bytes")
    encoder = Tokenizer(make_model(scores, byte_score=-100.0, rules=rules))._encoder
    text = b" the cat in the hat ate aaa" * (900 if JIT else 90)
    found = encoder.encode_segments(segment([text], rules)).ids
    encoder._float32 = encoder._float32._replace(largest=1e9)
    slow = encoder.encode_segments(segment([text], rules)).ids
    assert np.array_equal(found, slow)


@pytest.mark.skipif(not JIT, reason="slow without the compiler")
def test_a_text_of_large_sums_takes_time_in_proportion_to_its_length():
    rules = TextRules(library=SentencePieceRules(), segment="text", unknown="bytes")
    scores = {piece: 200 * score for piece, score in PIECES.items()}
    encoder = Tokenizer(make_model(scores, byte_score=-2000.0, rules=rules))._encoder

    def seconds(times):
        cut = segment([b" the cat in the hat ate aaa" * times], rules)
        taken = []
        for _ in range(3):
            start = time.process_time()
            encoder.encode_segments(cut)
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(60_000) < 25 * seconds(6_000)
