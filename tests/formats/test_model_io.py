"""Model files: every model comes back; a broken file is refused with one line."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.model_files import RICH, original_entries, same
from support.strategies import BYTES, make_model, vocabularies

from bytepiece import Model, TextRules, model_io
from bytepiece._files import write_atomically
from bytepiece.errors import ModelError
from bytepiece.model import STANDARD_SPECIAL_TOKENS

NFC = TextRules(normalization=("NFC",))


# ---- this library's format


@pytest.mark.parametrize("model", [make_model({}), RICH], ids=["plain", "rich"])
def test_round_trip(path, model):
    model_io.save(model, path)
    loaded = model_io.load(path)
    assert same(loaded, model)
    assert loaded.special_tokens == model.special_tokens
    assert loaded.rules == model.rules
    first = path.read_bytes()
    model_io.save(loaded, path)
    assert path.read_bytes() == first


@given(vocabularies(st.floats(-(2.0**20), 2.0**20), alphabet=b"a\x00\xc3\xa9"))
def test_round_trip_of_any_pieces_and_scores(tmp_path_factory, scores):
    path = tmp_path_factory.mktemp("round") / "some.model"
    model = make_model(scores)
    model_io.save(model, path)
    assert same(model_io.load(path), model)


def test_files_are_readable_and_the_same_everywhere(path):
    model_io.save(make_model({b"the ": -1.5, b"\xe4\xbb": -2.5, "é".encode(): -3.5}), path)
    content = path.read_bytes()
    assert content.startswith(b'{\n "format": "bytepiece",\n "version": 1,\n')
    assert content.endswith('  "the ",\n  {"hex": "e4bb"},\n  "é"\n ]\n}\n'.encode())
    assert b"\r" not in content
    document = json.loads(content)
    assert document["special_tokens"][1] == {"name": "<bos>", "id": 1, "role": "bos"}
    assert document["scores"][-3:] == [-1.5, -2.5, -3.5]
    assert document["unknown"] is None


def test_only_groups_of_digits_need_version_3(path):
    """Models that older releases can read are written as before."""
    for digits, field in [
        ("free", b'"version": 1,\n "normalization": [],\n "isolate_digits": false,\n'),
        ("each", b'"version": 1,\n "normalization": [],\n "isolate_digits": true,\n'),
        ("groups-of-three", b'"version": 3,\n "normalization": [],\n "digits": "groups-of-three",'),
    ]:
        model = make_model({b"12": -1.5}, rules=TextRules(digits=digits))
        model_io.save(model, path)
        assert field in path.read_bytes()
        assert same(model_io.load(path), model)


def test_a_record_may_hold_the_name_of_any_file(path):
    """Python writes bytes of a file name that are not UTF-8 as lone surrogates."""
    model = make_model({}, record={"corpus": ["caf\udce9.txt"]})
    model_io.save(model, path)
    assert same(model_io.load(path), model)


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {1, 2}])
def test_a_record_that_is_not_json_is_not_half_written(path, value):
    model_io.save(RICH, path)
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        model_io.save(make_model({}, record={"x": value}), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


# ---- the original library's format


def test_original_files_are_recognized_by_content(path):
    path.write_text(json.dumps(original_entries(), indent=4))
    model = model_io.load(path)
    assert model.rules == NFC
    assert model.special_tokens == STANDARD_SPECIAL_TOKENS
    assert model.pieces[-2:] == ("今天".encode(), b"\xe4\xbb")
    total = sum(range(1, 257)) + 1017
    assert model.scores[-2] == np.log(1000.0) - np.log(float(total))
    assert model.counts[-1] == 17


def test_round_trip_of_the_original_format(path):
    path.write_text(json.dumps(original_entries()))
    model = model_io.load(path)
    model_io.save_original(model, path)
    assert json.loads(path.read_text(encoding="utf-8")) == original_entries()
    assert same(model_io.load(path), model)
    model_io.save(model, path)
    assert same(model_io.load(path), model)


def test_a_model_without_counts_keeps_its_scores_nearly(path):
    model = make_model({b"the": -1.5, b"cat": -3.5, b"rare": -16.0}, byte_score=-7.0, rules=NFC)
    probabilities = np.exp(model.scores)
    model = Model(model.pieces, np.log(probabilities / probabilities.sum()), rules=NFC)
    model_io.save_original(model, path)
    assert np.allclose(model_io.load(path).scores, model.scores, atol=1e-5)


@pytest.mark.parametrize("pieces", [256, 9000])
def test_a_model_without_counts_and_with_equal_scores(path, pieces):
    extra = {b"%05d" % i: -9.0 for i in range(pieces - 256)}
    model = make_model(extra, byte_score=-9.0, rules=NFC)
    model_io.save_original(model, path)
    assert len(set(model_io.load(path).scores.tolist())) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"rules": TextRules()},
        {"rules": TextRules(normalization=("NFC",), digits="each")},
        {"rules": TextRules(normalization=("NFC",), digits="groups-of-three")},
        {"rules": TextRules(normalization=("NFKC",))},
        {"rules": NFC, "special_tokens": STANDARD_SPECIAL_TOKENS[:2]},
        {"rules": NFC, "ids": [*range(3, 258), 300]},
    ],
    ids=["no NFC", "digits", "groups of digits", "NFKC", "special tokens", "gap"],
)
def test_models_that_the_original_format_cannot_hold(path, fields):
    path.write_bytes(b"old")
    with pytest.raises(ModelError, match="original format"):
        model_io.save_original(make_model({}, **fields), path)
    assert path.read_bytes() == b"old"


# ---- text for people


def test_different_pieces_are_printed_differently():
    """Also a stray byte and the character of the same number, an escape and a text like it."""
    atoms = [b"\x80", "\x80".encode(), b"\xa0", "\xa0".encode(), b" ", "▁".encode(), b"\n", b"\t"]
    atoms += [b"\\", b"n", b"x80", b"u0080", b"u2581", "\u0301".encode(), "\U0001f44d".encode()]
    pieces = {b"".join(parts) for n in (1, 2, 3) for parts in product(atoms, repeat=n)}
    pieces |= {bytes([b]) for b in range(256)} | {chr(c).encode() for c in range(0x3000)}
    by_name = {}
    for piece in sorted(pieces):
        by_name.setdefault(model_io.printable(piece), []).append(piece)
    assert [alike for alike in by_name.values() if len(alike) > 1] == []


@given(BYTES)
def test_printable_is_visible_and_has_no_spaces(piece):
    shown = model_io.printable(piece)
    assert shown.isprintable()
    assert not any(char.isspace() for char in shown)


def test_printable_examples():
    shown = [b"the ", "今天".encode(), b"\t\x00", b"\xff", "▁".encode(), "e\u0301".encode()]
    assert [model_io.printable(piece) for piece in shown[:2]] == ["the▁", "今天"]
    assert [model_io.printable(piece) for piece in shown[2:4]] == ["\\t\\x00", "\\xff"]


def test_the_table_has_a_row_for_every_id(path):
    model_io.save_vocab(RICH, path)
    rows = path.read_text(encoding="utf-8").split("\n")
    assert rows.pop() == ""
    assert len(rows) == len(RICH.pieces) + 2
    assert all(row.count("\t") == 2 for row in rows)
    ids = [int(row.split("\t")[0]) for row in rows]
    assert ids == sorted(ids)
    assert (ids[0], ids[-1]) == (0, 300_000 + len(RICH.pieces))


# ---- writing


def failing_chunks():
    yield b"half"
    raise RuntimeError("on purpose")


def test_a_failure_leaves_the_old_file(path):
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="on purpose"):
        write_atomically(path, failing_chunks())
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_no_file(path):
    with pytest.raises(RuntimeError, match="on purpose"):
        write_atomically(path, failing_chunks())
    assert list(path.parent.iterdir()) == []


def test_files_are_replaced_whole(path):
    path.write_bytes(b"a long old content")
    write_atomically(path, [b"new", b"er"])
    assert path.read_bytes() == b"newer"
    assert list(path.parent.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path, path):
    path.write_bytes(b"old")
    for place in (path / "below a file", tmp_path / "missing" / "some.model", tmp_path):
        for save in (model_io.save, model_io.save_vocab):
            with pytest.raises(OSError, match=r".") as error:
                save(make_model({}), place)
            assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"
