"""From what a tokenizer of `transformers` is called with to rows of ids, and where they stand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from bytepiece._checks import unsigned_array
from bytepiece.errors import ArgumentError
from bytepiece.tokenizer import Tokenizer

NOWHERE = (0, 0)
"""The span of what stands nowhere in the text."""


class Placed(NamedTuple):
    """An id and the characters that it stands for."""

    id: int
    span: tuple[int, int] = NOWHERE


Row = list[Any]
"""A text as ids (int); as `Placed` ones, if it was asked where they stand."""


def joined(first: Row, second: Row | None, begin: Row, end: Row) -> Row:
    """A text, or two, each between special tokens."""
    return [*begin, *first, *end, *([] if second is None else [*begin, *second, *end])]


def types(first: Row, second: Row | None, begin: Row, end: Row) -> list[int]:
    """0 for each token of the first text and what is around it, 1 for each of the second."""
    ones = [] if second is None else joined(second, None, begin, end)
    return [0] * len(joined(first, None, begin, end)) + [1] * len(ones)


def mask(first: Row, second: Row | None, begin: Row, end: Row) -> list[int]:
    """1 for each special token around the texts, 0 for each token of them."""
    others = None if second is None else [0] * len(second)
    return joined([0] * len(first), others, [1] * len(begin), [1] * len(end))


def numbers(doc_ids: int | Iterable[int]) -> list[int]:
    """The numbers of documents, given as one or as many.

    Raises:
        ArgumentError: one is none.
    """
    many = doc_ids if isinstance(doc_ids, Iterable) else [doc_ids]
    found: list[int] = unsigned_array(many, "doc_ids").tolist()
    return found


def sides(text: Any, pair: Any, words: bool) -> tuple[bool, list[Any], list[Any]]:
    """Whether there are many texts; the first of each pair, and the second or None.

    Args:
        text, pair, words: what the tokenizer is called with as `text`, `text_pair` and
            `is_split_into_words`.

    Raises:
        ArgumentError: it is no text, or there are more or fewer of these than of those.
    """
    several = (list, tuple)
    if not isinstance(text, several) or not (
        (text and isinstance(text[0], several)) or (not words and _none_or_texts(text))
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


def _none_or_texts(texts: Sequence[Any]) -> bool:
    return not texts or isinstance(texts[0], str)


def _apart(item: Any, words: bool) -> tuple[Any, Any]:
    """One text of many as a first and a second."""
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


class Reader:
    """Encodes what one call is given.

    Args:
        tokenizer: with which.
        sampling: its settings for that; see `Tokenizer.encode_batch`.
        doc_ids: the texts' numbers; by default hashes of them.
        added: names and ids of the tokens to be found in texts.
        finder: finds one.
        offsets: whether spans are wanted.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        sampling: Mapping[str, Any],
        doc_ids: Sequence[int] | None,
        added: Mapping[str, int],
        finder: re.Pattern[str],
        offsets: bool,
    ) -> None:
        self._tokenizer = tokenizer
        self._sampling = dict(sampling)
        self._doc_ids = doc_ids
        self._added = added
        self._finder = finder
        self._offsets = offsets

    def rows(self, sources: Sequence[Any], second: bool = False) -> list[Any]:
        """A `Row` for each source: a text, words that are encoded one by one, or ids; or None.

        Args:
            second: whether these are the second texts of pairs.

        Raises:
            ArgumentError: a source is nothing of that, or there are not as many doc_ids.
        """
        if self._doc_ids is not None and len(self._doc_ids) != len(sources):
            raise ArgumentError(f"{len(self._doc_ids)} doc_ids for {len(sources)} texts")
        kinds = set(map(type, sources))
        if second and kinds == {type(None)}:
            return list(sources)
        texts = [[source] if type(source) is str else _texts(source, second) for source in sources]
        found = self._encoded(list(chain(*texts)), self._numbers(texts, second))
        if kinds == {str} and not self._offsets:
            return found
        encoded = iter(found)
        rows: list[Any] = []
        for source, some in zip(sources, texts, strict=True):
            own: list[Any] = list(islice(encoded, len(some)))
            if self._offsets:
                own = [self._placed(*each) for each in zip(some, own, strict=True)]
            if some:
                rows.append(own[0] if len(own) == 1 else list(chain(*own)))
            elif source and self._offsets:
                rows.append([Placed(id_) for id_ in source])
            else:
                rows.append(None if source is None else list(source))
        return rows

    def _numbers(self, texts: Sequence[Sequence[str]], second: bool) -> list[int] | None:
        """The number of each text; of those of one document, the first has the document's."""
        if self._sampling["alpha"] is None:
            return None
        numbers = []
        for document, some in enumerate(texts):
            salt = b"" if self._doc_ids is None else int(self._doc_ids[document]).to_bytes(8, "big")
            for place, text in enumerate(some):
                if self._doc_ids is not None and place == 0 and not second:
                    numbers.append(self._doc_ids[document])
                else:
                    raw = text.encode("utf-8", "surrogatepass")
                    digest = blake2b(raw, digest_size=8, salt=salt, person=bytes([second]))
                    numbers.append(int.from_bytes(digest.digest(), "big"))
        return numbers

    def _encoded(self, texts: list[str], numbers: list[int] | None) -> list[list[int]]:
        marked = [i for i, text in enumerate(texts) if self._finder.search(text)]
        if not marked:
            return self._batch(texts, numbers, {})
        # Apart, for to look for special tokens takes longer than to encode the text.
        rows: list[list[int]] = [[] for _ in texts]
        plain = sorted({*range(len(texts))}.difference(marked))
        for places, added in ((plain, {}), (marked, self._added)):
            theirs = None if numbers is None else [numbers[i] for i in places]
            found = self._batch([texts[i] for i in places], theirs, added)
            for place, row in zip(places, found, strict=True):
                rows[place] = row
        return rows

    def _batch(
        self, texts: list[str], numbers: list[int] | None, added: Mapping[str, int]
    ) -> list[list[int]]:
        encoded = self._tokenizer.encode_batch(
            texts, doc_ids=numbers, allowed_special=added, **self._sampling
        )
        ids = encoded.ids.tolist()
        return [ids[low:high] for low, high in pairwise(encoded.offsets.tolist())]

    def _placed(self, text: str, ids: list[int]) -> list[Placed]:
        added = self._added if self._finder.search(text) else {}
        spans = self._tokenizer.align(text, ids, added).char_spans.tolist()
        return [Placed(id_, (low, high)) for id_, (low, high) in zip(ids, spans, strict=True)]


def _texts(source: Any, second: bool) -> list[str]:
    """The texts of a source: itself, its words, or none."""
    if isinstance(source, str):
        return [source]
    if source is None and second:
        return []
    if not isinstance(source, (list, tuple)):
        raise ArgumentError(
            f"a text must be a str, a list of words, or ids, not {type(source).__name__}"
        )
    wanted = str if source and isinstance(source[0], str) else (int, np.integer)
    for kind in set(map(type, source)):
        if not issubclass(kind, wanted):
            raise ArgumentError(
                f"a list must be of texts, of words, or of ids; there is a {kind.__name__} in it"
            )
    return list(source) if wanted is str else []
