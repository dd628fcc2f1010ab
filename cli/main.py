"""The command `bytepiece`: finds the command asked for, and turns every error into one line."""

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

import click

import bytepiece
from bytepiece.errors import BytepieceError

from . import signals
from .streams import abandon, say

# In the order in which they are used.
_COMMANDS = (
    "train",
    "encode",
    "decode",
    "info",
    "eval",
    "audit",
    "extend",
    "merge",
    "prune",
    "convert",
)

_SIGPIPE_EXIT = 128 + 13
"""What the shell reports for a program that wrote to a pipe nobody reads."""


class _Commands(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            command: click.Command = import_module(f".{cmd_name}", __package__).command
            return command
        if not ctx.resilient_parsing:
            ctx.fail(f"there is no command {cmd_name!r}; there are {', '.join(_COMMANDS)}")
        return None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _leave(ctx)
        except BrokenPipeError:  # whoever read our output has had enough
            ctx.exit(_SIGPIPE_EXIT)
        except (BytepieceError, OSError, MemoryError) as error:
            raise click.ClickException(_one_line(error)) from None
        except Exception:
            if signals.interrupted():  # a compiler that was interrupted fails in its own ways
                _leave(ctx)
            raise


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(bytepiece.__version__, prog_name="bytepiece", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Train byte-level Unigram tokenizers, and encode, sample and decode text with them.

    \b
    Examples:
      bytepiece train corpus.txt                     # -> bytepiece.model
      echo "some text" | bytepiece encode
      echo "some text" | bytepiece encode --sample --format pieces
      bytepiece encode corpus.txt | bytepiece decode

    `bytepiece COMMAND --help` tells more about a command.
    """  # noqa: D301
    ctx.with_resource(_notices())


def main() -> None:
    """Run the command line as a program of its own."""
    signals.catch()
    # Imports and models make a million objects that stay: looking through them for garbage again
    # and again takes a sixth of the time to the first token.
    gc.set_threshold(100_000)
    try:
        cli()
    except OSError as error:  # not even the help could be written
        abandon(sys.stdout)
        say(f"Error: {_one_line(error)}")
        sys.exit(1)


def _leave(ctx: click.Context) -> NoReturn:
    say("Interrupted")
    ctx.exit(signals.exit_code())


def _one_line(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, OSError) and error.strerror:
        place = f"{click.format_filename(error.filename)}: " if error.filename is not None else ""
        return f"{place}{error.strerror}"
    return " ".join(str(error).splitlines())


@contextmanager
def _notices() -> Iterator[None]:
    """Shows what the library logs."""
    logger, handler = logging.getLogger("bytepiece"), _Notices()
    # What a meter shows.
    handler.addFilter(lambda record: record.name != "bytepiece.training.progress")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Notices(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(f"bytepiece: {record.getMessage()}")
