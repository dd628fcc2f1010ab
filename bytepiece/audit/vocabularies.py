"""The built-in vocabularies and texts of the audit.

The vocabularies are small, and each is hard for samplers in its own way. Every library that can be
audited can represent all of them: the scores come from counts, which the original library needs;
all single bytes are pieces; and the ids begin at 3.
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
"""The texts for a model if the caller gives no texts: several scripts, and code."""


class AuditedVocabulary(NamedTuple):
    """A vocabulary and the texts to segment with it."""

    name: str
    model: Model
    texts: tuple[str, ...]


def built_in() -> list[AuditedVocabulary]:
    """Return the vocabularies, with their texts, for an audit without a model."""
    return [
        AuditedVocabulary("three equal", _three_equal(), ("abc",)),
        AuditedVocabulary("overlapping", _overlapping(), ("abcacbbaca",)),
        AuditedVocabulary("near-uniform", _near_uniform(), ("baccabca",)),
        AuditedVocabulary("very unequal", _very_unequal(), ("babbabaab",)),
        AuditedVocabulary("characters", _characters(), ("今天天气", "café 👍")),
        AuditedVocabulary("long", _long(), (_LONG_TEXT,)),
    ]


def _model(counts: Mapping[bytes, int]) -> Model:
    """Return a model of pieces with counts. Single bytes without a count get a count of 1."""
    every = {bytes([byte]): 1 for byte in range(256)} | dict(counts)
    return original.from_counts(tuple(every), list(every.values()))


def _three_equal() -> Model:
    """Make abc, a|bc and ab|c equally probable at every alpha, and a|b|c very improbable.

    A sampler that compares each new candidate only with the candidate held so far draws them with
    the probabilities 1/4, 1/4 and 1/2. The three are equal because the count of abc is
    count(a) · count(bc) / total.
    """
    total = 2**52
    counts = {b"a": 2**49, b"c": 2**49, b"ab": 2**49, b"bc": 2**49, b"abc": 2**46, b"b": 1}
    others = 256 - 3
    rest = total - sum(counts.values()) - (others - 1)
    return _model({**counts, b"z": rest})


def _substrings(text: bytes, longest: int) -> list[bytes]:
    """Return all different substrings up to a length, in the order of their first ends."""
    size = len(text)
    spans = (
        (start, end) for end in range(1, size + 1) for start in range(max(end - longest, 0), end)
    )
    return list(dict.fromkeys(text[start:end] for start, end in spans))


def _overlapping() -> Model:
    """Make pieces that overlap everywhere, with scores a few nats apart."""
    pieces = _substrings(b"abcacbbaca", 4)
    return _model({piece: 50 + 997 * i**2 % 4999 for i, piece in enumerate(pieces)})


def _near_uniform() -> Model:
    """Make counts that are nearly equal, so that a path's score depends mostly on its length."""
    pieces = _substrings(b"baccabca", 5)
    return _model({piece: 10_000 + 7 * i for i, piece in enumerate(pieces)})


def _very_unequal() -> Model:
    """Make scores up to 28 nats apart: some paths are frequent, others are nearly impossible."""
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
    """Make pieces of the repeated substrings of a text that has too many paths to enumerate."""
    text = _LONG_TEXT.encode()
    spans = (
        (start, start + length) for length in range(1, 8) for start in range(len(text) - length + 1)
    )
    counts = Counter(text[start:end] for start, end in spans)
    return _model({piece: count for piece, count in counts.items() if count > 2 or len(piece) == 1})
