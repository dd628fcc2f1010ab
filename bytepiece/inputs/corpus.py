"""The kinds of corpora."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import NormalizationStep

Corpus = str | os.PathLike[str] | Iterable[Text]
"""A path, `Files`, or any iterable of texts."""


def text_bytes(text: Text, normalization: Sequence[NormalizationStep] = ()) -> bytes:
    """Return the normalized bytes of a text of a corpus.

    Raises:
        CorpusError: if it is not a text.
    """
    try:
        return to_bytes(text, normalization)
    except ArgumentError as error:
        raise CorpusError(f"in the corpus, {error}") from None


def are_files(corpus: Iterable[Text]) -> bool:
    """Return whether all items of a list name files, as in calls of other libraries' trainers."""
    if not isinstance(corpus, (list, tuple)) or not corpus or len(corpus) > 1000:
        return False
    return all(isinstance(c, os.PathLike) or (isinstance(c, str) and _is_file(c)) for c in corpus)


def _is_file(text: str) -> bool:
    try:
        return len(text) < 1000 and Path(text).is_file()
    except (OSError, ValueError):  # not a name that a file can have
        return False
