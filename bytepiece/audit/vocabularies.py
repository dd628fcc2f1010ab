"""Small vocabularies and texts of the audit's own, each difficult in a different way.

Every library that is audited can represent all of them: scores come from counts, as the original
library stores them, all single bytes are pieces, and the ids begin at 3.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from bytepiece.formats import original
from bytepiece.model import Model

TEXTS = (
    "the quick brown fox jumps over",
    "Wasser, Brot und Käse",
    "Съешь же ещё",
    "今天天气很好",
    "ありがとう",
    "for i in range(10):",
    "naïve 👍🏽",
)
"""The texts for a model that comes without texts: several scripts, and code."""


class AuditedVocabulary(NamedTuple):
    """A vocabulary and the texts to segment with it."""

    name: str
    model: Model
    texts: tuple[str, ...]


def built_in() -> list[AuditedVocabulary]:
    """Return the vocabularies and texts for an audit without a model."""
    return [
        AuditedVocabulary("three equal", _three_equal(), ("abc",)),
        AuditedVocabulary("overlapping", _overlapping(), ("abcacbbaca",)),
        AuditedVocabulary("near-uniform", _near_uniform(), ("baccabca",)),
        AuditedVocabulary("very unequal", _very_unequal(), ("babbabaab",)),
        AuditedVocabulary("characters", _characters(), ("今天天气", "café 👍")),
        AuditedVocabulary("long", _long(), (_LONG_TEXT,)),
    ]


def _model(counts: Mapping[bytes, int]) -> Model:
    """Return a model of pieces with counts. Single bytes that are missing get a count of 1."""
    every = {bytes([byte]): 1 for byte in range(256)} | dict(counts)
    return original.from_counts(tuple(every), list(every.values()))


def _three_equal() -> Model:
    """Make abc, a|bc and ab|c equally probable at every alpha, and a|b|c very improbable.

    A sampler that compares each candidate only with the one held draws them as 1/4, 1/4 and 1/2.
    The products are equal because the count of abc is counts(a) · counts(bc) / total.
    """
    total = 2**52
    counts = {b"a": 2**49, b"c": 2**49, b"ab": 2**49, b"bc": 2**49, b"abc": 2**46, b"b": 1}
    others = 256 - 3
    rest = total - sum(counts.values()) - (others - 1)
    return _model({**counts, b"z": rest})


def _substrings(text: bytes, longest: int) -> list[bytes]:
    """Return all different substrings, in the order of their places."""
    size = len(text)
    spans = ((i, j) for j in range(1, size + 1) for i in range(max(j - longest, 0), j))
    return list(dict.fromkeys(text[i:j] for i, j in spans))


def _overlapping() -> Model:
    """Make pieces that overlap everywhere, with scores a few nats apart."""
    pieces = _substrings(b"abcacbbaca", 4)
    return _model({piece: 50 + 997 * i**2 % 4999 for i, piece in enumerate(pieces)})


def _near_uniform() -> Model:
    """Make scores that differ by a hundredth, so that the numbers of tokens decide."""
    pieces = _substrings(b"baccabca", 5)
    return _model({piece: 10_000 + 7 * i for i, piece in enumerate(pieces)})


def _very_unequal() -> Model:
    """Make scores up to 28 nats apart: some paths are frequent, others nearly impossible."""
    pieces = _substrings(b"babbabaab", 4)
    return _model({piece: 1 + 2 ** (i * 17 % 41) for i, piece in enumerate(pieces)})


def _characters() -> Model:
    """Make characters of several bytes, with and without a piece, and pieces that cut them."""
    counts = {"今": 310, "天": 520, "气": 170, "今天": 800, "天天": 90, "天气": 610, "今天天": 40}
    counts |= {"c": 90, "a": 120, "f": 60, "ca": 200, "caf": 150, "fé": 70, " ": 300, "é ": 110}
    parts = {b"\xe4\xbb": 45, b"\x8a\xe5\xa4\xa9": 30, b"f\xc3": 25, b"\x9f\x91": 35}
    return _model({text.encode(): count for text, count in counts.items()} | parts)


_LONG_TEXT = (
    "she sells sea shells by the sea shore and the shells that she sells are sea shells for sure "
    "so if she sells shells on the sea shore then the shells she sells are shore shells as I say"
)


def _long() -> Model:
    """Make pieces of the repeated substrings of a text with too many segmentations to enumerate."""
    text = _LONG_TEXT.encode()
    spans = ((i, i + length) for length in range(1, 8) for i in range(len(text) - length + 1))
    counts = Counter(text[i:j] for i, j in spans)
    return _model({p: count for p, count in counts.items() if count > 2 or len(p) == 1})
