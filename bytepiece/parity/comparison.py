"""Comparing two encoders on the same lines: how many get the same ids, and why others do not."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bytepiece.display import json_value, printable
from bytepiece.rules.text import is_utf8

INVALID_UTF8 = "invalid UTF-8"
CANNOT_CARRY = "pieces it cannot carry"
UNKNOWN_CHARACTERS = "unknown characters"
NORMALIZATION = "normalization"
TIE = "tie or rounding"
FALLBACK = "byte fallback"
NUL = "NUL"
OTHER = "other"

CAUSES = {
    INVALID_UTF8: "one of them takes only characters, and got U+FFFD for the invalid bytes",
    CANNOT_CARRY: "one path has a piece that the other library does not have",
    UNKNOWN_CHARACTERS: "one of them has no piece for a character",
    NORMALIZATION: "the pieces of the two paths do not join to the same text",
    TIE: "two paths that are equal but for the rounding of their sums",
    FALLBACK: "single bytes in one path, which byte fallback does not weigh by their scores",
    NUL: "the line contains a NUL",
    OTHER: "none of the other causes",
}
"""The meaning of each cause. The cause of a line is the first one that applies."""

ROUNDING = 1e-5
"""The largest relative difference of two paths' scores that count as equal. SentencePiece adds in
float32, which rounds by up to 6e-8 in each addition, and makes one addition per token."""

_KEPT = 2
"""Differences that are kept for each cause."""
_SHOWN = 8
"""The most pieces of a path that a report shows."""
_WIDEST = 72
"""The most characters of a path that a report shows."""
_SPACE = "\u2581".encode()


@dataclass(frozen=True)
class ComparedEncoder:
    """One of the two encoders in a comparison.

    Args:
        name: its name in a report.
        encode: a function that returns the ids of each text.
        pieces: the bytes of each id; b"" for an id that stands for no text.
        over_bytes: whether it encodes any bytes. Otherwise it gets U+FFFD for bytes that are not
            UTF-8.
        version: the version of the library.
    """

    name: str
    encode: Callable[[Sequence[bytes]], Sequence[Sequence[int]]]
    pieces: Sequence[bytes]
    over_bytes: bool = True
    version: str = ""

    def piece(self, id_: int) -> bytes:
        """Return the bytes of an id, with spaces for ▁; b"" if the encoder does not have the id."""
        return self.pieces[id_].replace(_SPACE, b" ") if id_ < len(self.pieces) else b""


@dataclass(frozen=True)
class Difference:
    """A line that two encoders encode differently.

    Args:
        line: the number of the line, from 1, among the lines that were compared.
        text: the line.
        ours, our_pieces: the ids from the first encoder, and their bytes.
        theirs, their_pieces: the ids from the second encoder, and their bytes.
        cause: the cause, a key of `CAUSES`.
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
    """The result of a comparison.

    Args:
        ours: the name of the first encoder.
        theirs: the name of the second encoder.
        sample: a description of the lines.
        lines: the number of lines that are not empty.
        identical: the number of lines with the same ids from both encoders.
        causes: the number of other lines with each cause, the most frequent cause first.
        differences: the first differences of each cause.
        version: the version of the second encoder's library.
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
        """The share of identical lines; 1 if no lines were compared."""
        return self.identical / self.lines if self.lines else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return the result in JSON's types, with texts and pieces as `printable` shows them."""
        fields: dict[str, Any] = json_value(self)
        return fields

    def __str__(self) -> str:
        return "\n".join(self._report())

    def _report(self) -> Iterator[str]:
        yield f"{self.ours} and {self.theirs}, on {self.sample}"
        # The share is rounded down, so that 100 % means all lines.
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
    ours: ComparedEncoder,
    theirs: ComparedEncoder,
    scores: Sequence[float],
    batches: Iterable[Sequence[bytes]],
    sample: str,
) -> Parity:
    r"""Encode lines with two encoders and compare the ids.

    Args:
        ours, theirs: the encoders. An id must stand for the same piece in both.
        scores: the score of each id of `ours`; NaN if it has none.
        batches: the lines. Empty lines do not count.
        sample: a description of the lines, for the report.

    >>> def letters(texts): return [list(text) for text in texts]
    >>> one = ComparedEncoder("one", letters, [bytes([b]) for b in range(256)])
    >>> two = ComparedEncoder("two", lambda texts: letters(map(bytes.lower, texts)), one.pieces)
    >>> print(compare(one, two, [-1.0] * 256, [[b"a", b"", b"AB"]], "two lines"))
    one and two, on two lines
      identical lines                 1 of 2, 50 %
      normalization                   1  the pieces of the two paths do not join to the same text
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
            our_ids, their_ids = map(tuple, rows)
            if our_ids == their_ids:
                identical += 1
                continue
            cause = _cause(text, ours, our_ids, theirs, their_ids, scores)
            causes[cause] = causes.get(cause, 0) + 1
            if causes[cause] <= _KEPT:
                our_pieces = tuple(map(ours.piece, our_ids))
                their_pieces = tuple(map(theirs.piece, their_ids))
                differences.append(
                    Difference(lines, text, our_ids, our_pieces, their_ids, their_pieces, cause)
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
    ours: ComparedEncoder,
    our_ids: Sequence[int],
    theirs: ComparedEncoder,
    their_ids: Sequence[int],
    scores: Sequence[float],
) -> str:
    """Return why the two encoders gave different ids to a text."""
    if not (ours.over_bytes and theirs.over_bytes) and not is_utf8(text):
        return INVALID_UTF8
    used = {*our_ids, *their_ids}
    if any(ours.piece(id_) != theirs.piece(id_) for id_ in used):
        return CANNOT_CARRY
    if not all(map(ours.piece, used)):
        return UNKNOWN_CHARACTERS
    if b"".join(map(ours.piece, our_ids)) != b"".join(map(theirs.piece, their_ids)):
        return NORMALIZATION
    path_scores = [math.fsum(scores[id_] for id_ in ids) for ids in (our_ids, their_ids)]
    if math.isclose(*path_scores, rel_tol=ROUNDING):
        return TIE
    our_counts, their_counts = Counter(our_ids), Counter(their_ids)
    in_one_only = {*(our_counts - their_counts), *(their_counts - our_counts)}
    if any(map(_is_raw_byte, map(ours.piece, in_one_only))):
        return FALLBACK
    return NUL if b"\0" in text else OTHER


def _is_raw_byte(piece: bytes) -> bool:
    """Return whether a piece is a single byte that is not a printable ASCII character."""
    return len(piece) == 1 and not 0x20 <= piece[0] < 0x7F


def _stretches(difference: Difference) -> tuple[str, str]:
    """Return the pieces of both paths from where they part to where they meet again."""
    ours, theirs = difference.ours, difference.theirs
    shorter = min(len(ours), len(theirs))
    first = next((i for i in range(shorter) if ours[i] != theirs[i]), shorter)
    our_rest, their_rest = difference.our_pieces[first:], difference.their_pieces[first:]
    our_ends, their_ends = _ends(our_rest), _ends(their_rest)
    meeting = min(set(our_ends) & set(their_ends), default=None)
    if meeting is None or b"".join(our_rest)[:meeting] != b"".join(their_rest)[:meeting]:
        return _shown(our_rest), _shown(their_rest)
    return (
        _shown(our_rest[: our_ends.index(meeting) + 1]),
        _shown(their_rest[: their_ends.index(meeting) + 1]),
    )


def _ends(pieces: Sequence[bytes]) -> list[int]:
    """Return the position of the end of each piece, in bytes."""
    ends, end = [], 0
    for piece in pieces:
        end += len(piece)
        ends.append(end)
    return ends


def _shown(pieces: Sequence[bytes]) -> str:
    shown = [printable(piece) or "(no text)" for piece in pieces[:_SHOWN]]
    text = " ".join(shown + ["…"] * (len(pieces) > _SHOWN)) or "(nothing)"
    return text if len(text) <= _WIDEST else text[:_WIDEST] + "…"
