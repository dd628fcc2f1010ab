"""A corpus in files: which files it has, what each holds, and how much it counts."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from io import BufferedReader
from pathlib import Path
from typing import Literal, NamedTuple, SupportsFloat

from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs import parquet, texts
from bytepiece.inputs.balance import (
    MOST_GROUPS,
    Balance,
    balanced_steps,
    exponent_of,
    factors_of,
)
from bytepiece.inputs.decompress import compression_of, head_of, opened, suffix_of
from bytepiece.inputs.globs import files_of
from bytepiece.inputs.lines import opened_between
from bytepiece.inputs.records import DEFAULT_FIELD, SUFFIX
from bytepiece.inputs.weights import STEPS, steps_of, unit_of
from bytepiece.rules.text import Text, to_bytes

_MODEL = re.compile(rb'{"format":"bytepiece"|{"[0-9A-Za-z+/]+=*":\[[0-9]+,"')

Format = Literal["text", "jsonl", "tsv", "parquet"]


class Input(NamedTuple):
    """A file to read.

    Args:
        path: a regular file.
        format: the format of the decompressed content.
        number: the place of the path that it was found by in `Files.paths`.
        packed: whether it is compressed.
    """

    path: Path
    format: Format
    number: int
    packed: bool


class Part(NamedTuple):
    """A part of a file, which is read by itself.

    Args:
        file: the file.
        start: the first byte, or the first row group of a Parquet file. Within a file of lines, the
            part begins where the next line begins; see `bytepiece.inputs.lines`.
        stop: the end in the same sense; None for the end of the file.
    """

    file: Input
    start: int
    stop: int | None


class GroupedText(NamedTuple):
    """A text of a file.

    Args:
        text: the text.
        times: how often it counts in its file.
        number: the number of its file's path; see `Input`.
        group: the name of the group that a field of its record gives, or None.
    """

    text: Text
    times: int
    number: int
    group: str | None


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
        given = list(paths)
        if "" in given:  # as a path, it would be the current directory
            raise ArgumentError("a path is empty; give the name of a file or of a directory")
        self.paths = tuple(map(Path, given))
        self.jsonl_field = jsonl_field
        self.parquet_column = parquet_column
        steps = [STEPS] * len(self.paths) if weights is None else list(map(steps_of, weights))
        if len(steps) != len(self.paths):
            raise ArgumentError(f"{len(steps)} weights for {len(self.paths)} paths")
        self.weights = tuple(number / STEPS for number in steps)
        """The weight of each path: how often an occurrence counts."""
        self.balance: Balance | None = None
        """How groups of texts are balanced, if they are; see `balanced`."""
        self._set_units({(number, None): one for number, one in enumerate(steps)})

    def _set_units(self, steps: Mapping[tuple[int, str | None], int]) -> None:
        """Set the weights in steps, by the numbers of the texts' paths and their groups."""
        self.unit = unit_of(steps.values())
        """How many units make a weight of 1. Texts are counted in units."""
        self._units = {key: number * self.unit // STEPS for key, number in steps.items()}

    def balanced(
        self,
        exponent: SupportsFloat,
        by: str | None = None,
        *,
        progress: Callable[[str, int, int], object] = lambda *_: None,
    ) -> "Files":
        """Return the same files with weights that make the shares of groups more equal.

        A group that has the share p of the bytes of text gets a share in proportion to p^exponent.
        The size of the whole corpus stays the same. The files are read once, to measure the groups.
        The weights that the files have already are multiplied with those of the groups.

        Args:
            exponent: 0…1; 0 makes all groups equally large, 1 changes nothing.
            by: the field of JSON records, and the column of Parquet files, that names the group of
                each text. None: each path is a group.
            progress: called as progress("measuring", done, total), in bytes of the files.

        Raises:
            ArgumentError: if the exponent is not a number in 0…1, or there is only one path.
            CorpusError: if a file cannot be read, or a text has no group.

        >>> files = Files(["data/sample.txt", "data/README.md"]).balanced(0.3)
        >>> files.weights[0] < 1 < files.weights[1]  # the second file is shorter
        True
        """
        exponent = exponent_of(exponent)
        if self.balance is not None:
            raise ArgumentError("these files are balanced already; balance the files as given")
        if by is None and len(self.paths) < 2:
            raise ArgumentError(
                "a single path is a single group, with nothing to balance; give one path for each "
                "group, or name the field of the records that tells the groups"
            )
        done, total = 0, self.size

        def advance(size: int) -> None:
            nonlocal done
            done += size
            progress("measuring", done, total)

        measured: Counter[tuple[int, str | None]] = Counter()
        for text, times, number, group in self._texts(by, advance):
            measured[number, group] += len(to_bytes(text)) * times
        sizes: Counter[int | str | None] = Counter()
        for (number, group), size in measured.items():
            sizes[number if by is None else group] += size
        if by is not None and len(sizes) > MOST_GROUPS:
            raise CorpusError(
                f'the field "{by}" names {len(sizes)} groups, and {MOST_GROUPS} are the most; '
                "name a field that has one value for each language or source"
            )
        factors = factors_of(sizes, exponent)
        steps = {
            (number, group): balanced_steps(
                self.weights[number], factors[number if by is None else group]
            )
            for number, group in measured
        }
        files = copy(self)
        files._set_units(steps)
        weights: dict[str, float] = {}
        if by is None:
            weight_of = {number: one / STEPS for (number, _), one in steps.items()}
            files.weights = tuple(weight_of.get(i, one) for i, one in enumerate(self.weights))
        else:
            weights = {str(name): balanced_steps(1, one) / STEPS for name, one in factors.items()}
        files.balance = Balance(exponent, by, weights)
        return files

    def absolute(self) -> "Files":
        """Return the same files with absolute paths, for other working directories."""
        files = copy(self)
        files.paths = tuple(path.absolute() for path in self.paths)
        return files

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
        for number, (path, weight) in enumerate(zip(self.paths, self.weights, strict=True)):
            try:
                found = path.is_dir()
                for file in files_of(path):
                    if weight:
                        kind, packed = _format(file, self.jsonl_field, found)
                        inputs.append(Input(file, kind, number, packed))
            except OSError as error:
                raise CorpusError(f"{error.filename or path}: {error.strerror}") from None
        return inputs

    def __iter__(self) -> Iterator[Text]:
        for text, _ in self.weighted():
            yield text

    def weighted(
        self, parts: Iterable[Part] | None = None, advance: Callable[[int], object] = lambda _: None
    ) -> Iterator[tuple[Text, int]]:
        """Yield the texts, and how many units each counts, at least 1.

        Args:
            parts: the parts of files to read; by default, all files.
            advance: called at each read with the number of bytes read from the files.

        Raises:
            CorpusError: if a file cannot be read. The message names the file and the record.
        """
        by = None if self.balance is None else self.balance.by
        for text, times, number, group in self._texts(by, advance, parts):
            units = self._units.get((number, group))
            if units is None:
                raise CorpusError(
                    f"{self.paths[number]}: the corpus changed after its groups were measured; "
                    "measure them again"
                )
            yield text, times * units

    def _texts(
        self,
        by: str | None,
        advance: Callable[[int], object],
        parts: Iterable[Part] | None = None,
    ) -> Iterator[GroupedText]:
        """Yield the texts with the groups that the field `by` of their records gives them."""
        if parts is None:
            parts = (Part(file, 0, None) for file in self.inputs())
        for part in parts:
            path, kind, number, _ = part.file
            if by is not None and kind in ("text", "tsv"):
                raise CorpusError(
                    f'{path} has no field "{by}", because it has no records; without a field, '
                    "each path is a group"
                )
            if kind == "parquet":
                column = parquet.TextColumn(path, self.parquet_column, part.start, part.stop)
                for row, group in column.texts(by, texts.LONGEST_RECORD, advance):
                    yield GroupedText(row, 1, number, group)
                continue
            with opened_part(part, advance) as file:
                lines = texts.NamedLines(file, path, part.start)
                if kind == "jsonl":
                    field = self.jsonl_field or DEFAULT_FIELD
                    for record, group in texts.records(lines, field, by):
                        yield GroupedText(record, 1, number, group)
                elif kind == "tsv":
                    for line, count in texts.counted(lines):
                        yield GroupedText(line, count, number, None)
                else:
                    for stretch in texts.stretches(file):
                        yield GroupedText(stretch, 1, number, None)


def opened_part(
    part: Part, advance: Callable[[int], object] = lambda _: None
) -> AbstractContextManager[BufferedReader]:
    """Open a part of a file of lines; `advance` is called with the bytes of each read."""
    if part.start or part.stop is not None:
        return opened_between(part.file.path, part.start, part.stop, advance)
    return opened(part.file.path, advance)


def _format(path: Path, jsonl_field: str | None, found: bool) -> tuple[Format, bool]:
    """Return the format of a file, and whether it is compressed.

    Args:
        path: the file.
        jsonl_field: if given, the file holds records, unless it is Parquet.
        found: whether the file was found in a directory, and not named by the user. Then it is
            read only if it looks like text.

    Raises:
        CorpusError: if it holds something else.
    """
    head, packed = head_of(path)
    kind = _archive(head)
    if packed and (compression_of(head) or head.startswith(parquet.MAGIC)):
        kind = kind or "compressed twice"
    if kind:
        raise CorpusError(f"{path} is {kind}; unpack it first, and name what is in it")
    suffix = suffix_of(path)
    if parquet.is_parquet(head, suffix):
        return "parquet", packed
    # Training accepts a file of arbitrary bytes, but only if the user has named the file.
    promised = suffix == ".parquet" or (path.suffix != suffix and not packed)
    if b"\0" in head and (found or promised):
        what = "not what its name says" if promised else "a binary file, not text"
        raise CorpusError(f"{path} is {what}; move it elsewhere, or name the files that are meant")
    if found and _is_model(head):
        raise CorpusError(f"{path} is a model, not text; move it elsewhere, or name the files")
    if jsonl_field is not None or suffix == SUFFIX:
        return "jsonl", packed
    return "tsv" if suffix == ".tsv" else "text", packed


def _archive(head: bytes) -> str | None:
    """Return the kind of an archive by its first bytes, or None."""
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive"
    return "a tar archive" if head[257:262] == b"ustar" else None


def _is_model(head: bytes) -> bool:
    """Return whether a file begins like our models or the original's, which look like text."""
    return _MODEL.match(b"".join(head[:999].split())) is not None
