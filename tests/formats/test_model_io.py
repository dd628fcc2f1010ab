"""Model files: every model comes back; a broken file is refused with one line."""

import json
from base64 import b64encode
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import BYTES, make_model, vocabularies

from bytepiece import Model, SpecialToken, TextRules, model_io
from bytepiece._files import write_atomically
from bytepiece.errors import ModelError
from bytepiece.formats import bytepiece_file, original
from bytepiece.model import STANDARD_SPECIAL_TOKENS

NFC = TextRules(normalization=("NFC",))


def same(first, second):
    """Return whether models are equal, also in the columns and the record that `==` ignores."""
    columns = all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("scores", "ids", "counts")
        if getattr(first, name) is not None or getattr(second, name) is not None
    )
    return columns and first == second and first.record == second.record


# ---- this library's format


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.model"


RICH = make_model(
    {
        b"the ": -1.25,
        b"\n\n": -1e-300,
        b"\xe4\xbb": -0.1,
        b"\xed\xa0\x80": 2.0**20,
        "今天".encode(): -(2.0**20),
        b'"\\\x00\x7f': 1 / 3,
        "\u2028\ufeff".encode(): -7,
    },
    rules=TextRules(normalization=("NFKC", "NFD"), isolate_digits=True),
    special_tokens=(
        SpecialToken("<|end|>", 300_000, "eos"),
        SpecialToken("今\n", 0, "control"),
    ),
    counts=range(1, 264),
    record={"trainer": "by hand", "n": [1, 2.5, None, {"ü": "\n"}]},
)


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


def original_entries():
    """Return entries for the single bytes, one piece that is text, and one that is not."""
    entries = {
        b64encode(bytes([b])).decode(): [b + 3, chr(b) if b < 0x80 else "", b + 1]
        for b in range(256)
    }
    entries[b64encode("今天".encode()).decode()] = [259, "今天", 1000]
    entries[b64encode(b"\xe4\xbb").decode()] = [260, "", 17]
    return entries


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
        {"rules": TextRules(normalization=("NFC",), isolate_digits=True)},
        {"rules": TextRules(normalization=("NFKC",))},
        {"rules": NFC, "special_tokens": STANDARD_SPECIAL_TOKENS[:2]},
        {"rules": NFC, "ids": [*range(3, 258), 300]},
    ],
    ids=["no NFC", "digits", "NFKC", "special tokens", "gap"],
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


# ---- files that are not models


def refusal(path):
    """Check that the file is refused in one line that names it; return the line."""
    with pytest.raises(ModelError) as error:
        model_io.load(path)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_missing_files(tmp_path):
    for place in (tmp_path / "missing.model", tmp_path):
        with pytest.raises(OSError, match=r"missing|directory"):
            model_io.load(place)


WHOLE = "".join(bytepiece_file._lines(RICH)).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:-3],
        WHOLE + b"x",
        b"\x80\x04\x95 a pickle",
        b"\x0a\x0e\x0a\x05<unk>",
        b"the cat and the hat",
        b"null",
        b"5",
        b"[]",
        b"[1, 2]",
        b"{}",
        b'"bytepiece"',
        b'{"a": 1}',
        b'{"a": [1, 2]}',
        b'{"model": {"type": "Unigram", "vocab": []}}',
        b'{"format": "other", "version": 1}',
        b'{"format": "bytepiece"}',
        b'{"format": "bytepiece", "version": 1}',
        b'{"format": ["bytepiece"], "version": 1}',
        WHOLE.replace(b'"version": 1', b'"version": 1, "version": 1'),
        WHOLE.replace("今天".encode(), "今天".encode()[:-1]),
        WHOLE.replace(b"0.1,", b"NaN,"),
        WHOLE.replace(b"0.1,", b"Infinity,"),
        WHOLE.replace(b"2.5,", b"NaN,"),
        WHOLE.replace(b"0.1,", b"1e999,"),
        WHOLE.replace(b"0.1,", b"1" * 5000 + b","),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": [1, 2, ' + b"[" * 100_000,
    ],
    ids=lambda content: repr(content[:20]) + str(len(content)),
)
def test_contents_that_are_not_a_model(path, content):
    path.write_bytes(content)
    refusal(path)


def test_a_byte_order_mark_is_skipped(path):
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE)
    assert same(model_io.load(path), RICH)


DOCUMENT = json.loads("".join(bytepiece_file._lines(make_model({b"ab": -3.0}))))


def changed(name, value, index=None):
    """Return the document with one field, or one entry of a field, replaced."""
    if index is None:
        return {**DOCUMENT, name: value}
    column = list(DOCUMENT[name])
    column[index] = value
    return {**DOCUMENT, name: column}


@pytest.mark.parametrize(
    ("name", "value", "index", "message"),
    [
        ("version", 3, None, "version"),
        ("version", "1", None, "version"),
        ("version", None, None, "version"),
        ("version", True, None, "version"),
        ("version", {"a": "\n" * 100}, None, "version"),
        ("surprise", 1, None, "surprise"),
        ("normalization", "NFC", None, "normalization"),
        ("normalization", ["NFZ"], None, "NFZ"),
        ("normalization", [["NFC"]], None, "normalization"),
        ("isolate_digits", 1, None, "isolate_digits"),
        ("isolate_digits", None, None, "isolate_digits"),
        ("segment", "word", None, "segment"),
        ("segment", ["line"], None, "segment"),
        ("unknown", "<unk>", None, "unknown"),
        ("record", [], None, "record"),
        ("record", None, None, "record"),
        ("special_tokens", {}, None, "special_tokens"),
        ("special_tokens", 5, 0, "special token"),
        ("special_tokens", {"name": "x", "id": 0}, 0, "special token"),
        ("special_tokens", {"name": 5, "id": 0, "role": "pad"}, 0, "special token"),
        ("special_tokens", {"name": "x", "id": "0", "role": "pad"}, 0, "x"),
        ("special_tokens", {"name": "x", "id": 0.0, "role": "pad"}, 0, "x"),
        ("special_tokens", {"name": "x", "id": True, "role": "pad"}, 0, "x"),
        ("special_tokens", {"name": "x", "id": 1 << 30, "role": "pad"}, 0, "x"),
        ("special_tokens", {"name": "x", "id": 0, "role": ["pad"]}, 0, "role"),
        ("special_tokens", {"name": "\ud800\n", "id": 0, "role": "pad"}, 0, "Unicode"),
        ("special_tokens", {"name": "a\nb", "id": 0, "role": "boss"}, 0, "role"),
        ("pieces", {}, None, "pieces"),
        ("pieces", DOCUMENT["pieces"][:-1], None, "pieces"),
        ("pieces", "a", -1, "twice"),
        ("pieces", {"hex": "61"}, -1, "twice"),
        ("pieces", {"hex": "6 1"}, -1, "hex"),
        ("pieces", {"hex": "zz"}, -1, "hex"),
        ("pieces", {"hex": 61}, -1, "hex"),
        ("pieces", {"hex": "61", "x": 1}, -1, "hex"),
        ("pieces", {"hex": ""}, -1, "empty"),
        ("pieces", "", -1, "empty"),
        ("pieces", "a" * 1025, -1, "1025"),
        ("pieces", {"hex": "61" * 1025}, -1, "1025"),
        ("pieces", "\ud800", -1, "piece"),
        ("pieces", 5, -1, "piece"),
        ("pieces", ["ab"], -1, "piece"),
        ("pieces", "not the byte", 65, "0x41"),
        ("scores", None, None, "scores"),
        ("scores", DOCUMENT["scores"][:-1], None, "scores"),
        ("scores", None, -1, "scores"),
        ("scores", True, -1, "scores"),
        ("scores", "-1.0", -1, "scores"),
        ("scores", [-1.0], -1, "scores"),
        ("scores", [[-1.0]] * 257, None, "scores"),
        ("scores", {"a": 1}, -1, "scores"),
        ("scores", 1e7, -1, "score"),
        ("scores", 10**400, -1, "scores"),
        ("ids", {}, None, "ids"),
        ("ids", DOCUMENT["ids"][:-1], None, "ids"),
        ("ids", DOCUMENT["ids"][0], -1, "twice"),
        ("ids", 0, -1, "twice"),
        ("ids", True, -1, "ids"),
        ("ids", "259", -1, "ids"),
        ("ids", 259.0, -1, "ids"),
        ("ids", None, -1, "ids"),
        ("ids", [259], -1, "ids"),
        ("ids", -1, -1, "ids"),
        ("ids", 1 << 24, -1, "id"),
        ("ids", 1 << 31, -1, "ids"),
        ("ids", 1 << 63, -1, "ids"),
        ("ids", 1 << 64, -1, "ids"),
        ("counts", 5, None, "counts"),
        ("counts", "many", None, "counts"),
        ("counts", {}, None, "counts"),
        ("counts", [1] * 256, None, "counts"),
        ("counts", [0] * 257, None, "count"),
        ("counts", [-1] * 257, None, "count"),
        ("counts", [True] * 257, None, "counts"),
        ("counts", [1.0] * 257, None, "counts"),
        ("counts", [[1], *[1] * 256], None, "counts"),
        ("counts", [1 << 63] * 257, None, "counts"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_fields_that_are_wrong(path, name, value, index, message):
    path.write_text(json.dumps(changed(name, value, index)))
    assert message in refusal(path).removeprefix(str(path))


@pytest.mark.parametrize("name", sorted(DOCUMENT))
def test_fields_that_are_missing(path, name):
    path.write_text(json.dumps({key: value for key, value in DOCUMENT.items() if key != name}))
    refusal(path)


def test_true_is_not_the_number_one_among_ids(path):
    document = {**DOCUMENT, "special_tokens": [], "ids": [0, True, *range(2, 257)]}
    path.write_text(json.dumps(document))
    refusal(path)


@pytest.mark.parametrize("depth", [3, 70, 500, 900, 960, 980, 990, 1000, 20_000])
@pytest.mark.parametrize("name", sorted(DOCUMENT.keys() - {"format", "record"}))
def test_deep_nesting_anywhere(path, name, depth):
    content = json.dumps({**DOCUMENT, name: "HERE"})
    path.write_text(content.replace('"HERE"', "[" * depth + "]" * depth))
    refusal(path)


@pytest.mark.parametrize(
    ("name", "value", "index"),
    [
        ("version", "x" * 10**6, None),
        ("surprise", "x" * 10**6, None),
        ("x" * 10**6, 1, None),
        ("segment", "x" * 10**6, None),
        ("unknown", "x" * 10**6, None),
        ("isolate_digits", "x" * 10**6, None),
        ("normalization", ["x" * 10**6], None),
        ("special_tokens", "x" * 10**6, 0),
        ("special_tokens", {"name": "x" * 10**6, "id": -1, "role": "pad"}, 0),
        ("special_tokens", {"name": ["x" * 10**6], "id": 0, "role": "pad"}, 0),
        ("special_tokens", {"name": "x", "id": 0, "role": "x" * 10**6}, 0),
        ("pieces", {"hex": "x" * 10**6}, -1),
        ("pieces", {"x" * 10**6: 1}, -1),
        ("pieces", "x" * 10**6, -1),
        ("pieces", ["\0" * 1000] * 257, None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_long_values_are_not_repeated_in_the_error(path, name, value, index):
    path.write_text(json.dumps(changed(name, value, index)))
    assert len(refusal(path)) < len(str(path)) + 400


@pytest.mark.parametrize("name", ["scores", "ids", "counts"])
def test_a_long_string_among_numbers_takes_no_memory(path, name):
    """A NumPy array of strings would give each entry the length of the longest one."""
    path.write_text(json.dumps({**DOCUMENT, name: ["x" * (1 << 22)] + [0] * 300_000}))
    assert name in refusal(path).removeprefix(str(path))


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("YR==", [500, "", 1]),
        ("YWI=", [500, "ab"]),
        ("YWI=", [3, "ab", 1]),
        ("YWI=", [0, "ab", 1]),
        ("YWI=", [-500, "ab", 1]),
        ("YWI=", [1 << 40, "ab", 1]),
        ("YWI=", [True, "ab", 1]),
        ("YWI=", ["500", "ab", 1]),
        ("YWI=", [500.0, "ab", 1]),
        ("YWI=", [[500], "ab", 1]),
        ("YWI=", [500, "ab", 0]),
        ("YWI=", [500, "ab", -1]),
        ("YWI=", [500, "ab", 1.5]),
        ("YWI=", [500, "ab", True]),
        ("YWI=", [500, "ab", "1"]),
        ("YWI=", [500, "ab", None]),
        ("YWI=", [500, "ab", [1]]),
        ("YWI=", [500, "ab", 1 << 60]),
        ("YWI=", [500, "ab", 1 << 70]),
        ("YWI", [500, "ab", 1]),
        ("Y W I =", [500, "ab", 1]),
        ("é", [500, "ab", 1]),
        ("", [500, "", 1]),
        (b64encode(b"a" * 1025).decode(), [500, "", 1]),
    ],
)
def test_original_entries_that_are_wrong(path, key, entry):
    path.write_text(json.dumps({**original_entries(), key: entry}))
    refusal(path)


def test_an_original_file_without_a_byte(path):
    entries = original_entries()
    del entries[b64encode(b"A").decode()]
    path.write_text(json.dumps(entries))
    assert "0x41" in refusal(path)


def test_an_original_file_with_an_entry_twice(path):
    path.write_text(json.dumps(original_entries())[:-1] + ', "AA==": [700, "", 5]}')
    assert "twice" in refusal(path)


def test_original_dicts_need_not_come_from_a_file():
    with pytest.raises(ModelError, match="base64"):
        original.from_dict({5: [3, "", 1]})
    with pytest.raises(ModelError, match="base64"):
        original.from_dict({"YQ==": 5})
