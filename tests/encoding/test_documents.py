"""The numbers of documents in every form that `doc_ids` takes."""

import uuid
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.encoding.documents import document_numbers, numbers_of, text_number
from bytepiece.errors import ArgumentError

HASHES = {
    "": 0xE4A6A0577479B2B4,
    "abc": 0xD8BB14D833D59559,
    "今天 👍": 0x163386ABFEDA54DE,
    "<urn:uuid:6f2a>": 0xC55566570BD8525F,
}
"""The test vectors of docs/randomness.md."""
TEXTS = ["the cat and the hat " * 3, "今天天气 the hat", "", "the cat and the hat " * 3]
NUMBERS = [0, 7, -1, 2**63, -(2**63), 2**64 - 1]
WORDS = [0, 7, 2**64 - 1, 2**63, 2**63, 2**64 - 1]


@pytest.mark.parametrize("text", HASHES)
def test_vectors_of_the_hash(text):
    assert text_number(text) == text_number(text.encode()) == HASHES[text]
    assert (
        numbers_of([text, text.encode(), bytearray(text.encode())]).tolist() == [HASHES[text]] * 3
    )


@given(st.lists(st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()))
def test_numbers_equal_their_definition(items):
    def number(item):
        if isinstance(item, int):
            return item + 2**64 if item < 0 else item
        raw = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else item
        return int.from_bytes(blake2b(raw, digest_size=8).digest(), "big")

    expected = [number(item) for item in items]
    for series in (items, tuple(items), iter(items)):
        assert numbers_of(series).tolist() == expected
    array = np.empty(len(items), dtype=object)
    array[:] = items
    assert numbers_of(array).tolist() == expected
    texts = [item for item in items if not isinstance(item, int)]
    expected = [number(text) for text in texts]
    assert document_numbers(0, "text", texts, sampled=True).tolist() == expected


def test_series_of_numbers():
    assert numbers_of(NUMBERS).tolist() == WORDS
    assert numbers_of(range(-2, 1)).tolist() == [2**64 - 2, 2**64 - 1, 0]
    for kind in ("i1", "<i4", ">i8", "i8"):
        assert numbers_of(np.array([5, -2], kind)[::-1]).tolist() == [2**64 - 2, 5]
    assert numbers_of(np.array([5, 2**64 - 2], "u8")).tolist() == [5, 2**64 - 2]
    assert numbers_of(np.array(["abc", ""])).tolist() == [HASHES["abc"], HASHES[""]]
    torch = pytest.importorskip("torch")
    assert numbers_of(torch.tensor([5, -2])).tolist() == [5, 2**64 - 2]


def test_columns_of_arrow():
    arrow = pytest.importorskip("pyarrow")
    names = [HASHES["abc"], HASHES[""], HASHES["abc"]]
    for kind in (arrow.int8(), arrow.int64()):
        column = arrow.array([9, 5, -2], kind)
        for some in (column[1:], arrow.chunked_array([column[1:2], column[2:]])):
            assert numbers_of(some).tolist() == [5, 2**64 - 2]
    assert numbers_of(arrow.array([2**64 - 1], arrow.uint64())).tolist() == [2**64 - 1]
    for kind in (arrow.string(), arrow.large_binary()):
        column = arrow.array(["abc", "", "abc"]).cast(kind)
        assert numbers_of(column).tolist() == numbers_of(column.dictionary_encode()).tolist()
        assert numbers_of(column).tolist() == names
    raw = uuid.UUID(int=5).bytes
    assert numbers_of(arrow.array([raw], arrow.binary(16))).tolist() == [text_number(raw)]
    for kind in (arrow.int64(), arrow.string()):
        assert numbers_of(arrow.chunked_array([], kind)).tolist() == []
    with pytest.raises(ArgumentError, match=r"doc_ids\[1\] is null"):
        numbers_of(arrow.array([3, None]))
    with pytest.raises(ArgumentError, match=r"doc_ids\[1\] is null"):
        numbers_of(arrow.array(["abc", None]).dictionary_encode())
    for column in (arrow.array([1.5]), arrow.array([True]), arrow.array([[1]])):
        with pytest.raises(ArgumentError, match="column of doc_ids holds"):
            numbers_of(column)


def test_columns_of_polars_and_pandas():
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for module in (polars, pandas):
        assert numbers_of(module.Series([5, -2])).tolist() == [5, 2**64 - 2]
        assert numbers_of(module.Series(["abc"])).tolist() == [HASHES["abc"]]


@pytest.mark.parametrize(
    ("doc_ids", "message"),
    [
        ("texts", 'must be "text" or a list'),
        (b"text", 'must be "text" or a list'),
        (5, 'must be "text" or a list'),
        ({1: 2}, 'must be "text" or a list'),
        ({1, 2}, 'must be "text" or a list'),
        ([1, None], r"doc_ids\[1\] must be a whole number, a str or bytes, not None"),
        ([1.0], r"doc_ids\[0\] must be a whole number"),
        ([True], r"doc_ids\[0\] must be a whole number"),
        (np.array([1.0]), r"doc_ids\[0\] must be a whole number"),
        (np.array([[1, 2]]), r"doc_ids\[0\] must be a whole number"),
        ([2**64], r"doc_ids\[0\] must be in −2\^63…2\^64 − 1"),
        ([0, -(2**63) - 1], r"doc_ids\[1\] must be in −2\^63…2\^64 − 1"),
    ],
)
def test_what_is_no_series_of_numbers_is_refused(doc_ids, message):
    with pytest.raises(ArgumentError, match=message):
        document_numbers(0, doc_ids, ["a"], sampled=True)


def test_the_hash_of_the_text_is_the_number(tok):
    options = {"alpha": 0.1, "seed": 7}
    rows = [row.tolist() for row in tok.encode_batch(TEXTS, doc_ids="text", **options)]
    numbers = list(map(text_number, TEXTS))
    assert rows == [
        tok.encode(text, doc_id=number, **options)
        for text, number in zip(TEXTS, numbers, strict=True)
    ]
    assert rows[0] == rows[3]
    raw = [text.encode() for text in TEXTS]
    assert rows == [row.tolist() for row in tok.encode_batch(raw, doc_ids="text", **options)]
    assert rows == [row.tolist() for row in tok.encode_batch(raw, doc_ids=TEXTS, **options)]
    arrow = pytest.importorskip("pyarrow")
    column = arrow.array([*TEXTS, None])
    found = tok.encode_batch(column, doc_ids="text", threads=2, **options)
    assert [row.tolist() for row in found] == [*rows, []]


def test_best_paths_need_no_hash(tok):
    best = [row.tolist() for row in tok.encode_batch(TEXTS)]
    assert [row.tolist() for row in tok.encode_batch(TEXTS, doc_ids="text")] == best
    assert [row.tolist() for row in tok.encode_batch(TEXTS, doc_ids="text", alpha=-1)] == best


def test_an_item_that_is_no_text_is_named(tok):
    for alpha in (None, 0.1):
        with pytest.raises(ArgumentError, match=r"texts\[1\] must be str or bytes, not int"):
            tok.encode_batch(["a", 5], doc_ids="text", alpha=alpha)
