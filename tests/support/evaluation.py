"""Texts and slow twins for the tests of evaluation."""

from collections import Counter
from fractions import Fraction

from bytepiece.evaluation.scripts import script_of

TEXT = "the hat\n\nthe cat sat, the 7 cats\nэто 今天天气 the Москва\n\n\nno end"
LINES = [line for line in TEXT.encode().split(b"\n") if line]


def characters(text):
    """Return each character's bytes and script. A byte that is not UTF-8 is a character."""
    found = []
    for char in text.decode("utf-8", "surrogateescape"):
        script = script_of(char)
        if script is None:
            script = found[-1][1] if found else "Common"
        found.append((char.encode("utf-8", "surrogateescape"), script))
    return found


def shares(rows):
    """Return the tokens of each script. A token of n bytes gives each of its bytes 1/n of a token.

    Args:
        rows: for each line, its pieces.
    """
    tokens = Counter()
    for row in rows:
        script_of_byte = [s for raw, s in characters(b"".join(row)) for _ in raw]
        start = 0
        for piece in row:
            for script in script_of_byte[start : start + len(piece)]:
                tokens[script] += Fraction(1, len(piece))
            start += len(piece)
    return tokens
