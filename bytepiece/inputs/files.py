"""A corpus in files: which they are, what each holds, and how much it counts."""

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
    """A file to be read.

    Args:
        path: of a regular file.
        format: what it holds, apart from its compression.
        weight: how many units each of its texts counts; at least 1.
    """

    path: Path
    format: Format
    weight: int


class Files:
    r"""Files of text, read again at every iteration and never whole.

    A text file is one text. In a `.jsonl` file, each record's field is one; in a `.tsv` file, each
    line is a text, a tab, and how often it counts; in a Parquet file, each row of a column is one.
    Files may be compressed with gzip, bzip2, xz or zstd. What shows this, and Parquet, is their
    content; the other formats are told by their names (`a.jsonl.gz`).

    Args:
        paths: of files, of directories, for all the files in them, and patterns such as
            "data/\*\*/\*.txt", in the order in which they are read. In a directory, files come
            sorted by name, and hidden ones are left out.
        jsonl_field: the field that holds the text; given, every file that is not Parquet is read as
            JSON records; None means "text" in files that end in `.jsonl`.
        parquet_column: the column that holds the text in Parquet files.
        weights: how often each occurrence in what a path stands for counts, for each path; 1 for
            all by default. Numbers of at most 1,000,000, rounded to multiples of 0.001; with 0,
            the files are left out.

    Raises:
        ArgumentError: the weights are not such numbers, or not as many as the paths.

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
        """How often an occurrence counts, for each path."""
        self.unit = unit_of(steps)
        """How many units, in which texts are counted, make a weight of 1."""
        self._units = [number * self.unit // STEPS for number in steps]

    @property
    def size(self) -> int:
        """The files' bytes, all together, as they are: compressed, perhaps."""
        return sum(file.path.stat().st_size for file in self.inputs())

    def inputs(self) -> list[Input]:
        """All the files, each looked into.

        Raises:
            CorpusError: one is not there, or holds no text; see `files_of`.
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
        """The texts, and how many units each counts, at least 1.

        Args:
            advance: is told how many bytes of the files were read, each time.

        Raises:
            CorpusError: a file cannot be read; names it, and the record.
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
    """What a file holds.

    Args:
        path: of the file.
        jsonl_field: given, it holds records, unless it is Parquet.
        found: nobody named it, it was found in a directory; so it is read only if it looks like
            text.

    Raises:
        CorpusError: it holds something else.
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
    # Bytes of any kind may be learned from, but not by accident.
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
    """Of which kind an archive that begins so is, if it is one."""
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive"
    return "a tar archive" if head[257:262] == b"ustar" else None


def _is_model(head: bytes) -> bool:
    """Whether a file begins as our models do, or the original library's, which look like text."""
    return _MODEL.match(b"".join(head[:999].split())) is not None
