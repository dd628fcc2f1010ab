"""The corpus of a command that learns from text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from bytepiece.errors import CheckpointError
from bytepiece.inputs.files import Files

from .spool import is_stream, spooled
from .streams import say
from .weighted import weighted


class CorpusInputs:
    """The inputs of a corpus as the command line names them, with their weights.

    Args:
        inputs: arguments of the form PATH or PATH:WEIGHT.
        jsonl: the field that holds the text in each record; see `bytepiece.Files`.
        column: the column that holds the text in Parquet files.
    """

    def __init__(self, inputs: Sequence[str], jsonl: str | None, column: str) -> None:
        self._inputs = [weighted(argument) for argument in inputs]
        self._jsonl = jsonl
        self._column = column

    def files(self) -> list[Path]:
        """Return the files of all inputs except streams. Each file is opened and checked."""
        lasting = [one.path for one in self._inputs if not is_stream(one.path)]
        return [file.path for file in Files(lasting, self._jsonl).inputs()]

    @contextmanager
    def opened(self, temp_dir: Path | None) -> Iterator[Files]:
        """Yield all inputs; copies of streams stay in temporary files until the end.

        Args:
            temp_dir: the directory for the copies; default: the system's.
        """
        with spooled([one.path for one in self._inputs], temp_dir) as paths:
            yield Files(
                paths,
                self._jsonl,
                parquet_column=self._column,
                weights=[one.weight for one in self._inputs],
            )


def clear_checkpoint(directory: Path) -> None:
    """Delete the checkpoint of a run whose models are written."""
    from bytepiece.training.checkpoint import clear  # noqa: PLC0415  # it loads NumPy

    try:
        clear(directory)
    except CheckpointError:  # the models are written, so this is no failure
        name = click.format_filename(directory)
        say(f"bytepiece: {name} is no longer needed, but cannot be deleted")
