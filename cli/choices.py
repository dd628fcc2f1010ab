"""What can be chosen about training: options of the command line, and what they are about."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from bytepiece.errors import ArgumentError
from bytepiece.training.memory import bytes_of

F = TypeVar("F", bound=Callable[..., Any])


def _size_in_bytes(_: click.Context, parameter: click.Parameter, size: str | None) -> int | None:
    """The bytes of a size such as 2G."""
    if size is None:
        return None
    try:
        return bytes_of(size)
    except ArgumentError as error:
        raise click.BadParameter(str(error), param=parameter) from None


memory_option = click.option(
    "--memory",
    metavar="SIZE",
    callback=_size_in_bytes,
    show_default="a quarter of the machine's",
    help="How much memory to take, about, such as 2G; from 512M on it is kept to. Of a corpus too "
    "large for it, pieces are found in a sample.",
)

_ABOUT = {
    "em": ("objective", "newlines", "within_words"),
    "bnlm": ("order", "min_count"),
}
"""What is of use to one algorithm only."""

_CHOICES = (
    click.option(
        "--algorithm",
        type=click.Choice(["em", "bnlm"]),
        default="em",
        show_default=True,
        help="em joins neighbouring pieces, and compresses best; bnlm is the original library's.",
    ),
    click.option(
        "--objective",
        type=click.Choice(["compression", "likelihood"]),
        default="compression",
        show_default=True,
        help="em: what scores are made for, few tokens or frequencies.",
    ),
    click.option(
        "--newlines",
        type=click.Choice(["apart", "end"]),
        default="apart",
        show_default=True,
        help="em: whether newlines have pieces of their own, or may end pieces.",
    ),
    click.option(
        "--within-words",
        is_flag=True,
        help="em: let spaces stand at the beginning of pieces only.",
    ),
    click.option(
        "--order",
        type=click.IntRange(2, 7),
        default=6,
        show_default=True,
        help="bnlm: the length of the byte n-grams that are counted.",
    ),
    click.option(
        "--min-count",
        type=click.IntRange(min=1),
        default=2,
        show_default=True,
        help="bnlm: drop n-grams and pieces that are rarer.",
    ),
    click.option(
        "--ensure-unicode/--no-ensure-unicode",
        default=None,
        show_default="yes with bnlm, no with em",
        help="Make no pieces of parts of characters, apart from the 256 single bytes. "
        "SentencePiece's format needs it; with em it costs a little compression.",
    ),
    click.option(
        "--max-piece-length",
        type=click.IntRange(1, 1024),
        default=36,
        show_default=True,
        help="Make no pieces that are longer, in bytes.",
    ),
    click.option(
        "--isolate-digits", is_flag=True, help="Make every decimal digit a token by itself."
    ),
    click.option(
        "--user-piece",
        "user_pieces",
        metavar="TEXT",
        multiple=True,
        help="A piece that comes into the vocabulary however rare it is; may be given several "
        "times.",
    ),
    click.option(
        "--required-chars",
        metavar="CHARS",
        default="",
        help="Characters that come into the vocabulary however rare they are.",
    ),
    click.option(
        "--special-token",
        "special_tokens",
        metavar="NAME",
        multiple=True,
        help="A token that stands for no text, beside <pad>, <bos> and <eos>; may be given several "
        "times.",
    ),
    click.option(
        "--reserved",
        type=click.IntRange(0, 2**15),
        default=0,
        show_default=True,
        help="Keep so many special tokens free for later use.",
    ),
    click.option(
        "--pad-to-multiple",
        type=click.IntRange(1, 2**15),
        default=1,
        show_default=True,
        help="Make the size of the model a multiple of this, by special tokens at its end.",
    ),
)


def training_choices(command: F) -> F:
    """Options of `bytepiece.train` that say which vocabulary is learned, and how."""

    @wraps(command)
    def wrapped(*, algorithm: str, **others: Any) -> Any:
        ctx = click.get_current_context()
        for known, names in _ABOUT.items():
            for name in names if known != algorithm else ():
                if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
                    option = name.replace("_", "-")
                    raise click.UsageError(f"--{option} is about --algorithm {known}; add that")
        return command(algorithm=algorithm, **others)

    for option in reversed(_CHOICES):
        option(wrapped)
    return wrapped  # type: ignore[return-value]
