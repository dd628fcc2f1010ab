"""The text that a command learns from, as it is named at the command line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .spool import comes_once, spooled
from .weighted import weighted

if TYPE_CHECKING:
    from bytepiece.inputs.files import Files


class Corpus:
    """Inputs that may be read several times in the end, and how much each counts.

    Args:
        inputs: PATH or PATH:WEIGHT, as often as there are.
        jsonl: the field of a record that is the text; see `bytepiece.Files`.
        column: of Parquet files.
    """

    def __init__(self, inputs: Sequence[str], jsonl: str | None, column: str) -> None:
        self._inputs = [weighted(one) for one in inputs]
        self._jsonl = jsonl
        self._column = column

    @property
    def lasting(self) -> list[Path]:
        """The paths of what can be read several times as it is."""
        return [one.path for one in self._inputs if not comes_once(one.path)]

    def files(self) -> list[Path]:
        """The files that these stand for, each looked into."""
        from bytepiece.inputs.files import Files  # noqa: PLC0415  # it imports the compiler

        return [file.path for file in Files(self.lasting, self._jsonl).inputs()]

    @contextmanager
    def opened(self, temp_dir: Path | None) -> Iterator["Files"]:
        """All of it, what comes only once being kept in temporary files meanwhile."""
        from bytepiece.inputs.files import Files  # noqa: PLC0415  # it imports the compiler

        with spooled([one.path for one in self._inputs], temp_dir) as paths:
            yield Files(
                paths,
                self._jsonl,
                parquet_column=self._column,
                weights=[one.weight for one in self._inputs],
            )
