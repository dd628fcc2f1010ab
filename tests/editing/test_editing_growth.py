"""Merging and extending: the new pieces, their ids and scores; files of id maps; records."""

import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SAMPLE
from support.editing import ROUNDING, TEXT, assert_mapped, assert_normal, names
from support.strategies import make_model, models, scores_of

import bytepiece
from bytepiece import Files, SpecialToken, TextRules, Tokenizer
from bytepiece.editing.ids import to_json
from bytepiece.editing.record import record_of
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.model import STANDARD_SPECIAL_TOKENS

SPANISH = ["el gato y el pato\n", "el rato y el zapato\n", "un gato y un zapato\n"] * 9


# Merging.


@given(models(), models(), st.data())
def test_merging_keeps_what_it_promises(model, other, data):
    everything = set(names(model).values()) | set(names(other).values())
    tokens = len(everything) - len({name for name in everything if isinstance(name, bytes)})
    new = len(everything) - len(names(model))
    least = model.vocab_size + tokens - len(model.special_tokens)
    size = data.draw(st.none() | st.integers(least, model.vocab_size + new + 2))
    merged, id_map = bytepiece.merge(model, other, size)
    assert names(model).items() <= names(merged).items()
    assert set(names(merged).values()) <= everything
    came = new if size is None else min(new, size - model.vocab_size)
    assert merged.vocab_size == model.vocab_size + came
    assert set(range(model.vocab_size, merged.vocab_size)) <= names(merged).keys()
    assert_mapped(id_map, other, merged)
    newcomers = id_map[id_map >= model.vocab_size]
    assert newcomers.tolist() == sorted(newcomers.tolist())
    assert merged == bytepiece.merge(model, other, size).model
    if set(model.pieces) != set(merged.pieces):
        assert_normal(merged)
    before, after = scores_of(model), scores_of(merged)
    assert {round(after[p] - score, 9) for p, score in before.items()} == {
        round(after[b"a"] - before[b"a"], 9)
    }


@pytest.mark.parametrize("ours", ["compression", "likelihood"])
@pytest.mark.parametrize("theirs", ["compression", "likelihood"])
def test_newcomers_get_scores_on_the_scale_of_common_pieces(ours, theirs):
    exponents = {"compression": 0.25, "likelihood": 1.0}
    factor = exponents[ours] / exponents[theirs]
    one = make_model({b"the": -3.0, b"at": -4.0}, -8.0, record={"objective": ours})
    # The same pieces with scores on another scale. Some of their pieces are different.
    scores = {p: (s - 5.0) / factor for p, s in scores_of(one).items() if p not in (b"at", b"z")}
    two = make_model(
        scores | {b"z": -1.0, b"new": (-6.0 - 5.0) / factor}, record={"objective": theirs}
    )
    merged = bytepiece.merge(one, two).model
    after = scores_of(merged)
    assert after[b"new"] - after[b"the"] == pytest.approx(-3.0, abs=1e-9)
    assert merged.record["objective"] == ours


@given(models(), models())
def test_half_of_the_common_pieces_score_higher_and_half_lower(model, other):
    def exponent(one):
        return 0.25 if one.record else 1.0

    merged = bytepiece.merge(model, other).model
    ours, theirs, after = scores_of(model), scores_of(other), scores_of(merged)
    factor = exponent(model) / exponent(other)
    distances = [ours[piece] - factor * theirs[piece] for piece in ours.keys() & theirs.keys()]
    shift = after[b"a"] - ours[b"a"]
    for piece in theirs.keys() - ours.keys():
        expected = factor * theirs[piece] + statistics.median(distances) + shift
        assert after[piece] == pytest.approx(expected, abs=ROUNDING)


def test_the_newcomers_worth_most_are_added():
    one = make_model({b"the": -3.0, b"new": -5.0}, -8.0)
    two = make_model({b"the": -3.0, b"rare": -8.5, b"newer": -3.0, b"often": -2.5}, -8.0)
    came = [set(bytepiece.merge(one, two, 261 + n).model.pieces[258:]) for n in range(4)]
    # "newer" saves two tokens, "often" four.
    assert came == [set(), {b"often"}, {b"often", b"newer"}, {b"often", b"newer", b"rare"}]


def test_merging_without_newcomers_changes_nothing():
    model = make_model({b"the": -3.0}, -8.0)
    merged, id_map = bytepiece.merge(model, make_model({}, -3.0))
    assert merged == model
    assert id_map.tolist() == list(range(259))


def test_special_tokens_of_the_same_name_and_role_are_one():
    ours = (*STANDARD_SPECIAL_TOKENS, SpecialToken("<mask>", 3, "control"))
    theirs = (
        SpecialToken("<user>", 0, "control"),
        SpecialToken("<mask>", 1, "control"),
        SpecialToken("<eos>", 300, "eos"),
    )
    one, two = make_model({}, special_tokens=ours), make_model({b"x": -1.0}, special_tokens=theirs)
    merged, id_map = bytepiece.merge(one, two)
    assert merged.special_tokens == (*ours, SpecialToken("<user>", 260, "control"))
    assert (id_map[0], id_map[1], id_map[300], id_map[2]) == (260, 3, 2, -1)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (SpecialToken("<eos>", 0, "control"), "'<eos>' has the role 'eos' .* and 'control'"),
        (SpecialToken("[PAD]", 0, "pad"), "role 'pad' is '<pad>' .* and '\\[PAD\\]'"),
    ],
)
def test_contradicting_special_tokens_are_an_error(token, words):
    with pytest.raises(ArgumentError, match=words):
        bytepiece.merge(make_model({}), make_model({}, special_tokens=(token,)))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (TextRules(("NFC",)), r"normalization is \(\) in the first and \('NFC',\) in the other"),
        (TextRules(digits="each"), "digits is free in the first and each"),
    ],
)
def test_different_rules_are_an_error(rules, words):
    with pytest.raises(ArgumentError, match=words):
        bytepiece.merge(make_model({}), make_model({}, rules=rules))


def test_a_size_without_room_is_an_error():
    other = make_model({}, special_tokens=(SpecialToken("<user>", 9999, "control"),))
    for size in (259, 0):
        with pytest.raises(ArgumentError, match=r"at least 260.*prune makes room"):
            bytepiece.merge(make_model({}), other, size)
    with pytest.raises(ArgumentError, match="whole number"):
        bytepiece.merge(make_model({}), other, "300")


# Extending.


@given(models())
def test_extending_keeps_what_it_promises(model):
    extended, id_map = bytepiece.extend(model, SPANISH, model.vocab_size + 12)
    assert names(model).items() <= names(extended).items()
    assert_mapped(id_map, model, extended)
    assert set(range(model.vocab_size, extended.vocab_size)) <= names(extended).keys()
    assert model.vocab_size < extended.vocab_size <= model.vocab_size + 12
    assert_normal(extended)
    before, after = scores_of(model), scores_of(extended)
    assert {round(after[p] - score, 9) for p, score in before.items()} == {
        round(after[b"a"] - before[b"a"], 9)
    }
    for text in (SPANISH[0], TEXT[0]):
        assert Tokenizer(extended).decode(Tokenizer(extended).encode(text)) == text


@pytest.mark.parametrize("algorithm", ["merge", "bnlm"])
@pytest.mark.parametrize("objective", ["compression", "likelihood"])
def test_the_new_text_takes_fewer_tokens_and_the_old_no_more(algorithm, objective):
    model = bytepiece.train(TEXT * 9, 300, algorithm=algorithm, objective=objective)
    extended = bytepiece.extend(model, SPANISH, model.vocab_size + 20).model
    tokens = [
        [len(Tokenizer(one).encode("".join(text))) for one in (model, extended)]
        for text in (SPANISH, TEXT)
    ]
    assert tokens[0][1] < 0.5 * tokens[0][0]
    assert tokens[1][1] <= tokens[1][0]


def test_extending_does_not_depend_on_threads_or_the_kind_of_corpus(tmp_path):
    model = bytepiece.train(TEXT * 9, 300)
    (tmp_path / "a.txt").write_text("".join(SPANISH), "utf-8")
    expected = bytepiece.extend(model, SPANISH, 330, threads=1).model
    for corpus in (SPANISH, iter(SPANISH), tmp_path / "a.txt", Files([tmp_path / "a.txt"])):
        assert bytepiece.extend(model, corpus, 330, threads=3).model == expected
    assert bytepiece.extend(model, SPANISH, 330, memory="512M", temp_dir=tmp_path).model == expected


def test_weights_decide_what_is_learned_first(tmp_path):
    (tmp_path / "a.txt").write_text("".join(SPANISH), "utf-8")
    (tmp_path / "b.txt").write_text("".join(TEXT), "utf-8")
    model = make_model({}, -6.0)
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    more_spanish, more_english = (
        Files(files, weights=weights) for weights in ([9, 0.001], [0.001, 9])
    )
    spanish = bytepiece.extend(model, more_spanish, 275).model
    english = bytepiece.extend(model, more_english, 275).model
    assert b"gato" in b" ".join(spanish.pieces[256:])
    assert b"gato" not in b" ".join(english.pieces[256:])
    assert spanish.record["weights"] == [9.0, 0.001]
    both = bytepiece.merge(spanish, english).model
    pieces = [
        bytepiece.prune(both, 264, files).model.pieces for files in (more_spanish, more_english)
    ]
    assert b"pato" in b" ".join(pieces[0][256:])
    assert b"pato" not in b" ".join(pieces[1][256:])


def test_new_pieces_follow_the_rules_of_the_old_ones():
    corpus = ["so 1999 it goes\n\n"] * 9
    isolating = bytepiece.train(TEXT, 270, digits="each", spaces="words")
    for model in (isolating, bytepiece.prune(isolating, 265).model):
        pieces = bytepiece.extend(model, corpus, 300).model.pieces[model.vocab_size - 3 :]
        assert b"1999" not in b"".join(pieces)
        assert not any(b" " in piece[1:] for piece in pieces)
        assert b"\n\n" in pieces
    across = {"algorithm": "merge", "spaces": "across"}
    short = bytepiece.train(TEXT, 270, **across, max_piece_length=4, newlines="end")
    pieces = bytepiece.extend(short, [*corpus, "es\n\n" * 9], 300).model.pieces[267:]
    assert max(map(len, pieces)) == 4
    assert b"es\n\n" in pieces


def test_the_number_of_rounds_depends_on_the_new_pieces_only():
    corpus = [f"{i:04x} {i % 99}\n" for i in range(900)]

    def rounds(old, new):
        model = make_model({b"%05d" % i: -9.0 for i in range(old)})
        seen = []
        size = model.vocab_size + new
        bytepiece.extend(model, corpus, size, progress=lambda *step: seen.append(step[0]))
        return seen.count("merging") - 1

    assert rounds(3000, 100) == rounds(0, 100) > 3
    assert rounds(3000, 430) == rounds(0, 430) > rounds(0, 100)


def test_a_small_corpus_gives_fewer_pieces():
    model = make_model({}, -6.0)
    extended = bytepiece.extend(model, ["abc abc abc"], 32000).model
    assert 259 < extended.vocab_size < 265
    assert bytepiece.extend(model, ["abc"], 300).model == model


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"vocab_size": 259}, "at least 260, not 259: the model has 259 ids; prune makes"),
        ({"vocab_size": (1 << 24) + 1}, "at most"),
        ({"vocab_size": None}, "whole number"),
        ({"threads": 0}, "threads"),
        ({"memory": "much"}, "memory"),
    ],
)
def test_arguments_out_of_range_are_errors(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        bytepiece.extend(make_model({}), TEXT, **{"vocab_size": 300, **arguments})


def test_an_empty_corpus_is_an_error():
    with pytest.raises(CorpusError, match="empty"):
        bytepiece.extend(make_model({}), [], 300)


# Records and id maps.


def test_records_describe_the_edit_and_its_model():
    model = bytepiece.train(TEXT, 280, algorithm="merge")
    pruned = bytepiece.prune(model, 270, TEXT).model
    assert pruned.record["edited"] == "prune"
    assert pruned.record["vocab_size"] == 270
    assert pruned.record["objective"] == "compression"
    assert pruned.record["from_fingerprint"] == model.fingerprint
    assert pruned.record["from"] == dict(model.record)
    assert pruned.record["corpus_bytes"] == model.record["corpus_bytes"]
    assert "corpus_bytes" not in bytepiece.prune(model, 270).model.record
    extended = bytepiece.extend(pruned, SPANISH, 290).model
    assert extended.record["edited"] == "extend"
    assert extended.record["from"]["from"] == dict(model.record)
    merged = bytepiece.merge(extended, model, 300).model
    assert merged.record["edited"] == "merge"
    assert merged.record["vocab_size"] == 300
    assert merged.record["with_fingerprint"] == model.fingerprint
    assert merged.record["with"] == dict(model.record)


def test_records_stay_small_and_keep_the_latest():
    model = bytepiece.train(TEXT, 280)
    for number in range(100):
        model = bytepiece.merge(model, model).model
        assert len(json.dumps(dict(model.record))) < 20_000, number
    assert model.record["from"]["from"]["edited"] == "merge"
    for _ in range(30):
        model = bytepiece.prune(model, model.vocab_size).model
    record = dict(model.record)
    for _ in range(8):
        record = record["from"]
        assert record["edited"] == "prune"


def test_too_large_a_record_is_left_out():
    model = make_model({}, record={"notes": "x" * 10_000})
    record = record_of("prune", 259, model)
    assert record["from"] == {}
    assert record["from_fingerprint"] == model.fingerprint


def test_the_id_map_in_a_file():
    model = bytepiece.train(SAMPLE, 300)
    pruned = bytepiece.prune(model, 280)
    document = json.loads(to_json(pruned, model))
    assert document == {
        "format": "bytepiece id map",
        "version": 1,
        "from": model.fingerprint,
        "to": pruned.model.fingerprint,
        "ids": pruned.id_map.tolist(),
    }


def test_embeddings_follow_the_map():
    model = bytepiece.train(SAMPLE, 400)
    old = np.array([len(piece) for piece in (b"", b"", b"", *model.pieces)])
    pruned, id_map = bytepiece.prune(model, 300)
    new = np.empty(pruned.vocab_size, dtype=old.dtype)
    new[id_map[id_map >= 0]] = old[id_map >= 0]
    assert new.tolist() == [0, 0, 0, *map(len, pruned.pieces)]
    assert math.isclose(float(new.sum()), sum(map(len, pruned.pieces)))
