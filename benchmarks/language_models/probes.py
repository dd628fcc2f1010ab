"""Texts that show more than the loss on clean text: other kinds, noise before clean text, cuts."""

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.language_models.texts import documents_of
from benchmarks.support import kinds

_SHORTEST, _LONGEST = 60, 400
_WORDS = 8


class Probe(NamedTuple):
    """A text, and the byte from which on its bits count.

    Args:
        text: the text.
        start: the number of bytes that are only read.
    """

    text: str
    start: int = 0


def other_kinds(size: int, total: int) -> dict[str, list[Probe]]:
    """Return documents of kinds that need no file.

    Args:
        size: the largest number of bytes of a document.
        total: the largest number of bytes of a kind.
    """
    texts = {"logs": kinds.logs(total, 1), "source code": kinds.source_code(20 * total)}
    return {
        name: [Probe(document) for document in documents_of(lines, size, total)]
        for name, lines in texts.items()
    }


def noisy(lines: Sequence[str], count: int) -> dict[str, list[Probe]]:
    """Return lines whose first half is noisy and whose second half is clean and counts.

    Args:
        lines: the clean text. Lines of 60 to 400 bytes with 8 words or more are taken.
        count: the largest number of lines, evenly spread.
    """
    fit = [
        line
        for line in lines
        if _SHORTEST <= len(line.encode()) <= _LONGEST and line.count(" ") >= _WORDS
    ]
    fit = fit[:: -(-len(fit) // count)] if fit else []
    found = {}
    for name, noise in NOISES.items():
        draw = random.Random(0)
        found[f"after {name}"] = [_probe(line, noise, draw) for line in fit]
    return found


def _probe(line: str, noise: Callable[[str, random.Random], str], draw: random.Random) -> Probe:
    """Return a line with a noisy first half.

    The last word of the first half stays clean: the token at the border may hold a part of it.
    """
    words = line.split(" ")
    half = len(words) // 2
    before = " ".join(words[: half - 1])
    between, after = f" {words[half - 1]}", f" {' '.join(words[half:])}"
    before = noise(before, draw) + between
    return Probe(before + after, len(before.encode()))


def unchanged(text: str, draw: random.Random) -> str:
    """Return the text."""
    return text


def typos(text: str, draw: random.Random) -> str:
    """Return a text with a mistake in one word of three: a letter is lost, doubled or moved."""
    return " ".join(_mistyped(word, draw) for word in text.split(" "))


def _mistyped(word: str, draw: random.Random) -> str:
    if len(word) < 3 or draw.random() > 1 / 3:
        return word
    place = draw.randrange(len(word) - 1)
    kept = word[place]
    instead = draw.choice(["", kept * 2, word[place + 1] + kept])
    return word[:place] + instead + word[place + max(1, len(instead) - (instead == kept * 2)) :]


def changed_case(text: str, draw: random.Random) -> str:
    """Return a text with one word of two in capitals or, if it had some, without them."""
    words = text.split(" ")
    return " ".join(_other_case(word) if draw.random() < 0.5 else word for word in words)


def _other_case(word: str) -> str:
    return word.upper() if word == word.lower() else word.lower()


def missing_spaces(text: str, draw: random.Random) -> str:
    """Return a text without one space of three."""
    return re.sub(" ", lambda _: "" if draw.random() < 1 / 3 else " ", text)


def doubled_spaces(text: str, draw: random.Random) -> str:
    """Return a text with one space of three doubled."""
    return re.sub(" ", lambda _: "  " if draw.random() < 1 / 3 else " ", text)


NOISES: dict[str, Callable[[str, random.Random], str]] = {
    "clean text": unchanged,
    "typos": typos,
    "changed case": changed_case,
    "missing spaces": missing_spaces,
    "doubled spaces": doubled_spaces,
}
"""By name: returns a noisy text."""
