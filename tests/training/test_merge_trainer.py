"""The merge trainer against its slow twin: each stage, and a whole run."""

import math
import random
from collections import Counter

import numpy as np
import pytest
from support import reference_training as reference
from support.strategies import JIT
from support.windows import ROUNDS, as_dict, block_of, counted, random_windows

import bytepiece
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs.files import Files
from bytepiece.training import growth, merge_trainer, pace, pairs
from bytepiece.training.corpus_sample import _WindowChooser
from bytepiece.training.options import SPACES


def pairs_of(total, pieces):
    keys, sums = total.pairs.items()
    left, right = pairs.split_pairs(keys)
    rows = zip(left.tolist(), right.tolist(), sums.tolist(), strict=True)
    return {(pieces[a], pieces[b]): count for a, b, count in rows}


@pytest.mark.parametrize("spaces", SPACES)
@pytest.mark.parametrize("newlines", growth.NEWLINES)
@pytest.mark.parametrize("objective", merge_trainer.EXPONENTS)
@pytest.mark.parametrize("seed", range(4))
def test_rounds_are_those_of_the_twin(seed, objective, newlines, spaces):
    windows = list(random_windows(seed))
    rules = growth.PieceRules(9, newlines, spaces)
    # Two pieces that hardly occur, and one that occurs.
    asked = [b"xyz", "é中".encode(), b"aab"]
    vocabulary = growth.initial_pieces(asked)
    expected = {bytes([b]): 16 for b in range(256)} | dict.fromkeys(asked, 16)
    for number in range(ROUNDS):
        state = merge_trainer.scored_automaton(vocabulary, objective)
        superwords = spaces == "superwords"
        total = counted(map(block_of, windows), state, len(vocabulary.pieces), superwords)
        scores = reference.merge_scores(expected, merge_trainer.EXPONENTS[objective])
        tokens, seen, neighbours = found = reference.count_windows(windows, scores, superwords)
        assert total.tokens == tokens
        assert dict(enumerate(total.pieces.tolist())) == {
            i: seen[piece] for i, piece in enumerate(expected)
        }
        assert pairs_of(total, vocabulary.pieces) == neighbours
        size = min(256 + 10 * (number + 1), 300)
        alone = [pairs.count(block, state, False) for block in map(block_of, windows)]
        assert all(len(one.pairs[0]) == 0 for one in alone)
        assert np.array_equal(pairs.total(alone, len(expected), 0).pieces, total.pieces)
        limits = growth.GrowthLimits(size, 15)
        kept = frozenset(asked)
        vocabulary = growth.advance(vocabulary, state, total, limits, rules, kept)
        expected = reference.advance(expected, found, scores, size, 15, rules, asked)
        assert list(as_dict(vocabulary).items()) == list(expected.items())
        assert len(vocabulary.pieces) <= size
        assert set(vocabulary.pieces) >= {bytes([b]) for b in range(256)} | kept


def test_the_count_of_a_key_grows_slower_than_its_occurrences():
    weights = pairs._powers(1 << 16)
    assert weights[:4].tolist() == [0, 16, 26, 36]
    assert [reference.weight(n) for n in range(999)] == weights[:999].tolist()
    exact = 16 * np.arange(1 << 16, dtype=np.float64)[1:] ** 0.75
    assert np.all(np.abs(weights[1 : 1 << 16] + 0.5 - exact) <= 0.5 + 1e-6)


@pytest.mark.parametrize("heaviest", [1, 3, 1 << 40, 1 << 50])
def test_weighted_counts_are_those_of_the_twin(heaviest):
    rng = random.Random(heaviest)
    windows = [
        [(segment, rng.randint(1, heaviest)) for segment in segments]
        for segments in random_windows(2)
    ]
    vocabulary = growth.initial_pieces(["中文".encode(), b"aa", b"ab", b" a"])
    blocks = [block_of(*zip(*segments, strict=True)) for segments in windows]
    total = counted(
        blocks, merge_trainer.scored_automaton(vocabulary, "likelihood"), len(vocabulary.pieces)
    )
    scores = reference.merge_scores(as_dict(vocabulary), 1.0)
    tokens, seen, neighbours = reference.count_windows(windows, scores)
    assert total.tokens == tokens
    assert dict(zip(vocabulary.pieces, total.pieces.tolist(), strict=True)) == {
        piece: seen[piece] for piece in vocabulary.pieces
    }
    assert pairs_of(total, vocabulary.pieces) == neighbours


def test_counts_of_pairs_with_the_same_piece_are_added():
    vocabulary = growth.initial_pieces([b"ab", b"bc"])
    number = {piece: i for i, piece in enumerate(vocabulary.pieces)}
    sums = pairs.PairSums(99)
    for left, right, count in ((b"ab", b"c", 50), (b"a", b"bc", 60), (b"c", b"a", 70)):
        key = number[left] << 24 | number[right]
        sums.add(np.array([key]), np.array([count]))
    staying = np.zeros(len(vocabulary.pieces), dtype=np.bool_)
    found = growth._candidates(
        vocabulary.pieces,
        sums,
        growth.GrowthLimits(999, 9),
        growth.PieceRules(36, "apart"),
        staying,
    )
    assert found[0] == [b"abc", b"ca"]
    assert found[1].tolist() == [110, 70]


def test_sums_are_exact_in_any_order():
    rng = random.Random(1)
    keys = [rng.choice([rng.randrange(1 << 48), rng.randrange(5000)]) for _ in range(20000)]
    parts = [np.array(keys[i : i + 999], dtype=np.int64) for i in range(0, len(keys), 999)]
    expected = Counter()
    for part in parts:
        expected.update(dict.fromkeys(set(part.tolist()), 1 << 40))
    for _ in range(2):
        sums = pairs.PairSums(1 << 40)
        rng.shuffle(parts)
        for part in parts:
            distinct = np.unique(part)
            sums.add(distinct, np.full(len(distinct), 1 << 40, dtype=np.int64))
        found, totals = sums.items()
        assert dict(zip(found.tolist(), totals.tolist(), strict=True)) == expected
        most = sums.items(3 << 40)[1]
        assert len(most) == sum(count >= 3 << 40 for count in expected.values())


def test_windows_may_be_counted_in_any_order():
    blocks = [block_of(segments) for segments in random_windows(7, 12)]
    vocabulary = growth.initial_pieces()
    results = []
    for seed in range(3):
        random.Random(seed).shuffle(blocks)
        state = merge_trainer.scored_automaton(vocabulary, "compression")
        total = counted(blocks, state, 256)
        results.append(
            as_dict(
                growth.advance(
                    vocabulary,
                    state,
                    total,
                    growth.GrowthLimits(280, 99),
                    growth.PieceRules(36, "apart"),
                )
            )
        )
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 280


def texts(seed=3, lines=400):
    rng = random.Random(seed)
    words = ["".join(rng.choices("aeiou中文bcd", k=rng.randint(1, 5))) for _ in range(60)]
    return [" ".join(rng.choices(words, k=9)) + "\n" for _ in range(lines)]


def train(corpus, size=350, spaces="across", **options):
    return bytepiece.train(corpus, size, algorithm="merge", spaces=spaces, **options)


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 300)
    monkeypatch.setattr(pace, "LARGE", pace.LARGE._replace(per_piece=4))


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("spaces", SPACES)
def test_the_model_does_not_depend_on_threads(spaces):
    corpus = texts(lines=300 if JIT else 60)
    expected = train(corpus, threads=1, spaces=spaces)
    assert expected.vocab_size == 350
    assert train(corpus, threads=2, spaces=spaces) == expected
    assert train(corpus, threads=4, spaces=spaces) == expected


@pytest.mark.parametrize("spaces", SPACES)
def test_several_sizes_equal_several_runs_when_the_text_is_too_small(spaces):
    corpus = ["".join(texts(lines=20))]
    sizes = [350, 700, 900, 2000]
    models = train(corpus, sizes, spaces=spaces)
    assert models[2].vocab_size < 900
    assert [train(corpus, size, spaces=spaces) for size in sizes] == models


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("spaces", SPACES)
def test_several_sizes_equal_several_runs(spaces):
    corpus = texts(lines=60)
    large, small = train(corpus, [380, 300], spaces=spaces)
    assert (large.vocab_size, small.vocab_size) == (380, 300)
    assert train(corpus, 300, spaces=spaces) == small
    assert train(corpus, 380, spaces=spaces) == large


def test_the_smallest_vocabulary_is_the_single_bytes():
    assert sorted(train(texts(lines=9), 259).pieces) == [bytes([b]) for b in range(256)]


def test_a_small_corpus_gives_a_small_vocabulary():
    model = train(["abc abc abc"], 32000)
    assert 259 < model.vocab_size < 270
    assert train(["a"], 32000).vocab_size == 259


def test_merge_compresses_better_than_bnlm():
    corpus = texts()
    tokens = [
        len(bytepiece.Tokenizer(model).encode("".join(texts(seed=3, lines=500)[400:])))
        for model in (train(corpus, 600), bytepiece.train(corpus, 600, algorithm="bnlm"))
    ]
    assert tokens[0] < tokens[1]


def test_scores_are_log_probabilities():
    for objective in merge_trainer.EXPONENTS:
        model = train(texts(lines=60), objective=objective)
        # The scores are multiples of 2⁻¹³.
        assert math.fsum(map(math.exp, model.scores)) == pytest.approx(1.0, abs=2**-13)
        assert not (model.scores * 2**13 % 1).any()


def test_newlines_stay_apart_or_end_pieces():
    corpus = ["so it is.\n\n", "so it goes.\n"] * 20
    apart = [p for p in train(corpus).pieces if b"\n" in p]
    assert set(apart) <= {b"\n", b"\n\n"}
    end = [p for p in train(corpus, newlines="end").pieces if b"\n" in p.strip(b"\n") + p[-1:]]
    assert any(len(p) > 4 for p in end)
    assert not any(b"\n" in p.rstrip(b"\n") for p in end)


def test_pieces_respect_characters_lengths_and_digits():
    corpus = [*texts(), "in 1999 and 1999, ١٩٩٩ or １９\n" * 30]
    pieces = train(corpus, 900, digits="each", max_piece_length=12).pieces
    assert max(map(len, pieces)) <= 12
    assert b"19" not in pieces
    for piece in pieces:
        assert len(piece) == 1 or reference.lacks(piece) >= 0
        if len(piece) > 1 and reference.lacks(piece):
            assert sum(byte & 0xC0 != 0x80 for byte in piece) == 1
        elif len(piece) > 1:
            assert sum(c.isdecimal() for c in piece.decode()) <= (len(piece.decode()) == 1)


@pytest.mark.usefixtures("small_windows")
def test_a_large_corpus_is_sampled_and_the_record_says_so(monkeypatch):
    monkeypatch.setattr("bytepiece.training.memory.LEAST_TEXT", 4000)
    corpus = texts()
    whole, part = train(corpus), train(corpus, memory=1)
    assert "sampled_bytes" not in whole.record
    assert 3000 < part.record["sampled_bytes"] <= 4000
    assert whole.record["corpus_sha256"] == part.record["corpus_sha256"]
    assert train(corpus, memory=1, threads=2) == part


def sampled(windows, most):
    sampler = _WindowChooser(most)
    for window in windows:
        sampler.add(window)
    return sampler


def test_a_sample_has_room_for_the_bounds_of_short_segments():
    windows = [block_of([b"1"] * 100) for _ in range(99)]
    kept = sampled(windows, 50_000)
    assert 25 < len(kept.windows()) < 33


def test_a_sample_is_as_large_as_allowed_and_evenly_spread():
    windows = [block_of([b"x" * (90 + number % 3)]) for number in range(1000)]
    numbers = {id(window): number for number, window in enumerate(windows)}
    for most in (2000, 10_000, 50_000, 90_900):
        kept = sampled(windows, most).windows()
        places = [numbers[id(window)] for window in kept]
        assert not sampled(windows, most).whole
        assert places == sorted(places)
        assert most - 92 <= sum(len(window.text) for window in kept) <= most
        gaps = np.diff([-1, *places, 1000])
        assert gaps.max() <= 3 * 1000 / len(places)
        # The windows with the smallest fractional parts of number / golden ratio are kept.
        by_place = sorted(range(1000), key=lambda n: n * 0x9E3779B97F4A7C15 % 2**64)
        assert set(places) == set(by_place[: len(places)])
    assert sampled(windows, 100_000).windows() == windows
    assert sampled(windows, 100_000).whole
    assert sampled(windows, 0).windows() == [windows[0]]
    assert sampled([], 10).windows() == []


def test_progress_reaches_the_end_of_each_phase():
    seen = []
    train(texts(lines=40), progress=lambda *step: seen.append(step))
    assert list(dict.fromkeys(phase for phase, _, _ in seen)) == ["reading", "merging", "scoring"]
    for phase in ("reading", "merging", "scoring"):
        *before, (_, done, total) = [step for step in seen if step[0] == phase]
        assert done == total
        assert all(done < total for _, done, total in before)


def test_the_record_says_how_the_model_was_made():
    record = train(["abc\n"], 300).record
    assert record["algorithm"] == "merge"
    assert (record["objective"], record["newlines"]) == ("compression", "apart")
    assert (record["corpus_bytes"], len(record["corpus_sha256"])) == (4, 64)


@pytest.mark.usefixtures("small_windows")
def test_text_with_too_many_pairs_is_sampled_and_the_record_says_so(monkeypatch):
    corpus = texts(lines=200)
    whole = train(corpus)
    monkeypatch.setattr("bytepiece.training.merge_trainer._LEAST_PAIRS", 600)
    monkeypatch.setattr("bytepiece.training.merge_trainer._BYTES_PER_PAIR", 1 << 40)
    part = train(corpus, [330, 350], threads=1)
    assert part[1].record["sampled_bytes"] < whole.record["corpus_bytes"]
    assert part[1] == train(corpus, threads=3)
    assert part[0] == train(corpus, 330)
    assert part[1].vocab_size == 350


def test_too_many_keys_are_refused_in_any_order():
    parts = [np.arange(low, low + 50, dtype=np.int64) for low in range(0, 100, 25)]
    for order in (parts, parts[::-1]):
        sums = pairs.PairSums(125)
        for part in order:
            sums.add(part, np.ones(50, dtype=np.int64))
        sums = pairs.PairSums(124)
        for part in order[:-1]:
            sums.add(part, np.ones(50, dtype=np.int64))
        with pytest.raises(pairs.TooManyError):
            sums.add(order[-1], np.ones(50, dtype=np.int64))


@pytest.mark.usefixtures("small_windows")
def test_a_text_with_a_weight_counts_that_many_times(tmp_path):
    for name, seed in (("a", 3), ("b", 4)):
        (tmp_path / name).write_text("".join(texts(seed, 600)), "utf-8", newline="\n")
    a, b = tmp_path / "a", tmp_path / "b"

    def weighted(*weights):
        return train(Files([a, b], weights=weights), 380)

    both = train(Files([a, b]), 380)
    assert weighted(1, 1) == both
    assert weighted(1, 0) == train(a, 380)
    # All counts are half as large, and so are the limits that they are compared with.
    assert set(weighted(0.5, 0.5).pieces) == set(both.pieces)
    text = b.read_text("utf-8")
    tokens = [
        len(bytepiece.Tokenizer(weighted(1, weight)).encode(text)) for weight in (0.01, 1, 100)
    ]
    assert tokens[2] < tokens[1] < tokens[0]


def test_too_large_weights_are_refused(tmp_path):
    (tmp_path / "x.tsv").write_text(f"abc\t{1 << 48}\n", "utf-8")
    with pytest.raises(CorpusError, match="weights make the corpus more than"):
        train(tmp_path / "x.tsv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objective": "speed"}, "objective"),
        ({"newlines": "anywhere"}, "newlines"),
        ({"memory": 0}, "memory"),
        ({"max_piece_length": 0}, "max_piece_length"),
    ],
)
def test_arguments_out_of_range_are_named(options, words):
    with pytest.raises(ArgumentError, match=words):
        train(["text"], **options)


@pytest.mark.parametrize("corpus", [[], [""], ["", b""]])
def test_an_empty_corpus_is_an_error(corpus):
    with pytest.raises(CorpusError, match="empty"):
        train(corpus)
