"""Two encoders on the same lines: how many come out alike, and why the others do not."""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bytepiece.display import printable
from bytepiece.rules.text import is_utf8

INVALID = "invalid UTF-8"
CANNOT_CARRY = "pieces it cannot carry"
UNKNOWN = "unknown characters"
NORMALIZATION = "normalization"
TIE = "tie or rounding"
FALLBACK = "byte fallback"
NUL = "NUL"
OTHER = "other"

CAUSES = {
    INVALID: "a library that takes characters got U+FFFD for bytes that are none",
    CANNOT_CARRY: "one of them has a piece in its path that the other does not have",
    UNKNOWN: "one of them has no piece for a character",
    NORMALIZATION: "they did not encode the same text in the end",
    TIE: "two paths that are equal but for the rounding of their sums",
    FALLBACK: "single bytes in one path, which byte fallback does not weigh by their scores",
    NUL: "there is a NUL in the line",
    OTHER: "none of the other causes",
}
"""What each cause means; of those that apply to a line, it has the first."""

ROUNDING = 1e-5
"""How far apart, relative to them, the scores of two paths are that count as equal: SentencePiece
adds in float32, whose steps are 6e-8, and as often as a line has tokens."""

_KEPT = 2
"""Differences that are kept of each cause."""
_SHOWN = 8
"""Pieces of a path that a report shows, at most."""
_WIDEST = 72
"""Characters of them, at most."""
_SPACE = "\u2581".encode()


@dataclass(frozen=True)
class Encoder:
    """One of the two.

    Args:
        name: what a report calls it.
        encode: the ids of some texts.
        pieces: the bytes of each id; none where it stands for no text.
        over_bytes: it takes any bytes; others get U+FFFD for what is not UTF-8.
        version: of the library.
    """

    name: str
    encode: Callable[[Sequence[bytes]], Sequence[Sequence[int]]]
    pieces: Sequence[bytes]
    over_bytes: bool = True
    version: str = ""

    def piece(self, id_: int) -> bytes:
        """The bytes of an id, also of one that it does not have; spaces are spaces."""
        return self.pieces[id_].replace(_SPACE, b" ") if id_ < len(self.pieces) else b""


@dataclass(frozen=True)
class Difference:
    """A line that does not come out alike.

    Args:
        line: its number, from 1, among those that were compared.
        text: the line.
        ours, our_pieces: the ids and their bytes from the one encoder.
        theirs, their_pieces: from the other one.
        cause: a key of `CAUSES`.
    """

    line: int
    text: bytes
    ours: tuple[int, ...]
    our_pieces: tuple[bytes, ...]
    theirs: tuple[int, ...]
    their_pieces: tuple[bytes, ...]
    cause: str


@dataclass(frozen=True)
class Parity:
    """What came of it.

    Args:
        ours: the name of the one encoder.
        theirs: the name of the other one.
        sample: what was encoded.
        lines: how many lines, or texts, that were not empty.
        identical: how many of them got the same ids from both.
        causes: how many of the others have each cause; the most frequent first.
        differences: the first ones of each cause.
        version: of the other one's library.
    """

    ours: str
    theirs: str
    sample: str
    lines: int
    identical: int
    causes: dict[str, int] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    version: str = ""

    @property
    def share(self) -> float:
        """The part of the lines that are identical; 1 if there are none."""
        return self.identical / self.lines if self.lines else 1.0

    def as_dict(self) -> dict[str, Any]:
        """All of it in JSON types; texts and pieces as `printable` has them."""

        def plain(value: Any) -> Any:
            if isinstance(value, bytes):
                return printable(value)
            if isinstance(value, dict):
                return {key: plain(one) for key, one in value.items()}
            return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value

        found: dict[str, Any] = plain(dataclasses.asdict(self))
        return found

    def __str__(self) -> str:
        return "\n".join(self._report())

    def _report(self) -> Iterator[str]:
        yield f"{self.ours} and {self.theirs}, on {self.sample}"
        # Rounded down: what is called 100 % is all of them.
        share = math.floor(self.share * 1e5) / 1e3
        yield f"  {'identical lines':<24}{self.identical:>9,} of {self.lines:,}, {share:g} %"
        for cause, count in self.causes.items():
            yield f"  {cause:<24}{count:>9,}  {CAUSES[cause]}"
        width = max(len(self.ours), len(self.theirs)) + 2
        for difference in self.differences:
            ours, theirs = _stretches(difference)
            yield f"  line {difference.line}, {difference.cause}"
            yield f"    {self.ours:<{width}}{ours}"
            yield f"    {self.theirs:<{width}}{theirs}"


def compare(
    ours: Encoder,
    theirs: Encoder,
    scores: Sequence[float],
    batches: Iterable[Sequence[bytes]],
    sample: str,
) -> Parity:
    r"""Encode lines with both.

    Args:
        ours, theirs: the encoders, whose ids mean the same.
        scores: the score of each id of ours, NaN where it has none.
        batches: the lines; those that are empty do not count.
        sample: what the report calls them.

    >>> def letters(texts): return [list(text) for text in texts]
    >>> one = Encoder("one", letters, [bytes([b]) for b in range(256)])
    >>> two = Encoder("two", lambda texts: letters(map(bytes.lower, texts)), one.pieces)
    >>> print(compare(one, two, [-1.0] * 256, [[b"a", b"", b"AB"]], "two lines"))
    one and two, on two lines
      identical lines                 1 of 2, 50 %
      normalization                   1  they did not encode the same text in the end
      line 2, normalization
        one  A B
        two  a b
    """
    lines = identical = 0
    causes: dict[str, int] = {}
    differences: list[Difference] = []
    for batch in batches:
        texts = [text for text in batch if text]
        for text, *rows in zip(texts, ours.encode(texts), theirs.encode(texts), strict=True):
            lines += 1
            one, other = map(tuple, rows)
            if one == other:
                identical += 1
                continue
            cause = _cause(text, ours, one, theirs, other, scores)
            causes[cause] = causes.get(cause, 0) + 1
            if causes[cause] <= _KEPT:
                spelled = tuple(map(ours.piece, one)), tuple(map(theirs.piece, other))
                differences.append(
                    Difference(lines, text, one, spelled[0], other, spelled[1], cause)
                )
    ordered = dict(sorted(causes.items(), key=lambda item: -item[1]))
    return Parity(
        ours.name,
        theirs.name,
        sample,
        lines,
        identical,
        ordered,
        tuple(differences),
        theirs.version,
    )


def _cause(
    text: bytes,
    ours: Encoder,
    one: Sequence[int],
    theirs: Encoder,
    other: Sequence[int],
    scores: Sequence[float],
) -> str:
    if not (ours.over_bytes and theirs.over_bytes) and not is_utf8(text):
        return INVALID
    used = {*one, *other}
    if any(ours.piece(id_) != theirs.piece(id_) for id_ in used):
        return CANNOT_CARRY
    if not all(map(ours.piece, used)):
        return UNKNOWN
    if b"".join(map(ours.piece, one)) != b"".join(map(theirs.piece, other)):
        return NORMALIZATION
    sums = [math.fsum(scores[id_] for id_ in row) for row in (one, other)]
    if math.isclose(*sums, rel_tol=ROUNDING):
        return TIE
    counts = [Counter(row) for row in (one, other)]
    if any(map(_is_raw, map(ours.piece, {*(counts[0] - counts[1]), *(counts[1] - counts[0])}))):
        return FALLBACK
    return NUL if b"\0" in text else OTHER


def _is_raw(piece: bytes) -> bool:
    """Whether it is a byte, and no printable character of ASCII."""
    return len(piece) == 1 and not 0x20 <= piece[0] < 0x7F


def _stretches(difference: Difference) -> tuple[str, str]:
    """The pieces of both paths, from where these part until they meet again."""
    one, other = difference.ours, difference.theirs
    same = min(len(one), len(other))
    first = next((i for i in range(same) if one[i] != other[i]), same)
    rest = difference.our_pieces[first:], difference.their_pieces[first:]
    ends = [_ends(pieces) for pieces in rest]
    meet = min(set(ends[0]) & set(ends[1]), default=None)
    if meet is None or len({b"".join(pieces)[:meet] for pieces in rest}) > 1:
        return _shown(rest[0]), _shown(rest[1])
    return (
        _shown(rest[0][: ends[0].index(meet) + 1]),
        _shown(rest[1][: ends[1].index(meet) + 1]),
    )


def _ends(pieces: Sequence[bytes]) -> list[int]:
    """The bytes up to the end of each piece."""
    ends, end = [], 0
    for piece in pieces:
        end += len(piece)
        ends.append(end)
    return ends


def _shown(pieces: Sequence[bytes]) -> str:
    shown = [printable(piece) or "(no text)" for piece in pieces[:_SHOWN]]
    text = " ".join(shown + ["…"] * (len(pieces) > _SHOWN)) or "(nothing)"
    return text if len(text) <= _WIDEST else text[:_WIDEST] + "…"
