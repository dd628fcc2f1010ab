"""Options of training on the command line, made from those in `bytepiece.training.options`."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from bytepiece.errors import ArgumentError
from bytepiece.training.memory import bytes_of
from bytepiece.training.options import BY_NAME, FORMER_ALGORITHMS, OPTIONS, TrainingOption

from .options import ANY_BYTES, TEXT
from .streams import say

F = TypeVar("F", bound=Callable[..., Any])

_APART = ("vocab_size", "normalization", "memory", "checkpoint", "temp_dir", "threads", "engine")
"""The options that each command adds itself, because their place or help differs."""
_CHOICES = [option.name for option in OPTIONS if option.name not in _APART]
"""The options that say which vocabulary is learned, and how."""


class _Algorithm(click.Choice):  # type: ignore[type-arg]  # no generic in older releases
    """The name of an algorithm. Former names are accepted with a note."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in FORMER_ALGORITHMS:
            current = FORMER_ALGORITHMS[value]
            say(f"bytepiece: --algorithm {value} is now called {current}; the old name will go")
            value = current
        return super().convert(value, param, ctx)


def _size_in_bytes(_: click.Context, parameter: click.Parameter, size: str | None) -> int | None:
    """Return the number of bytes of a size such as 2G."""
    if size is None:
        return None
    try:
        return bytes_of(size)
    except ArgumentError as error:
        raise click.BadParameter(str(error), param=parameter) from None


def engine_named(name: str | None) -> Any:
    """Return the engine with a name, or None for threads."""
    from bytepiece.engines import RayEngine, SparkEngine  # noqa: PLC0415

    return {"ray": RayEngine, "spark": SparkEngine}[name]() if name in ("ray", "spark") else None


def training_option(name: str, more_help: str = "", **changes: Any) -> Callable[[F], F]:
    """Return the command-line option for an option of training.

    Args:
        name: the name of the option in `bytepiece.training.options`.
        more_help: what only users of the command line need to know.
        changes: arguments of `click.option`, which replace the arguments that this function makes.
    """
    option = BY_NAME[name]
    is_empty = option.default is False or option.default in ((), "", None)
    arguments = {
        "default": option.default,
        "show_default": option.default_help or not is_empty,
        "help": option.full_help + more_help,
        **_TYPES[option.type](option),
        **changes,
    }
    flag = option.command_line
    if arguments.pop("two_flags", False):
        flag += f"/--no-{flag[2:]}"
    return click.option(flag, name, **arguments)


def _number(option: TrainingOption) -> dict[str, Any]:
    return {"type": click.IntRange(option.smallest, None if option.is_open else option.largest)}


def _choice(option: TrainingOption) -> dict[str, Any]:
    kind = _Algorithm if option.name == "algorithm" else click.Choice
    return {"type": kind(option.choices)}


def _bool(option: TrainingOption) -> dict[str, Any]:
    # An option that is neither on nor off by default needs two flags: one for on, one for off.
    return {"two_flags": True} if option.default is None else {"is_flag": True}


_TYPES: dict[str, Callable[[TrainingOption], dict[str, Any]]] = {
    "int": _number,
    "ints": lambda o: {**_number(o), "multiple": True, "default": [o.default]},
    "choice": _choice,
    "choices": lambda o: {**_choice(o), "multiple": True},
    "bool": _bool,
    "text": lambda _: {"metavar": "TEXT", "type": TEXT},
    "texts": lambda o: {
        "metavar": "TEXT",
        "type": ANY_BYTES if o.name == "user_pieces" else TEXT,
        "multiple": True,
    },
    "size": lambda _: {"metavar": "SIZE", "type": TEXT, "callback": _size_in_bytes},
    "path": lambda _: {},
    "engine": lambda _: {
        "type": click.Choice(["threads", "ray", "spark"]),
        "callback": lambda *given: engine_named(given[2]),
    },
}
"""The arguments of `click.option` that follow from the type of an option."""

memory_option = training_option("memory")
engine_option = training_option(
    "engine",
    help="What works on the parts of the files: threads, or workers of a cluster of ray or spark. "
    "The result is the same.",
)
checkpoint_option = training_option(
    "checkpoint",
    " It is deleted when the models are written.",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
)


def training_choices(command: F) -> F:
    """Add the options of `bytepiece.train` that say which vocabulary is learned, and how."""

    @wraps(command)
    def wrapped(*, algorithm: str, **others: Any) -> Any:
        ctx = click.get_current_context()
        for option in OPTIONS:
            if not option.algorithms or algorithm in option.algorithms:
                continue
            if ctx.get_parameter_source(option.name) is not ParameterSource.DEFAULT:
                names = " or ".join(option.algorithms)
                raise click.UsageError(
                    f"{option.command_line} is about --algorithm {names}; add that"
                )
        return command(algorithm=algorithm, **others)

    for name in reversed(_CHOICES):
        several = "texts" in BY_NAME[name].type
        training_option(name, " May be given several times." if several else "")(wrapped)
    return wrapped  # type: ignore[return-value]
