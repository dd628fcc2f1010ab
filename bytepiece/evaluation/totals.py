"""What is counted in a text and with each model, as whole numbers that can be added up.

So the totals depend neither on how the text is divided, nor on who counts which part.
"""

from collections.abc import Sequence
from operator import add
from typing import NamedTuple, TypeVar

from bytepiece._arrays import I64

AnyTotals = TypeVar("AnyTotals", "TextTotals", "ModelTotals")


class TextTotals(NamedTuple):
    """The totals of a text.

    Args:
        bytes: of the whole text.
        lines: that are not empty.
        line_bytes: in these lines.
        invalid_lines: how many of these lines are not UTF-8.
        by_script: int64[3, scripts], by the code of the script: its characters, bytes and words.
    """

    bytes: int
    lines: int
    line_bytes: int
    invalid_lines: int
    by_script: I64


class ModelTotals(NamedTuple):
    """The totals of a model's tokens.

    Args:
        covered: int64[scripts, lengths], bytes by their script and by the length of the token that
            covers them.
        counts: int64[ids], how often each id occurs in the lines.
        counts_with_line_ends: int64[ids], how often it occurs in the lines with their line ends.
        lossless_lines: how many lines decoding gives back.
    """

    covered: I64
    counts: I64
    counts_with_line_ends: I64
    lossless_lines: int


class ShardTotals(NamedTuple):
    """The totals of a part of the text.

    Args:
        size: the size of the part in its files, in bytes.
        text: the totals of the text.
        models: the totals of each model.
    """

    size: int
    text: TextTotals
    models: Sequence[ModelTotals]


def added(one: AnyTotals, other: AnyTotals) -> AnyTotals:
    """Return the sum of two totals."""
    return type(one)(*map(add, one, other))
