"""The table of different words: each is counted once, and the counts are those of the text."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference_training as reference
from support.windows import block_of, counted, random_windows

import bytepiece
from bytepiece._arrays import offsets_of
from bytepiece.training import growth, merge_trainer, pairs, words
from bytepiece.training.word_kinds import all_within_words, join_within_word, shapes_of


def items(blocks):
    for block in blocks:
        text, bounds = block.text.tobytes(), block.bounds.tolist()
        for low, high, weight in zip(bounds, bounds[1:], block.weights.tolist(), strict=False):
            yield text[low:high], weight


@pytest.mark.parametrize("seed", range(3))
def test_the_table_has_each_word_once_with_its_weight(seed):
    windows = list(random_windows(seed))
    blocks = [block_of(segments, [3] * len(segments)) for segments in windows]
    table = words.WordTable(blocks)
    found = list(items(table.part(1)))
    everything = [word for segments in windows for s in segments for word in reference.words_in(s)]
    assert dict(found) == {word: 48 * n for word, n in Counter(everything).items()}
    assert len(found) == len(dict(found))
    assert table.size == sum(len(word) for word, _ in found)
    weights = [weight for _, weight in found]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so  it\tis \n\n", "so| | it|\t|is| \n\n"),
        ("    return  a_b", "   | return| | a|_|b"),
        ("don't l’eau 'tis '9'", "don't| l’eau| '|tis| '|9|'"),
        ("(x+=2); 1234abc²", "(|x|+=|2|);| 1234|abc|²"),
        ("今天，天气好。 ok", "今天|，|天气好|。| ok"),
        ("cafe\u0301 a\u3000b", "cafe\u0301| a|\u3000|b"),
        ("caf\udce9s x", "caf\udce9s| x"),
    ],
)
def test_words_are_letters_or_numbers_or_others_with_a_blank_before(text, expected):
    segment = text.encode("utf-8", "surrogateescape")
    [found] = [[word for word, _ in items([words.parts_of(block_of([segment]), False, True)])]]
    assert found == [word.encode("utf-8", "surrogateescape") for word in expected.split("|")]
    assert found == reference.words_in(segment)
    assert all_within_words(found)


@given(st.lists(st.sampled_from([*"aé中1² \t\n'’.,(\u3000\u0301", "\udce9", "\udc80"]), min_size=1))
def test_words_are_those_of_the_twin(characters):
    segment = "".join(characters).encode("utf-8", "surrogateescape")
    parts = words.parts_of(block_of([segment]), False, True)
    assert parts.bounds.tolist() == [*reference.word_starts(segment), len(segment)]


def test_which_pieces_lie_within_a_word():
    inside = [b" the", b" ", b"  \t", b"'t", b"don'", " l’eau".encode(), b" (", b".'", b"12"]
    across = [b"it ", b"so it", b"  it", b"\tit", b"a1", b"'9", b"a.", "。今".encode()]
    assert [all_within_words([piece]) for piece in inside + across] == [True] * 9 + [False] * 8
    pieces = [*inside, *across, b"a", b"  ", b"\n"]
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    shapes = shapes_of(flat, offsets_of(map(len, pieces)))
    for left, one in zip(pieces, shapes, strict=True):
        found = join_within_word(np.full_like(shapes, one), shapes).tolist()
        assert found == [all_within_words([left + right]) for right in pieces]


def test_counts_of_the_table_are_plain_counts_of_the_text():
    windows = list(random_windows(5))
    vocabulary = growth.initial_pieces([b" a", b"aa", b"ab", "中文".encode()])
    state = merge_trainer.scored_automaton(vocabulary, "compression")
    table = words.WordTable(map(block_of, windows))
    total = counted(table.part(1), state, len(vocabulary.pieces), damped=False)
    expected, expected_pairs = Counter(), Counter()
    scores = dict(
        zip(
            vocabulary.pieces,
            merge_trainer.scores_of(vocabulary.counts, "compression").tolist(),
            strict=True,
        )
    )
    for segment in (s for segments in windows for s in segments):
        path = reference.best_path(segment, scores)
        expected.update(path)
        begin = 0
        for left, right in pairwise(path):
            starts = reference.word_starts(segment)
            if not any(begin < start < begin + len(left + right) for start in starts):
                expected_pairs[left, right] += 16
            begin += len(left)
    assert total.pieces.tolist() == [16 * expected[piece] for piece in vocabulary.pieces]
    keys, sums = total.pairs.items()
    left, right = (numbers.tolist() for numbers in pairs.split_pairs(keys))
    names = [(vocabulary.pieces[a], vocabulary.pieces[b]) for a, b in zip(left, right, strict=True)]
    assert dict(zip(names, sums.tolist(), strict=True)) == expected_pairs


def test_a_part_of_the_table_stands_for_all_of_it(monkeypatch):
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 100)
    rng = np.random.default_rng(1)
    lines = [b" ".join(b"%d" % n for n in rng.zipf(1.3, 9) % 10**6) for _ in range(3000)]
    table = words.WordTable([block_of(lines)])
    total = sum(weight for _, weight in items(table.part(1)))
    for every in (2, 5, 9):
        part = table.part(every)
        assert sum(len(block.text) for block in part) == pytest.approx(table.size / every, rel=0.2)
        assert sum(weight for _, weight in items(part)) == pytest.approx(total, rel=0.2)
        assert list(items(part))[:5] == list(items(table.part(1)))[:5]


@pytest.mark.parametrize("memory", [1 << 30, 1])
def test_the_scores_follow_from_plain_counts(monkeypatch, memory):
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 300)
    monkeypatch.setattr("bytepiece.training.memory.LEAST_TEXT", 1500)
    corpus = ["ab ab ab ab cd\n"] * 400
    options = {"algorithm": "merge", "objective": "likelihood"}
    model = bytepiece.train(corpus, 300, memory=memory, threads=1, **options)
    assert ("sampled_bytes" in model.record) == (memory == 1)
    score = dict(zip(model.pieces, model.scores, strict=True))
    assert score[b" ab"] - score[b" cd"] == pytest.approx(math.log(3), abs=1e-4)
