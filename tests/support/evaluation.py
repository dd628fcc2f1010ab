"""What the tests of evaluation share."""

from collections import Counter
from fractions import Fraction

from bytepiece.evaluation.scripts import script_of

TEXT = "the hat\n\nthe cat sat, the 7 cats\nэто 今天天气 the Москва\n\n\nno end"
LINES = [line for line in TEXT.encode().split(b"\n") if line]


def characters(text):
    """Each character's bytes and script; a stray byte is a character."""
    found = []
    for char in text.decode("utf-8", "surrogateescape"):
        script = script_of(char)
        if script is None:
            script = found[-1][1] if found else "Common"
        found.append((char.encode("utf-8", "surrogateescape"), script))
    return found


def shares(rows):
    """Tokens by script: of a token of n bytes, each byte counts 1/n."""
    tokens = Counter()
    for row in rows:
        scripts = [s for raw, s in characters(b"".join(row)) for _ in raw]
        at = 0
        for piece in row:
            for script in scripts[at : at + len(piece)]:
                tokens[script] += Fraction(1, len(piece))
            at += len(piece)
    return tokens
