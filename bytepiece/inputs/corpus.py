"""The kinds of corpora."""

import os
from collections.abc import Iterable
from pathlib import Path

from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs.arrow import Column, chunked, is_arrow
from bytepiece.inputs.files import Files
from bytepiece.inputs.series import is_series
from bytepiece.rules.text import Text

Corpus = str | os.PathLike[str] | Iterable[Text]
"""A path, `Files`, or any series of texts: an iterable of texts or a column of Arrow."""


def source_of(corpus: Corpus) -> Iterable[Text]:
    """Return a corpus as `Files`, as a `Column`, or as the iterable of texts that it is.

    Raises:
        ArgumentError: if it is none of these.
        CorpusError: if it is a list of files' names.
    """
    if isinstance(corpus, (str, os.PathLike)):
        return Files([corpus])
    if not is_series(corpus):
        raise ArgumentError(
            "the corpus must be a path, or a list or other series of texts, not "
            f"{type(corpus).__name__}"
        )
    if is_arrow(corpus):
        return Column(chunked(corpus))
    if _are_files(corpus):
        raise CorpusError("these texts are names of files; bytepiece.Files([...]) reads files")
    return corpus


def files_for_workers(corpus: Corpus) -> Files:
    """Return a corpus in files for workers with other working directories.

    Raises:
        ArgumentError: if the corpus is not `Files`.
    """
    if not isinstance(corpus, Files):
        raise ArgumentError("workers read the corpus themselves; give it as files")
    return corpus.absolute()


def _are_files(corpus: Iterable[Text]) -> bool:
    """Return whether all items of a list name files, as in calls of other libraries' trainers."""
    if not isinstance(corpus, (list, tuple)) or not corpus or len(corpus) > 1000:
        return False
    return all(isinstance(c, os.PathLike) or (isinstance(c, str) and _is_file(c)) for c in corpus)


def _is_file(text: str) -> bool:
    try:
        return len(text) < 1000 and Path(text).is_file()
    except (OSError, ValueError):  # not a name that a file can have
        return False
