"""Rows of ids, with their places in the text, from the arguments of a call in `transformers`."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from bytepiece.encoding.documents import numbers_of, text_number
from bytepiece.encoding.options import BY_TEXT
from bytepiece.encoding.request import Sampling
from bytepiece.encoding.special import SpecialTokens
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import chunked, is_arrow
from bytepiece.inputs.series import is_series, texts_of
from bytepiece.tokenizer import Tokenizer

Span = tuple[int, int]
"""The first character and the one behind the last."""

NOWHERE: Span = (0, 0)
"""The span of an id that has no place in the text."""


class IdWithSpan(NamedTuple):
    """An id and the span of characters that it stands for."""

    id: int
    span: Span = NOWHERE


Row = list[Any]
"""The ids of a text, as int; as `IdWithSpan` if spans are wanted."""


def joined(first: Row, second: Row | None, begin: Row, end: Row) -> Row:
    """Return the row of one text or of two, each text between special tokens."""
    return [*begin, *first, *end, *([] if second is None else [*begin, *second, *end])]


def token_type_ids(first: Row, second: Row | None, begin: Row, end: Row) -> list[int]:
    """Return 0 for each token of the first text and its special tokens, 1 for the second text."""
    ones = [] if second is None else joined(second, None, begin, end)
    return [0] * len(joined(first, None, begin, end)) + [1] * len(ones)


def special_tokens_mask(first: Row, second: Row | None, begin: Row, end: Row) -> list[int]:
    """Return 1 for each special token around the texts, 0 for each token of the texts."""
    others = None if second is None else [0] * len(second)
    return joined([0] * len(first), others, [1] * len(begin), [1] * len(end))


def given_numbers(doc_ids: "int | Iterable[int | str | bytes] | None") -> list[int] | None:
    """Return the numbers of documents as a list; None for the hashes of the texts.

    Args:
        doc_ids: as for `Tokenizer.encode_batch`, or a single number. None stands for "text", too.

    Raises:
        ArgumentError: if it gives no numbers.
    """
    if doc_ids is None or (isinstance(doc_ids, str) and doc_ids == BY_TEXT):
        return None
    many = doc_ids if isinstance(doc_ids, Iterable) else [doc_ids]
    found: list[int] = numbers_of(many).tolist()
    return found


def firsts_and_seconds(text: Any, pair: Any, words: bool) -> tuple[bool, list[Any], list[Any]]:
    """Sort the texts of a call into the first and the second texts of pairs.

    Args:
        text, pair, words: the arguments `text`, `text_pair` and `is_split_into_words` of the call.

    Returns:
        whether the call gives many texts; the first text of each pair; the second one, or None.

    Raises:
        ArgumentError: if a pair is not one or two texts, or the lists differ in length.
    """
    text, pair = _listed(text), _listed(pair)
    several = (list, tuple)
    if not isinstance(text, several) or not (
        (text and isinstance(text[0], several))
        or (not words and (not text or isinstance(text[0], str)))
    ):
        return False, [text], [pair]
    if pair is None and set(map(type, text)) <= {str}:
        return True, list(text), [None] * len(text)
    if pair is None:
        apart = [_apart(item, words) for item in text]
        return True, [first for first, _ in apart], [second for _, second in apart]
    if not isinstance(pair, several) or len(pair) != len(text):
        raise ArgumentError("text_pair must be a list as long as text")
    return True, list(text), list(pair)


def _listed(texts: Any) -> Any:
    """Return a series of texts, such as an array or a column, as a list; return others unchanged.

    A null becomes None.
    """
    if is_arrow(texts):
        return chunked(texts).to_pylist()
    return texts_of(texts) if is_series(texts) else texts


def _apart(item: Any, words: bool) -> tuple[Any, Any]:
    """Return an item of a list of texts as a first and a second text."""
    if isinstance(item, tuple if words else (list, tuple)) and item:
        if len(item) == 2 and all(isinstance(part, (str, list, tuple)) for part in item):
            return item[0], item[1]
        if isinstance(item[0], str) and not words:
            if len(item) == 1:
                return item[0], None
            raise ArgumentError(
                f"{len(item)} texts where one or a pair belongs; if they are words, say "
                "is_split_into_words=True"
            )
    return item, None


class RowMaker:
    """Encodes the texts of one call.

    Args:
        tokenizer: the tokenizer that encodes.
        sampling: the request for samples, or for best paths.
        doc_ids: the numbers of the texts; by default hashes of the texts.
        added: the tokens to be found in texts.
        offsets: whether spans are wanted.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        sampling: Sampling,
        doc_ids: Sequence[int] | None,
        added: SpecialTokens,
        offsets: bool,
    ) -> None:
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._doc_ids = doc_ids
        self._added = added
        self._offsets = offsets
        self._made: dict[bool, tuple[Sequence[Any], list[list[str]], list[list[int]]]] = {}
        self._begins: dict[bool, list[int]] = {}

    def rows(self, sources: Sequence[Any], second: bool = False) -> list[Any]:
        """Return a `Row` for each source, or None for the second text that a pair lacks.

        Args:
            sources: for each row a text, words that are encoded one by one, or ids.
            second: whether these are the second texts of pairs.

        Raises:
            ArgumentError: if a source is of another type, or the number of doc_ids differs.
        """
        if self._doc_ids is not None and len(self._doc_ids) != len(sources):
            raise ArgumentError(f"{len(self._doc_ids)} doc_ids for {len(sources)} texts")
        kinds = set(map(type, sources))
        if second and kinds == {type(None)}:
            return list(sources)
        texts = [
            [source] if type(source) is str else _texts(source, second, number)
            for number, source in enumerate(sources)
        ]
        all_ids = self._encoded(list(chain(*texts)), self._numbers(texts, second))
        self._made[second] = (sources, texts, all_ids)
        if kinds == {str} and not self._offsets:
            return all_ids
        encoded = iter(all_ids)
        rows: list[Any] = []
        for source, parts in zip(sources, texts, strict=True):
            found: list[Any] = list(islice(encoded, len(parts)))
            if self._offsets:
                found = [self._with_spans(*pair) for pair in zip(parts, found, strict=True)]
            if parts:
                rows.append(found[0] if len(found) == 1 else list(chain(*found)))
            elif source and self._offsets:
                rows.append([IdWithSpan(id_) for id_ in source])
            else:
                rows.append(None if source is None else list(source))
        return rows

    def _numbers(self, texts: Sequence[Sequence[str]], second: bool) -> list[int] | None:
        """Return the number of each text.

        The number of a document's first text (or first word) is the document's number. For each
        further word, and for the second text of a pair, the number is a hash of its text and of the
        document's number. Without `doc_ids`, the number of every text is a hash of the text.
        Without sampling, the result is None.
        """
        if self._sampling.alpha is None:
            return None
        numbers = []
        for document, parts in enumerate(texts):
            salt = b"" if self._doc_ids is None else int(self._doc_ids[document]).to_bytes(8, "big")
            for place, text in enumerate(parts):
                if self._doc_ids is not None and place == 0 and not second:
                    numbers.append(self._doc_ids[document])
                else:
                    numbers.append(text_number(text, salt, person=bytes([second])))
        return numbers

    def _encoded(self, texts: list[str], numbers: list[int] | None) -> list[list[int]]:
        encoded = self._tokenizer.encode_batch(
            texts, doc_ids=numbers, allowed_special=self._added, **self._sampling._asdict()
        )
        ids = encoded.ids.tolist()
        return [ids[low:high] for low, high in pairwise(encoded.offsets.tolist())]

    def aligned(self, number: int, second: bool) -> tuple[Any, list[tuple[str, list[Span]]]]:
        """Return a source that `rows` encoded, and its texts with the spans of their tokens."""
        sources, texts, all_ids = self._made[second]
        begins = self._begins.get(second)
        if begins is None:
            begins = self._begins[second] = list(accumulate(map(len, texts), initial=0))
        pairs = zip(texts[number], all_ids[begins[number] : begins[number + 1]], strict=True)
        return sources[number], [(text, self._spans(text, ids)) for text, ids in pairs]

    def _spans(self, text: str, ids: list[int]) -> list[Span]:
        spans = self._tokenizer.align(text, ids, self._added).char_spans.tolist()
        return [(low, high) for low, high in spans]

    def _with_spans(self, text: str, ids: list[int]) -> list[IdWithSpan]:
        return [IdWithSpan(*each) for each in zip(ids, self._spans(text, ids), strict=True)]


def _texts(source: Any, second: bool, number: int) -> list[str]:
    """Return the texts of a source: the source itself, its words, or no text for ids."""
    if isinstance(source, str):
        return [source]
    if source is None and second:
        return []
    if not isinstance(source, (list, tuple)):
        raise ArgumentError(
            f"texts[{number}] must be a str, a list of words, or ids, not {type(source).__name__}"
        )
    wanted = str if source and isinstance(source[0], str) else (int, np.integer)
    for kind in set(map(type, source)):
        if not issubclass(kind, wanted):
            raise ArgumentError(
                f"a list must be of texts, of words, or of ids; there is a {kind.__name__} in it"
            )
    return list(source) if wanted is str else []
