"""The numbers of documents: given ones, hashes of their names, or hashes of the texts."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, get_args

import numpy as np

from bytepiece._arrays import U64
from bytepiece._checks import is_whole, unsigned
from bytepiece._messages import shown
from bytepiece.encoding.options import BY_TEXT
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column, any_column, is_arrow, is_text, pyarrow
from bytepiece.inputs.series import check_texts, is_series
from bytepiece.rules.text import Text, to_bytes

_TEXTS = get_args(Text)
_DIGEST = 8
_LEAST, _BEYOND = -(1 << 63), 1 << 64


def document_numbers(
    first: int,
    doc_ids: "Iterable[int | str | bytes] | None",
    texts: Sequence[Text] | Column,
    sampled: bool,
) -> U64:
    """Return the numbers of a batch of documents.

    Args:
        first: the number of the first document, if `doc_ids` is None.
        doc_ids: see `numbers_of`; or "text", for the hash of each text.
        texts: the documents.
        sampled: whether samples are drawn. The best path needs no hashes of texts, so they are not
            computed then.

    Raises:
        ArgumentError: if a number is outside its range, or if there is not one per document.
    """
    count = len(texts)
    if isinstance(doc_ids, str) and doc_ids == BY_TEXT:
        if sampled:
            return _text_numbers(texts)
        doc_ids, first = None, 0
    if doc_ids is None:
        start = unsigned(first, 64, "doc_id0")
        unsigned(start + max(count - 1, 0), 64, "doc_id0 + number of texts")
        numbers: U64 = np.arange(count, dtype=np.uint64) + np.uint64(start)
        return numbers
    given = numbers_of(doc_ids)
    if given.shape != (count,):
        raise ArgumentError(f"{given.size} doc_ids for {count} texts")
    return given


def numbers_of(doc_ids: "Iterable[int | str | bytes]") -> U64:
    """Return documents' numbers as the array that kernels take.

    Args:
        doc_ids: for each document a whole number, a str or bytes: a list or other series, an array
            of NumPy, a column of Arrow. A negative number stands for itself plus 2^64, so that
            int64 and uint64 with the same bits are the same number. The number of a str or bytes is
            its hash.

    Raises:
        ArgumentError: if an item is something else, is null, or is not in −2^63…2^64 − 1.

    >>> numbers_of([42, -1, "a name"]).tolist()
    [42, 18446744073709551615, 5855466242867373672]
    """
    if is_arrow(doc_ids):
        return _of_column(any_column(doc_ids))
    if not is_series(doc_ids):
        raise ArgumentError(
            f'doc_ids must be "{BY_TEXT}" or a list or other series, not {doc_ids!r:.30}'
        )
    if hasattr(doc_ids, "__array__"):  # such as a tensor of torch
        doc_ids = np.asarray(doc_ids)
        if doc_ids.dtype.kind in "iu" and doc_ids.ndim == 1:
            wide = np.int64 if doc_ids.dtype.kind == "i" else np.uint64
            return doc_ids.astype(wide).view(np.uint64)
    found = [number_of(value, f"doc_ids[{place}]") for place, value in enumerate(doc_ids)]
    return np.array(found, dtype=np.uint64)


def text_number(text: Text, salt: bytes = b"", person: bytes = b"") -> int:
    """Return the hash of a text, 0 … 2^64 − 1. It is an interface, like the random numbers.

    Args:
        text: a str, which counts as its UTF-8 bytes, or bytes.
        salt, person: other values give other hashes.

    Returns:
        the eight bytes of BLAKE2b with a digest of eight bytes, the first one the highest.

    >>> text_number("a name") == text_number(b"a name")
    True
    """
    digest = blake2b(to_bytes(text), digest_size=_DIGEST, salt=salt, person=person)
    return int.from_bytes(digest.digest(), "big")


def number_of(value: Any, name: str) -> int:
    """Return the number of one document.

    Args:
        value: an item that `numbers_of` takes.
        name: what the item is called in errors.

    Raises:
        ArgumentError: if it is no such item.
    """
    if isinstance(value, _TEXTS):
        return text_number(value)
    if not is_whole(value):
        raise ArgumentError(f"{name} must be a whole number, a str or bytes, not {shown(value)}")
    if not _LEAST <= value < _BEYOND:
        raise ArgumentError(f"{name} must be in −2^63…2^64 − 1, not {shown(value)}")
    return int(value) % _BEYOND


def _of_column(column: Any) -> U64:
    """Return the numbers in a `pyarrow.ChunkedArray`."""
    types = pyarrow().types
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        place = column.is_null().index(True).as_py()
        raise ArgumentError(f"doc_ids[{place}] is null; each document needs a number")
    if types.is_integer(column.type):
        return numbers_of(column.to_numpy())
    if is_text(column.type):
        return _text_numbers(Column(column))
    raise ArgumentError(
        f"the column of doc_ids holds {column.type!s:.60}; give one of whole numbers, strings or "
        "bytes"
    )


def _text_numbers(texts: Sequence[Text] | Column) -> U64:
    """Return `text_number` of each text.

    A text costs a third of a microsecond and a nanosecond per byte, so a loop that also made a
    number of each digest would take half as long again. A copy of a hash of nothing is made in 0.7
    of the time of a new hash.
    """
    raws = texts if isinstance(texts, Column) else map(to_bytes, texts)
    new = blake2b(digest_size=_DIGEST).copy
    digests = []
    try:
        for raw in raws:
            digest = new()
            digest.update(raw)
            digests.append(digest.digest())
    except ArgumentError:
        check_texts(texts)
        raise
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)
