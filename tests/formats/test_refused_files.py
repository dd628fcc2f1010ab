"""Files that are not models are refused with one line that names the file."""

import json
from base64 import b64encode

import pytest
from support.model_files import RICH, original_entries, same
from support.strategies import make_model

from bytepiece import model_io
from bytepiece.errors import ModelError
from bytepiece.formats import bytepiece_file, original


def refusal(path):
    """Check that the file is refused in one line that names it; return the line."""
    with pytest.raises(ModelError) as error:
        model_io.load(path)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_missing_files(tmp_path):
    with pytest.raises(OSError, match="missing"):
        model_io.load(tmp_path / "missing.model")
    with pytest.raises(ModelError, match="is a folder; name the file of the model in it"):
        model_io.load(tmp_path)


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
        ("version", 3, None, "'digits'"),
        ("version", 4, None, "'merges'"),
        ("version", 5, None, "version"),
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
