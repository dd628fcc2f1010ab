"""Pruning: which pieces are dropped, where ids go, and the scores and counts of the rest."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SAMPLE
from support import reference_editing as reference
from support.editing import ROUNDING, TEXT, assert_mapped, assert_normal, names
from support.reference_training import count_windows
from support.strategies import BYTES, JIT, make_model, models, scores_of, vocabularies
from support.windows import block_of, random_windows

import bytepiece
from bytepiece import Files, Model, SpecialToken, Tokenizer, model_io
from bytepiece.editing import shrink, weighed_pieces
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.formats import original
from bytepiece.training import merge_trainer, pairs

# The weights of pieces, and which pieces are dropped.


@pytest.mark.parametrize("usage", [False, True])
@pytest.mark.parametrize("exponent", [0.25, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_dropping_equals_the_twin(seed, exponent, usage, monkeypatch):
    rng = random.Random(seed)
    windows = list(random_windows(seed, 2))
    lines = [line for segments in windows for line in segments]
    pieces = {bytes([b]): -9.0 for b in range(256)}
    for line in rng.choices(lines, k=80 if JIT else 30):
        start = rng.randrange(len(line))
        pieces[line[start : start + rng.randint(1, 5)]] = rng.uniform(-8.0, -2.0)
    weighed = weighed_pieces.weigh(list(pieces), np.array(list(pieces.values())), exponent)
    kept = np.array([rng.random() < 0.1 for _ in pieces])

    def by_kernel(state, number):
        counts = [pairs.count(block_of(segments), state, False) for segments in windows]
        return pairs.total(counts, number).pieces

    def by_twin(scores):
        seen = count_windows(windows, scores)[1]
        return {piece: seen[piece] for piece in scores}

    most = int(kept.sum()) + 256
    staying, after = shrink.shrink(weighed, most, kept, by_kernel if usage else None)
    counts = dict(zip(pieces, weighed.counts.tolist(), strict=True))
    stay = {piece for piece, one in zip(pieces, kept.tolist(), strict=True) if one}
    expected = reference.shrink(pieces, counts, exponent, most, stay, by_twin if usage else None)
    assert list(after.pieces) == list(expected[0])
    assert [list(pieces)[i] for i in staying.tolist()] == list(after.pieces)
    assert dict(zip(after.pieces, after.counts.tolist(), strict=True)) == expected[1]
    assert dict(zip(after.pieces, after.scores.tolist(), strict=True)) == expected[0]


def test_scores_follow_from_the_counts():
    for objective, exponent in merge_trainer.EXPONENTS.items():
        counts = np.array([16 * n**3 for n in range(1, 300)], dtype=np.int64)
        scores = merge_trainer.scores_of(counts, objective)
        found = weighed_pieces.weigh([b""] * len(counts), scores, exponent).counts
        # A score that is off by half a step changes the count by this factor.
        step = math.exp(2**-13 / exponent)
        assert np.allclose(found / found[-1], counts / counts[-1], rtol=step - 1)
        assert int(found.sum()).bit_length() <= 45


def test_a_bnlm_model_uses_its_own_counts():
    model = bytepiece.train(SAMPLE, 300, algorithm="bnlm")
    assert np.array_equal(weighed_pieces.weighed(model).counts, model.counts)
    made_up = Model(model.pieces, model.scores[::-1], counts=model.counts)
    assert not np.array_equal(weighed_pieces.weighed(made_up).counts, model.counts)


@pytest.mark.parametrize("objective", [5, ["compression"], {}, "speed", None])
def test_an_unknown_objective_in_a_record_is_ignored(objective):
    model = make_model({b"the": -2.0}, record={"objective": objective, "newlines": objective})
    assert weighed_pieces.exponent_of(model) == 1.0
    assert bytepiece.extend(model, TEXT, 261).model.vocab_size == 261


# Pruning.


@given(models(), st.data())
def test_pruning_keeps_what_it_promises(model, data):
    least = 256 + len(model.special_tokens)
    size = data.draw(st.integers(least, model.vocab_size))
    pruned, id_map = bytepiece.prune(model, size)
    everything = least + sum(len(piece) > 1 for piece in model.pieces)
    assert pruned.vocab_size == min(size, everything)
    assert sorted(names(pruned)) == list(range(pruned.vocab_size))
    assert set(names(pruned).values()) <= set(names(model).values())
    assert set(model.special_tokens) == {
        SpecialToken(t.name, model_id(model, t.name), t.role) for t in pruned.special_tokens
    }
    assert_mapped(id_map, model, pruned)
    stay = [old for old in id_map[: pruned.vocab_size].tolist() if old >= 0]
    assert [id_map[i] for i in stay] == stay
    moved = {old: new for old, new in enumerate(id_map.tolist()) if new >= 0}
    assert moved == reference.compacted(moved)
    assert pruned == bytepiece.prune(model, size).model
    if len(pruned.pieces) < len(model.pieces):
        assert_normal(pruned)
    else:
        assert scores_of(pruned) == scores_of(model)


def model_id(model, name):
    return next(token.id for token in model.special_tokens if token.name == name)


@given(models(gaps=False))
def test_pruning_to_the_full_size_changes_nothing(model):
    pruned, id_map = bytepiece.prune(model, model.vocab_size)
    assert pruned == model
    assert id_map.tolist() == list(range(model.vocab_size))


@given(models(), st.data(), BYTES)
def test_edited_models_are_lossless(model, data, text):
    size = data.draw(st.integers(256 + len(model.special_tokens), model.vocab_size))
    small = bytepiece.prune(model, size).model
    other = make_model(data.draw(vocabularies()), special_tokens=())
    for edited in (small, bytepiece.merge(small, other).model):
        tok = Tokenizer(edited)
        assert tok.decode_bytes(tok.encode(text)) == text
        assert tok.decode_bytes(tok.encode(text, alpha=0.3, seed=1)) == text


def test_the_pieces_that_save_most_stay():
    model = make_model({b"ab": -3.0, b"abcdefgh": -4.0, b"cd": -8.0, b"ef": -7.0}, -9.0)
    for size, expected in ((260, {b"abcdefgh"}), (261, {b"abcdefgh", b"ab"})):
        assert set(bytepiece.prune(model, size).model.pieces[256:]) == expected


def test_the_counts_of_dropped_pieces_are_inherited():
    model = make_model({b"ab": -2.0, b"xaby": -3.0}, -9.0, record={"objective": "likelihood"})
    pruned = bytepiece.prune(model, 260).model
    assert b"xaby" not in pruned.pieces
    before, after = scores_of(model), scores_of(pruned)
    # The counts of x and y now include those of xaby; the count of z does not.
    expected = math.log(math.exp(-9.0) + math.exp(-3.0)) + 9.0
    assert after[b"x"] - after[b"z"] == pytest.approx(expected, abs=ROUNDING)
    assert after[b"c"] - after[b"z"] == before[b"c"] - before[b"z"]


def test_a_corpus_decides_which_pieces_go():
    corpus = [*TEXT * 9, "el gato y el pato\n" * 30]
    model = bytepiece.train(corpus, 320, algorithm="merge", spaces="across")
    size = model.vocab_size - 30
    spanish = bytepiece.prune(model, size, ["el gato y el pato\n"]).model
    english = bytepiece.prune(model, size, TEXT).model
    counts = [
        [len(Tokenizer(one).encode(text)) for one in (spanish, english)]
        for text in ("el gato y el pato", TEXT[0])
    ]
    assert counts[0][0] < counts[0][1]
    assert counts[1][0] > counts[1][1]


def test_own_worth_decides_among_pieces_that_a_corpus_does_not_need():
    model = make_model({b"zz": -3.0, b"yy": -8.0, b"the": -9.0}, -10.0)
    assert b"zz" in bytepiece.prune(model, 261, ["the the"]).model.pieces


@pytest.mark.parametrize("algorithm", ["merge", "bnlm"])
def test_pruning_does_not_depend_on_threads_or_the_kind_of_corpus(algorithm, tmp_path):
    model = bytepiece.train(SAMPLE, 330, algorithm=algorithm)
    corpus = [f"the hat number {i} of the cat\n" for i in range(300)]
    (tmp_path / "a.txt").write_text("".join(corpus), "utf-8")
    expected = bytepiece.prune(model, 290, corpus, threads=1).model
    for again in (corpus, iter(corpus), tmp_path / "a.txt", Files([tmp_path / "a.txt"])):
        assert bytepiece.prune(model, 290, again, threads=3).model == expected


def test_a_pruned_bnlm_model_has_counts(tmp_path):
    model = bytepiece.train(SAMPLE, 330, algorithm="bnlm", normalization=["NFC"])
    pruned = bytepiece.prune(model, 280).model
    assert np.array_equal(pruned.scores, original.scores_of(pruned.counts))
    model_io.save_original(pruned, tmp_path / "small.model")
    assert model_io.load(tmp_path / "small.model") == pruned


def test_too_large_counts_are_left_out():
    pieces = [bytes([b]) for b in range(256)] + [b"abababab"]
    model = original.from_counts(pieces, [1] * 256 + [(1 << 53) - 256])
    pruned = bytepiece.prune(model, 259).model
    assert pruned.counts is None
    assert_normal(pruned)


def test_a_pruned_model_is_nearly_as_good_as_a_trained_one():
    lines = [
        f"{a} {b} {c}\n"
        for a in ("the cat", "a hat", "my rat", "no mat")
        for b in ("sat on", "ran to", "is in")
        for c in ("the house", "a river", "my shoe")
    ]
    large, small = bytepiece.train(lines * 5, [420, 320], algorithm="merge", spaces="across")
    tokens = [
        len(Tokenizer(model).encode("".join(lines)))
        for model in (small, bytepiece.prune(large, 320).model)
    ]
    assert tokens[1] < 1.1 * tokens[0]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (258, "at least 259, not 258: the 256 single bytes and 3 special tokens stay"),
        (262, "at most 261, not 262: .*extend makes"),
        (0, "at least 259"),
        ("260", "whole number"),
        (260.0, "whole number"),
    ],
)
def test_sizes_out_of_range_are_errors(size, words):
    model = make_model({b"the": -2.0, b"at": -2.0})
    with pytest.raises(ArgumentError, match=words):
        bytepiece.prune(model, size)


def test_other_arguments_out_of_range_are_errors():
    model = make_model({b"the": -2.0})
    with pytest.raises(ArgumentError, match="threads"):
        bytepiece.prune(model, 259, threads=0)
    with pytest.raises(CorpusError, match="empty"):
        bytepiece.prune(model, 259, [])
    with pytest.raises(ArgumentError, match="not bytes"):
        bytepiece.prune(model, 259, b"text")


def test_progress_reaches_the_end_of_each_phase():
    seen = []
    model = bytepiece.train(TEXT * 9, 310)
    bytepiece.prune(model, 260, TEXT, progress=lambda *step: seen.append(step))
    for phase in ("reading", "pruning"):
        *before, (_, done, total) = [step for step in seen if step[0] == phase]
        assert done == total
        assert all(done < total for _, done, total in before)
