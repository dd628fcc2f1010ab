"""Series of texts: every entry point takes the same kinds, and says the same about a null."""

from functools import partial

import numpy as np
import pytest

import bytepiece
from bytepiece import Tokenizer
from bytepiece.audit import audit
from bytepiece.errors import ArgumentError, BytepieceError
from bytepiece.inputs.series import texts_of
from bytepiece.integrations.datasets import Encode

arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pandas = pytest.importorskip("pandas", reason="pandas is not installed")
polars = pytest.importorskip("polars", reason="polars is not installed")

LINES = ["the cat", "the hat, the cat", "a café", "the rat"] * 3
MODEL = bytepiece.train(LINES, 290, algorithm="merge", spaces="across", threads=1)
TOKENIZER = Tokenizer(MODEL)


class Stream:
    """Offers Arrow's stream and nothing else; it cannot be iterated."""

    def __init__(self, texts):
        self.__arrow_c_stream__ = arrow.chunked_array([texts[:2], texts[2:]]).__arrow_c_stream__


def typed(kind):
    return lambda texts: arrow.array(texts).cast(kind)


KINDS = {
    "tuple": tuple,
    "generator": lambda texts: (text for text in texts),
    "bytes": lambda texts: [t if t is None else t.encode() for t in texts],
    "array of objects": lambda texts: np.array(texts, dtype=object),
    "array of str": lambda texts: np.array(texts, dtype=np.str_),
    "array of strings": lambda texts: np.array(texts, dtype=np.dtypes.StringDType()),
    "string": typed(arrow.string()),
    "large_string": typed(arrow.large_string()),
    "string_view": typed(arrow.string_view()),
    "binary": typed(arrow.binary()),
    "large_binary": typed(arrow.large_binary()),
    "dictionary": lambda texts: arrow.array(texts).dictionary_encode(),
    "chunks": lambda texts: arrow.chunked_array([texts[:1], texts[1:]], arrow.string()),
    "stream": Stream,
    "pandas": pandas.Series,
    "pandas objects": lambda texts: pandas.Series(texts, dtype=object),
    "pandas categories": lambda texts: pandas.Series(texts, dtype="category"),
    "pandas arrow": lambda texts: pandas.Series(texts, dtype="string[pyarrow]"),
    "polars": polars.Series,
    "polars categories": lambda texts: polars.Series(texts, dtype=polars.Categorical),
}
FIVE = 5
COLUMNS = [name for name in KINDS if name not in list(KINDS)[:6]]


def blocks(texts):
    torch = pytest.importorskip("bytepiece.integrations.torch", exc_type=ImportError)
    source = (lambda: texts) if iter_only(texts) else texts
    return [b["input_ids"].tolist() for b in torch.PackedBlocks(TOKENIZER, source, length=2)]


def iter_only(texts):
    return hasattr(texts, "__next__")


def encoded_dict(texts):
    return [ids.tolist() for ids in Encode(TOKENIZER, add_eos=True)({"text": texts})["input_ids"]]


def transformed(texts):
    transformers = pytest.importorskip("bytepiece.integrations.transformers", exc_type=ImportError)
    return transformers.BytePieceTokenizer(MODEL)(texts)["input_ids"]


def audited(texts):
    report = audit(MODEL, ["perfect"], texts, [1.0], 100)
    return [(case.text, case.tests) for case in report.verdicts[0].cases]


ENTRY_POINTS = {
    "encode_batch": lambda texts: TOKENIZER.encode_batch(texts, add_eos=True),
    "sample": lambda texts: TOKENIZER.encode_batch(texts, alpha=0.2, seed=1, samples=2),
    "special tokens": lambda texts: TOKENIZER.encode_batch(texts, allowed_special="all"),
    "threads": lambda texts: TOKENIZER.encode_batch(texts, threads=2),
    "train": lambda texts: bytepiece.train(texts, 290, threads=1),
    "train bnlm": lambda texts: bytepiece.train(texts, 290, algorithm="bnlm", threads=1),
    "Trainer": lambda texts: bytepiece.Trainer(max_vocab_size=290).train(texts).models,
    "extend": lambda texts: bytepiece.extend(MODEL, texts, 300, threads=1).model,
    "prune": lambda texts: bytepiece.prune(MODEL, 270, texts, threads=1).model,
    "evaluate": partial(bytepiece.evaluate, {"it": MODEL}),
    "PackedBlocks": blocks,
    "Encode": encoded_dict,
    "transformers": transformed,
    "audit": audited,
}
CORPORA = ["train", "train bnlm", "Trainer", "extend", "prune", "evaluate"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_every_entry_point_takes_every_kind(entry_point, kind):
    if entry_point == "transformers" and kind in ("bytes", "binary", "large_binary"):
        pytest.skip("transformers takes only str")
    enter = ENTRY_POINTS[entry_point]
    assert enter(KINDS[kind](LINES)) == enter(LINES)


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
@pytest.mark.parametrize("missing", [None, FIVE, float("nan"), pandas.NA], ids=repr)
@pytest.mark.parametrize("kind", [list, iter, KINDS["array of objects"]])
def test_every_entry_point_says_where_an_item_is_no_text(entry_point, missing, kind):
    if entry_point == "Encode" and missing is None:
        pytest.skip("datasets gives the nulls of a column as None")
    name = type(missing).__name__
    with pytest.raises(BytepieceError) as caught:
        ENTRY_POINTS[entry_point](kind(["the cat", missing, "the hat"]))
    if entry_point == "transformers":
        expected = f"texts[1] must be a str, a list of words, or ids, not {name}"
    else:
        hint = "" if missing is FIVE else "; leave it out, or give an empty text"
        expected = f"texts[1] must be str or bytes, not {name}{hint}"
    assert str(caught.value) == expected


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_a_null_of_a_column_is_a_document_without_any_token(entry_point, kind):
    if entry_point == "transformers":
        pytest.skip("transformers has no such documents")
    column = KINDS[kind]([None, *LINES[:4], None, *LINES[4:], None])
    found = ENTRY_POINTS[entry_point](column)
    if entry_point in (*CORPORA, "PackedBlocks", "audit"):
        assert found == ENTRY_POINTS[entry_point](LINES)
    else:
        rows = [list(row) for row in found]
        assert len(rows) in (len(LINES) + 3, 2 * len(LINES) + 6)
        assert [number for number, row in enumerate(rows) if not row] == [
            place * (len(rows) // 15) + i for place in (0, 5, 14) for i in range(len(rows) // 15)
        ]


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
@pytest.mark.parametrize("texts", [b"the cat", {"the cat": 1}, {"the cat"}, 5], ids=repr)
def test_what_is_no_series_is_refused(entry_point, texts):
    if entry_point == "transformers":
        pytest.skip("transformers checks this itself")
    with pytest.raises(ArgumentError, match=r"texts|path"):
        ENTRY_POINTS[entry_point](texts)


def test_a_later_document_of_packed_blocks_is_named_by_its_number():
    torch = pytest.importorskip("bytepiece.integrations.torch", exc_type=ImportError)
    texts = ["the cat"] * 2500 + [None]
    for source in (texts, np.array(texts, dtype=object)):
        packed = torch.PackedBlocks(TOKENIZER, source, length=2, rank=1, world_size=3)
        assert 2500 % 3 == 1
        with pytest.raises(ArgumentError, match=r"^texts\[2500\] must be"):
            list(packed)


def test_packed_blocks_continue_within_a_column():
    torch = pytest.importorskip("bytepiece.integrations.torch", exc_type=ImportError)
    column = arrow.array([None, "the cat", None, "the hat", "a rat", None] * 3)
    whole = torch.PackedBlocks(TOKENIZER, column, length=3, alpha=0.3, positions=True)
    every = list(whole)
    for number, block in enumerate(every):
        rest = torch.PackedBlocks(TOKENIZER, column, length=3, alpha=0.3)
        rest.load_state_dict(whole.state_at(block["position"]))
        expected = [b["input_ids"].tolist() for b in every[number + 1 :]]
        assert [b["input_ids"].tolist() for b in rest] == expected


def test_arrays_of_several_rows_are_refused():
    with pytest.raises(ArgumentError, match=r"^texts\[0\] must be str or bytes, not list$"):
        TOKENIZER.encode_batch(np.array([["the", "cat"]]))
    with pytest.raises(ArgumentError, match="not ndarray"):
        texts_of(np.array("the cat"))
