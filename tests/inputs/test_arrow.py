"""Columns of Arrow: the same ids as a list of the same texts, however the column lies in memory."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT
from support.documents import run_examples
from support.strategies import BYTES, JIT, STRINGS, make_model

from bytepiece import Encoded, TextRules, Tokenizer
from bytepiece.encoding import batches
from bytepiece.encoding import normalization as text
from bytepiece.errors import ArgumentError
from bytepiece.inputs import arrow as columns

arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
parquet = pytest.importorskip("pyarrow.parquet")
from bytepiece.integrations.arrow import encode_column  # noqa: E402

LINES = ["the hat", "", "café 今天天气\n\nthe", "e\u0301 and the hat", "<eos>the<bos>", "5 ٣ hats"]
PIECES = {b"the": -3.5, b" hat": -4.0, "é".encode(): -6.0, "今天".encode(): -6.5, b"\n\n": -6.0}
RULES = [
    TextRules(),
    TextRules(("NFC",)),
    TextRules(("NFD", "NFKC"), digits="each"),
]
TOKENIZERS = [Tokenizer(make_model(PIECES, rules=rules)) for rules in RULES]
SAMPLED = {"alpha": 0.4, "seed": 5}
OPTIONS = [
    {},
    SAMPLED,
    {**SAMPLED, "samples": 3, "add_eos": True},
    {"add_bos": True, "threads": 2},
    {"add_bos": True, "add_eos": True},
    {"allowed_special": "all", "add_eos": True, "threads": 2},
    {**SAMPLED, "sampler": "viterbi", "doc_id0": 7},
    {**SAMPLED, "sample_prob": 0.5, "samples": 2, "add_bos": True},
    {**SAMPLED, "alpha": (0.1, 0.9), "sample_prob": 0.8, "allowed_special": "all"},
]
TYPES = [
    arrow.string(),
    arrow.large_string(),
    arrow.string_view(),
    arrow.binary(),
    arrow.large_binary(),
    arrow.binary_view(),
    arrow.dictionary(arrow.int8(), arrow.string()),
    arrow.dictionary(arrow.int32(), arrow.large_binary()),
]


@pytest.fixture
def small(monkeypatch):
    """Make chunks and runs so small that a little text has many."""
    monkeypatch.setattr(batches, "CHUNK", 16)
    monkeypatch.setattr(batches, "_LEAST", 8)
    monkeypatch.setattr(text, "_RUN", 8)


def column(texts, kind):
    if arrow.types.is_dictionary(kind):
        return column(texts, kind.value_type).dictionary_encode().cast(kind)
    return arrow.array([None if t is None else as_held(t, kind) for t in texts], kind)


def as_held(one, kind):
    if "string" in str(kind):
        return one
    return one.encode("utf-8", "surrogatepass") if isinstance(one, str) else one


def expected(tok, texts, options):
    """Return the rows of the same list. A null has none."""
    rows = tok.encode_batch(["" if t is None else t for t in texts], **options)
    samples = options.get("samples", 1)
    return [[] if texts[i // samples] is None else row.tolist() for i, row in enumerate(rows)]


def check(tok, array, texts, options):
    rows = tok.encode_batch(array, **options)
    assert rows.ids.dtype == np.int32
    assert [row.tolist() for row in rows] == expected(tok, texts, options)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_type_gives_the_ids_of_the_list(kind, options):
    texts = [*LINES, None, *LINES[::-1], None]
    array = column(texts, kind)
    pieces = [array[:3], array[3:3], array[3:5], array[5:]]
    for tok in TOKENIZERS:
        check(tok, array, texts, options)
        check(tok, array[2:9], texts[2:9], options)
        check(tok, array[:6], texts[:6], options)
        check(tok, arrow.chunked_array(pieces), texts, options)
        check(tok, arrow.chunked_array(pieces)[1:-2], texts[1:-2], options)


@pytest.mark.usefixtures("small")
@given(
    texts=st.lists(st.none() | STRINGS.filter(str.isprintable) | st.just("e\u0301\n"), max_size=9)
    | st.lists(
        st.none() | BYTES.map(lambda b: b.encode() if isinstance(b, str) else b), max_size=9
    ),
    where=st.lists(st.integers(0, 9), max_size=3),
    low=st.integers(0, 3),
    tok=st.sampled_from(TOKENIZERS),
    options=st.sampled_from(OPTIONS),
)
def test_slices_chunks_and_nulls_give_the_ids_of_the_list(texts, where, low, tok, options):
    kind = arrow.binary() if any(isinstance(t, bytes) for t in texts) else arrow.string()
    array = column(texts, kind)
    ends = [0, *sorted(min(place, len(texts)) for place in where), len(texts)]
    chunks = [array[a:b] for a, b in pairwise(ends)]
    check(tok, arrow.chunked_array(chunks, kind)[low:], texts[low:], options)
    check(tok, array[low:], texts[low:], options)


def test_fixed_size_binary_is_bytes():
    array = arrow.array([b"the", None, b"hat"], arrow.binary(3))
    check(TOKENIZERS[0], array, [b"the", None, b"hat"], {"add_eos": True})


def test_a_null_in_a_dictionary_is_a_null():
    words = arrow.array(["the", None, "hat"])
    array = arrow.DictionaryArray.from_arrays(arrow.array([0, 1, None, 2], arrow.int8()), words)
    texts = ["the", None, None, "hat"]
    check(TOKENIZERS[0], array, texts, {"add_eos": True})
    check(TOKENIZERS[0], array[1:], texts[1:], {"add_eos": True})
    valid = encode_column(TOKENIZERS[0], array, samples=2).is_valid().to_pylist()
    assert valid == [True] * 2 + [False] * 4 + [True] * 2


def test_bytes_under_a_null_are_not_read():
    offsets = arrow.py_buffer(np.array([0, 3, 6, 9], np.int32))
    present = arrow.py_buffer(bytes([0b101]))
    array = arrow.Array.from_buffers(
        arrow.string(), 3, [present, offsets, arrow.py_buffer(b"the\xff\xff\xffhat")]
    )
    for tok in TOKENIZERS:
        for options in OPTIONS:
            check(tok, array, ["the", None, "hat"], options)


@pytest.mark.parametrize("texts", [[], [None], [None, None], [""], ["", None, ""]], ids=str)
def test_columns_without_text(texts):
    for kind in (arrow.null(), *TYPES):
        if kind != arrow.null() or not any(t == "" for t in texts):
            check(TOKENIZERS[1], column(texts, kind), texts, {"add_eos": True})
    check(TOKENIZERS[1], arrow.chunked_array([], arrow.string()), [], {"add_eos": True})


def test_neighbouring_texts_do_not_join():
    """Check bytes and characters at the ends of texts, which would differ if texts were joined."""
    texts = [b"\xc3", b"\xa9", b"e", "\u0301".encode(), b"\xe4\xbb", b"\x8a\n", b"\n", b"1", b"2"]
    for tok in TOKENIZERS:
        check(tok, arrow.array(texts), texts, {})
        many = texts * (3000 if JIT else 30)
        check(tok, arrow.array(many), many, {})


def test_documents_are_numbered_by_rows():
    tok = TOKENIZERS[0]
    array = arrow.array(["the hat", None, "the hat the hat"])
    rows = tok.encode_batch(array, alpha=0, seed=3, doc_ids=[9, 8, 7])
    assert rows[2].tolist() == tok.encode("the hat the hat", alpha=0, seed=3, doc_id=7)
    with pytest.raises(ArgumentError, match="2 doc_ids for 3 texts"):
        tok.encode_batch(array, doc_ids=[1, 2])


def test_strings_and_bytes_are_not_copied():
    for kind in (arrow.string(), arrow.large_string(), arrow.binary(), arrow.large_binary()):
        array = column(LINES * 5, kind)[3:25]
        flat, _ = columns.Column(columns.chunked(array)).flat()
        address = array.buffers()[2].address
        assert 0 <= flat.ctypes.data - address < array.buffers()[2].size
        assert not flat.flags.writeable  # otherwise every kernel would be compiled once more


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_a_column_is_a_sequence_of_bytes(kind):
    texts = [*LINES, None]
    raw = [b"" if t is None else t.encode() for t in texts]
    array = column(texts, kind)
    one = columns.Column(columns.chunked(arrow.chunked_array([array[:2], array[2:]])))
    assert list(one) == raw
    assert [one[i] for i in range(len(one))] == raw
    assert one[-2] == raw[-2]
    assert list(one[1:5][1:]) == raw[2:5]
    assert list(one.select(np.array([0, 3, 6]))) == [raw[0], raw[3], raw[6]]
    with pytest.raises(IndexError):
        one[7]


class Exporter:
    """Offers Arrow's interface and nothing else."""

    def __init__(self, array):
        self._array = array
        if isinstance(array, arrow.Array):
            self.__arrow_c_array__ = array.__arrow_c_array__
        else:
            self.__arrow_c_stream__ = array.__arrow_c_stream__


def test_any_object_with_arrows_interface_is_a_column():
    array = column(LINES, arrow.string())
    for exporter in (Exporter(array), Exporter(arrow.chunked_array([array[:2], array[2:]]))):
        check(TOKENIZERS[1], exporter, LINES, {"add_bos": True})


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (arrow.array([1, 2]), "holds int64, not text"),
        (arrow.array([["the"]]), "holds list<.*, not text"),
        (arrow.array([1, 1]).dictionary_encode(), "holds dictionary<.*, not text"),
        (arrow.table({"text": ["the"]}), "holds struct<.*, not text|not a column of Arrow"),
        (arrow.record_batch({"text": ["the"]}), "holds struct<.*, not text|not a column of Arrow"),
    ],
)
def test_a_column_that_holds_no_text_is_refused(array, words):
    with pytest.raises(ArgumentError, match=words):
        TOKENIZERS[0].encode_batch(array)
    with pytest.raises(ArgumentError, match=words):
        encode_column(TOKENIZERS[0], array)


@pytest.mark.parametrize("name", ["str", "bytes", "nulls", "categories", "slice", "chunks"])
def test_series_of_polars(name):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    texts = [*LINES, "a text of more than twelve bytes, which lies elsewhere"] * 9
    series = {
        "str": lambda: polars.Series(texts),
        "bytes": lambda: polars.Series([t.encode() for t in texts]),
        "nulls": lambda: polars.Series([None, *texts, None]),
        "categories": lambda: polars.Series(texts, dtype=polars.Categorical),
        "slice": lambda: polars.Series(texts)[5:50],
        "chunks": lambda: polars.concat(
            [polars.Series(texts)[:4], polars.Series(texts)[9:]], rechunk=False
        ),
    }[name]()
    for tok in TOKENIZERS:
        for options in OPTIONS:
            check(tok, series, series.to_list(), options)
    lists = polars.Series(encode_column(TOKENIZERS[0], series))
    assert lists.null_count() == series.null_count()
    assert lists[-2].to_list() == TOKENIZERS[0].encode(series[-2])


def test_a_column_of_ids_has_the_nulls_of_its_texts():
    tok = TOKENIZERS[0]
    texts = [None, *LINES, None]
    ids = encode_column(tok, arrow.array(texts), add_eos=True)
    assert ids.type == arrow.list_(arrow.int32())
    rows = [None if t is None else [*tok.encode(t), tok.piece_to_id("<eos>")] for t in texts]
    assert ids.to_pylist() == rows
    twice = encode_column(tok, arrow.array(texts), samples=2, **SAMPLED)
    assert twice.is_valid().to_pylist() == np.repeat(ids.is_valid().to_numpy(False), 2).tolist()
    assert encode_column(tok, arrow.array(LINES)).null_count == 0


def test_ids_are_not_copied_into_a_column():
    rows = TOKENIZERS[0].encode_batch(LINES)
    array = rows.to_arrow()
    assert array.values.buffers()[1].address == rows.ids.ctypes.data
    assert array.to_pylist() == [row.tolist() for row in rows]
    assert TOKENIZERS[0].encode_batch([]).to_arrow().to_pylist() == []
    array.validate(full=True)


def test_too_many_ids_for_int32_make_a_large_list(monkeypatch):
    rows = Encoded(np.arange(5, dtype=np.int32), np.array([0, 2, 5]))
    assert rows.to_arrow().type == arrow.list_(arrow.int32())
    monkeypatch.setattr(columns, "_MOST", 4)
    large = rows.to_arrow()
    assert large.type == arrow.large_list(arrow.int32())
    assert large.to_pylist() == [[0, 1], [2, 3, 4]]


def test_pyarrow_is_imported_only_for_columns():
    script = (
        "import sys, bytepiece; from support.strategies import make_model\n"
        "tok = bytepiece.Tokenizer(make_model({}))\n"
        "rows = tok.encode_batch(['the'])\n"
        "print('pyarrow' in sys.modules)\n"
        "rows.to_arrow(); print('pyarrow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_without_pyarrow_one_line_says_what_to_install(monkeypatch):
    rows = TOKENIZERS[0].encode_batch(["the"])
    array = Exporter(arrow.array(["the"]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (rows.to_arrow, lambda: TOKENIZERS[0].encode_batch(array)):
        with pytest.raises(ArgumentError, match=r"^Arrow and Parquet .*; pip install pyarrow$"):
            call()


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_examples_in_the_docs(library, directory):
    pytest.importorskip(library)
    run_examples(ROOT / "docs" / "arrow.md", f"python {library}")
