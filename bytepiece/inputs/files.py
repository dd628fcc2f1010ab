"""A corpus in files: which files it has, what each holds, and how much it counts."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, SupportsFloat

from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs import parquet, texts
from bytepiece.inputs.decompress import compression_of, decompressed, opened, suffix_of
from bytepiece.inputs.globs import files_of
from bytepiece.inputs.records import DEFAULT_FIELD, SUFFIX
from bytepiece.inputs.weights import STEPS, steps_of, unit_of
from bytepiece.rules.text import Text

_MODEL = re.compile(rb'{"format":"bytepiece"|{"[0-9A-Za-z+/]+=*":\[[0-9]+,"')

Format = Literal["text", "jsonl", "tsv", "parquet"]


class Input(NamedTuple):
    """A file to read.

    Args:
        path: a regular file.
        format: the format of the decompressed content.
        weight: how many units each of its texts counts; at least 1.
    """

    path: Path
    format: Format
    weight: int


class Files:
    r"""Files of text. They are read again at every iteration, and never as a whole.

    A text file is one text. In a `.jsonl` file, one field of each record is a text. In a `.tsv`
    file, each line is a text, a tab, and the number of times that the text counts. In a Parquet
    file, each row of a column is a text. Files may be compressed with gzip, bzip2, xz or zstd. The
    content shows the compression and Parquet; the name shows the other formats (`a.jsonl.gz`).

    Args:
        paths: files, directories (for all files in them), and patterns such as "data/\*\*/\*.txt",
            in the order of reading. The files of a directory are sorted by name, and hidden files
            are left out.
        jsonl_field: the field that holds the text. If given, every file that is not Parquet is read
            as JSON records. None means "text" in files that end in `.jsonl`.
        parquet_column: the column that holds the text in Parquet files.
        weights: a number for each path: how often an occurrence in its files counts, by default 1.
            A weight is at most 1,000,000, and is rounded to a multiple of 0.001. Files with 0 are
            left out.

    Raises:
        ArgumentError: if a weight is not such a number, or if there is not one for each path.

    >>> Files(["data/en.txt", "data/zh.txt"], weights=[1, 2.5]).weights
    (1.0, 2.5)
    """

    def __init__(
        self,
        paths: Iterable[str | os.PathLike[str]],
        jsonl_field: str | None = None,
        *,
        parquet_column: str = DEFAULT_FIELD,
        weights: Sequence[SupportsFloat] | None = None,
    ) -> None:
        if isinstance(paths, (str, os.PathLike)):
            raise ArgumentError("Files takes a list of paths, not a path")
        self.paths = tuple(Path(path) for path in paths)
        self.jsonl_field = jsonl_field
        self.parquet_column = parquet_column
        steps = [STEPS] * len(self.paths) if weights is None else list(map(steps_of, weights))
        if len(steps) != len(self.paths):
            raise ArgumentError(f"{len(steps)} weights for {len(self.paths)} paths")
        self.weights = tuple(number / STEPS for number in steps)
        """The weight of each path: how often an occurrence counts."""
        self.unit = unit_of(steps)
        """How many units make a weight of 1. Texts are counted in units."""
        self._units = [number * self.unit // STEPS for number in steps]

    @property
    def size(self) -> int:
        """The sum of the sizes of the files in bytes, compressed or not."""
        return sum(file.path.stat().st_size for file in self.inputs())

    def inputs(self) -> list[Input]:
        """Return all files. The beginning of each file shows its format.

        Raises:
            CorpusError: if a file does not exist or holds no text; see `files_of`.
        """
        inputs = []
        for path, weight in zip(self.paths, self._units, strict=True):
            try:
                found = path.is_dir()
                for file in files_of(path):
                    if weight:
                        inputs.append(Input(file, _format(file, self.jsonl_field, found), weight))
            except OSError as error:
                raise CorpusError(f"{error.filename or path}: {error.strerror}") from None
        return inputs

    def __iter__(self) -> Iterator[Text]:
        for text, _ in self.weighted():
            yield text

    def weighted(
        self, advance: Callable[[int], object] = lambda _: None
    ) -> Iterator[tuple[Text, int]]:
        """Yield the texts, and how many units each counts, at least 1.

        Args:
            advance: called at each read with the number of bytes read from the files.

        Raises:
            CorpusError: if a file cannot be read. The message names the file and the record.
        """
        for path, kind, weight in self.inputs():
            if kind == "parquet":
                column = self.parquet_column
                for text in parquet.column_texts(path, column, texts.LONGEST_RECORD, advance):
                    yield text, weight
                continue
            with opened(path, advance) as file:
                if kind == "jsonl":
                    field = self.jsonl_field or DEFAULT_FIELD
                    for record in texts.records(file, str(path), field):
                        yield record, weight
                elif kind == "tsv":
                    for line, count in texts.counted(file, str(path)):
                        yield line, count * weight
                else:
                    for stretch in texts.stretches(file):
                        yield stretch, weight


def _format(path: Path, jsonl_field: str | None, found: bool) -> Format:
    """Return the format of a file.

    Args:
        path: the file.
        jsonl_field: if given, the file holds records, unless it is Parquet.
        found: whether the file was found in a directory, and not named by the user. Then it is
            read only if it looks like text.

    Raises:
        CorpusError: if it holds something else.
    """
    with path.open("rb") as file:
        packed = compression_of(file.peek(10)) is not None
        head = decompressed(file, str(path)).peek(1)
    kind = _archive(head)
    if packed and (compression_of(head) or head.startswith(parquet.MAGIC)):
        kind = kind or "compressed twice"
    if kind:
        raise CorpusError(f"{path} is {kind}; unpack it first, and name what is in it")
    suffix = suffix_of(path)
    if parquet.is_parquet(head, suffix):
        return "parquet"
    # Training accepts a file of arbitrary bytes, but only if the user has named the file.
    promised = suffix == ".parquet" or (path.suffix != suffix and not packed)
    if b"\0" in head and (found or promised):
        what = "not what its name says" if promised else "a binary file, not text"
        raise CorpusError(f"{path} is {what}; move it elsewhere, or name the files that are meant")
    if found and _is_model(head):
        raise CorpusError(f"{path} is a model, not text; move it elsewhere, or name the files")
    if jsonl_field is not None or suffix == SUFFIX:
        return "jsonl"
    return "tsv" if suffix == ".tsv" else "text"


def _archive(head: bytes) -> str | None:
    """Return the kind of an archive by its first bytes, or None."""
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive"
    return "a tar archive" if head[257:262] == b"ustar" else None


def _is_model(head: bytes) -> bool:
    """Return whether a file begins like our models or the original's, which look like text."""
    return _MODEL.match(b"".join(head[:999].split())) is not None
