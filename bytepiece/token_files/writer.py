"""Writing token files in constant memory; a run that was killed can be resumed."""

import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bytepiece._checks import check_whole, plain
from bytepiece._files import delete, naming, replacing, write_atomically
from bytepiece.encoding.encoded import Encoded
from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.token_files.layouts import LAYOUTS, Layout, LayoutFiles, smallest_type

_INTERVAL = 10.0
"""The largest number of seconds of work that a kill may cost."""
_FORMAT = "bytepiece token files, unfinished"
_LONGEST_JOURNAL = 1 << 20
"""The largest number of bytes of a journal that are read."""


class TokenFileWriter:
    """Writes token files in constant memory; use it in a `with` statement.

    The files get their names at the end of the statement, the index last. After an exception or a
    kill the unfinished files stay, and a writer with `resume` continues them. An exception before
    the first document leaves no files. Only one process may write to a prefix at a time.

    Args:
        prefix: the beginning of the files' names.
        vocab_size: all ids are below this number.
        layout: "megatron", "npy", "raw", "llmc" or "datatrove".
        run: everything that the ids depend on, in JSON types, such as the model's fingerprint and
            the arguments of `encode_batch`. A writer that resumes must get the same value.
        resume: continue unfinished files, if there are any.

    Raises:
        ArgumentError: if an argument is outside its range.
        TokenFileError: if unfinished files are damaged, belong to another run, or exist while
            `resume` is False.
        OSError: if the files cannot be written.

    >>> import tempfile, bytepiece
    >>> from bytepiece.token_files import TokenFile
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["to be or not to be"] * 9, 270))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     with TokenFileWriter(f"{directory}/corpus", tok.vocab_size) as writer:
    ...         writer.append(tok.encode_batch(["to be", "or not"]))
    ...     tok.decode_batch(TokenFile(f"{directory}/corpus"))
    ['to be', 'or not']
    """

    def __init__(
        self,
        prefix: str | os.PathLike[str],
        vocab_size: int,
        layout: Layout = "megatron",
        *,
        run: Mapping[str, Any] | None = None,
        resume: bool = False,
    ) -> None:
        self._files = LayoutFiles.of(prefix, layout)
        self._vocab_size = check_whole(vocab_size, "vocab_size", 1)
        self._type = smallest_type(self._vocab_size, layout)
        self._head = len(self._files.rule.head(self._type, 0))
        given = json.loads(json.dumps(plain(dict(run or {}))))
        self._run = {"layout": layout, "ids": self._type.name, **given}
        self.documents = 0
        """The number of documents appended so far, by this run and the runs that it resumes. After
        resuming, skip this number of documents."""
        self.tokens = 0
        """How many ids these documents have together."""
        self._check_names(prefix)
        began = _read_journal(self._files.journal)
        if began is not None and not resume:
            raise TokenFileError(
                f"{self._files.journal}: these files were begun and not finished; resume, "
                "or delete this one to begin anew"
            )
        try:
            self._open(began)
        except BaseException:
            if began is None:
                self._delete()
            raise
        self._clear()
        self._synced = time.monotonic()

    def _check_names(self, prefix: str | os.PathLike[str]) -> None:
        """Raise if the ids would replace the ids of an index of another layout."""
        files = self._files
        for other in (LayoutFiles.of(prefix, layout) for layout in LAYOUTS):
            same = other.data == files.data and other.layout != files.layout
            if same and other.places.exists():
                raise TokenFileError(
                    f"{other.places} belongs to {other.data}, which {files.layout} would replace; "
                    "delete both, or give another name"
                )

    def _open(self, began: dict[str, Any] | None) -> None:
        files = self._files
        with ExitStack() as stack:
            mode = "wb" if began is None else "r+b"
            if began is not None:
                self._compare(began["run"])
                self.documents, self.tokens = began["documents"], began["tokens"]
                if files.data.exists() and not files.data_part.exists() and began["complete"]:
                    # The writer was killed after it named the ids and before it named the index.
                    files.places.unlink(missing_ok=True)
                    files.data.replace(files.data_part)
            try:
                self._data = stack.enter_context(files.data_part.open(mode, 0))
                self._ends = stack.enter_context(files.ends_part.open(mode, 0))
            except FileNotFoundError:
                if began is None:
                    raise
                raise self._damaged() from None
            if began is None:
                _write(self._data, bytes(self._head))
                self._sync()
            else:
                self._rewind()
            stack.pop_all()

    def _clear(self) -> None:
        """Delete temporary files that a kill left."""
        files = self._files
        names = "|".join(re.escape(path.name) for path in (files.journal, files.places))
        left = re.compile(rf"\.({names})\.[0-9a-f]{{16}}\.tmp")
        for path in files.journal.parent.iterdir():
            if left.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _compare(self, kept: Mapping[str, Any]) -> None:
        for name in [*self._run, *kept]:
            if kept.get(name) != self._run.get(name):
                was, now = (json.dumps(run.get(name)) for run in (kept, self._run))
                raise TokenFileError(
                    f"{self._files.journal} is of another run, whose {name} was {was:.60}, not "
                    f"{now:.60}; go on with that, or delete it to begin anew"
                )

    def _rewind(self) -> None:
        """Cut off what was written after the last entry of the journal."""
        data_size = self._head + self.tokens * self._type.itemsize
        ends_size = 8 * self.documents
        for file, size in ((self._data, data_size), (self._ends, ends_size)):
            if os.fstat(file.fileno()).st_size < size:
                raise self._damaged()
            file.truncate(size)
        last = 0
        if self.documents:
            self._ends.seek(ends_size - 8)
            last = int.from_bytes(self._ends.read(8), "little")
        if last != self.tokens:
            raise self._damaged()
        self._data.seek(data_size)
        self._ends.seek(ends_size)

    def _damaged(self) -> TokenFileError:
        return TokenFileError(
            f"{self._files.journal} does not fit the files beside it; delete it to begin anew"
        )

    def append(self, rows: Encoded) -> None:
        """Write the ids of more documents.

        Args:
            rows: one row for each document.

        Raises:
            ArgumentError: if an id is not below the size of the vocabulary, or a row is too long.
            OSError: if the ids cannot be written.
        """
        ids, lengths = rows.ids, np.diff(rows.offsets)
        if ids.min(initial=0) < 0 or ids.max(initial=0) >= self._vocab_size:
            raise ArgumentError(f"an id is not in 0…{self._vocab_size - 1}; is this the model?")
        rule, layout = self._files.rule, self._files.layout
        if lengths.max(initial=0) > rule.longest:
            raise ArgumentError(f"a document of more ids than {layout} can hold; use npy or raw")
        if self.tokens + len(ids) > rule.most:
            raise ArgumentError(
                f"more than {rule.most} ids, which {layout} cannot hold; write several prefixes"
            )
        _write(self._data, np.ascontiguousarray(ids, self._type).view(np.uint8))
        _write(self._ends, (rows.offsets[1:] + self.tokens).astype("<i8").tobytes())
        # Both numbers change in one statement, because an interruption between two statements would
        # make the journal wrong.
        self.documents, self.tokens = self.documents + len(rows), self.tokens + len(ids)
        if time.monotonic() - self._synced >= _INTERVAL:
            self._sync()

    def _sync(self, complete: bool = False) -> None:
        """Flush everything to disk, and record in the journal how much is there."""
        for file in (self._data, self._ends):
            with naming(file.name):
                os.fsync(file.fileno())
        counts = {"documents": self.documents, "tokens": self.tokens, "complete": complete}
        entry = json.dumps({"format": _FORMAT, "run": self._run, **counts})
        write_atomically(self._files.journal, [entry.encode()])
        self._synced = time.monotonic()

    def __enter__(self) -> "TokenFileWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._data, self._ends:
            if error is None:
                if head := self._files.rule.head(self._type, self.tokens):
                    self._data.seek(0)
                    _write(self._data, head)
                self._sync(complete=True)
            elif self.documents:
                with suppress(OSError):  # The earlier journal is still valid.
                    self._sync()
        if error is None:
            self._name()
        elif not self.documents:  # There is nothing to resume.
            self._delete()

    def _delete(self) -> None:
        """Delete the unfinished files."""
        delete(self._files.journal, self._files.data_part, self._files.ends_part)

    def _name(self) -> None:
        """Write the index and give the files their names."""
        files = self._files
        with replacing(files.places) as index:
            with files.ends_part.open("rb") as ends:
                index.writelines(files.rule.write_places(ends, self.documents, self._type))
            # An index that already has the name belongs to other ids.
            files.places.unlink(missing_ok=True)
            files.data_part.replace(files.data)
        files.journal.unlink()
        files.ends_part.unlink()


def _read_journal(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_JOURNAL)
    except FileNotFoundError:
        return None
    try:
        entry = json.loads(content)
        counts = entry["documents"], entry["tokens"]
        if (
            entry["format"] == _FORMAT
            and isinstance(entry["run"], dict)
            and all(type(count) is int and count >= 0 for count in counts)
        ):
            return {**entry, "complete": entry["complete"] is True}
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise TokenFileError(f"{path} is damaged, or no journal; delete it to begin anew")


def _write(file: Any, data: Any) -> None:
    """Write all bytes of a bytes-like object to a file without a buffer."""
    rest = memoryview(data)
    with naming(file.name):
        while rest:
            rest = rest[file.write(rest) :]
