"""The program `bytepiece`: it runs a command and turns every error into one line."""

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

import click

import bytepiece
from bytepiece.errors import BytepieceError

from . import limits, signals
from .arguments import with_options
from .streams import abandon, say

# The commands, in the order in which users need them.
_COMMANDS = (
    "train",
    "encode",
    "decode",
    "info",
    "explain",
    "play",
    "eval",
    "audit",
    "extend",
    "merge",
    "prune",
    "convert",
    "score",
    "warmup",
)

_SIGPIPE_EXIT = 128 + 13
"""The exit code that shells expect of a program whose output pipe was closed."""


class _CommandGroup(click.Group):
    """A group that imports a command only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            command: click.Command = import_module(f".{cmd_name}", __package__).command
            return command
        if not ctx.resilient_parsing:
            ctx.fail(f"there is no command {cmd_name!r}; the commands are {', '.join(_COMMANDS)}")
        return None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            limits.check()
            return super().invoke(ctx)
        except click.UsageError as error:
            raise _explained(error) from None
        except KeyboardInterrupt:
            _leave(ctx)
        except BrokenPipeError:  # the reader of the output has stopped
            ctx.exit(_SIGPIPE_EXIT)
        except BytepieceError as error:
            name = ctx.invoked_subcommand
            command = self.get_command(ctx, name) if name else None
            message = _one_line(error)
            shown = with_options(message, command) if command else message
            raise click.ClickException(shown) from None
        except (OSError, MemoryError) as error:
            raise click.ClickException(_one_line(error)) from None
        except Exception as error:
            if limit := limits.explained(error):
                raise click.ClickException(limit) from None
            if signals.interrupted():  # an interrupted compiler raises other errors
                _leave(ctx)
            raise


@click.group(
    cls=_CommandGroup,
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

    `bytepiece COMMAND --help` explains a command.
    """  # noqa: D301
    ctx.with_resource(_log_shown())


def main() -> None:
    """Run the command line as a program."""
    signals.catch()
    # NumPy's OpenBLAS starts a thread for each core, which nothing here uses. If the limits of the
    # process are too small for these threads, OpenBLAS interrupts the program or waits for ever.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports and models make a million lasting objects. With the default threshold, the garbage
    # collector scans them so often that it takes a sixth of the time to the first token.
    gc.set_threshold(100_000)
    try:
        cli()
    except OSError as error:  # the help could not be written
        abandon(sys.stdout)
        say(f"Error: {_one_line(error)}")
        sys.exit(1)


def _leave(ctx: click.Context) -> NoReturn:
    say("Interrupted")
    ctx.exit(signals.exit_code())


def _one_line(error: BaseException) -> str:
    if limit := limits.explained(error):
        return limit
    if isinstance(error, OSError) and error.strerror:
        place = f"{click.format_filename(error.filename)}: " if error.filename is not None else ""
        return f"{place}{error.strerror}"
    return " ".join(str(error).splitlines())


def _explained(error: click.UsageError) -> click.UsageError:
    """Return the error, with a hint if a text is not in quotes or an option got two values."""
    params = error.ctx.command.params if error.ctx else []
    repeated = [p.opts[0] for p in params if isinstance(p, click.Option) and p.multiple]
    if "unexpected extra argument" in error.message and repeated:
        hint = f"{repeated[0]} takes one value, so repeat it for each value"
        if any(p.name == "text" for p in params):
            hint = f"put a text with spaces into quotes; name a model with -m; {hint}"
        return click.UsageError(f"{error.message}; {hint}", error.ctx)
    return error


@contextmanager
def _log_shown() -> Iterator[None]:
    """Show the messages that the library logs."""
    logger, handler = logging.getLogger("bytepiece"), _LogHandler()
    # Progress lines already show what this logger reports.
    handler.addFilter(lambda record: record.name != "bytepiece.training.progress")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _LogHandler(logging.Handler):
    """Writes each message as a line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"bytepiece: {record.getMessage()}")
