"""Parallel text: files of source, tab, translation."""

from pathlib import Path
from typing import NamedTuple

from bytepiece.errors import CorpusError
from bytepiece.inputs.decompress import opened


class Pairs(NamedTuple):
    """Texts and their translations.

    Args:
        sources: the texts.
        targets: their translations.
    """

    sources: list[str]
    targets: list[str]


def pairs_of(path: Path) -> Pairs:
    """Read a file, compressed or not; each line holds a text, a tab, and its translation.

    Raises:
        CorpusError: if a line has another number of tabs, or there is no line.
    """
    with opened(path) as file:
        lines = file.read().decode("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise CorpusError(f"{path}:{number}: write a text, one tab, and its translation")
    if not rows:
        raise CorpusError(f"{path}: there is no line; give a file of pairs")
    return Pairs([row[0] for row in rows], [row[1] for row in rows])
