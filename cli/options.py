"""Options that several commands have, and what they stand for."""

import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

import bytepiece

from .streams import say

if TYPE_CHECKING:
    from bytepiece.tokenizer import Tokenizer

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_MODEL = "bytepiece.model"
MODEL_VARIABLE = "BYTEPIECE_MODEL"


class OnCommand(click.Command):
    """A command with an option, --on, that takes several names."""

    spread = "--on"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As always, but after it all names up to the next option are taken, such as * gives."""
        told: list[str] = []
        names = False
        for arg in args:
            if arg.startswith("-") and arg != "-":
                names = arg == self.spread
            elif names and told[-1] != self.spread:
                told.append(self.spread)
            told.append(arg)
        return super().parse_args(ctx, told)


class _Input(click.Path):
    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            if ctx is None or Path(value).exists():
                raise
            hint = f"What is in no file is piped in: echo ... | {ctx.command_path}"
            raise click.BadParameter(f"{error.message} {hint}", ctx, param) from None


files_argument = click.argument(
    "files",
    metavar="[FILE]...",
    nargs=-1,
    type=_Input(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)

model_option = click.option(
    "-m",
    "--model",
    type=click.Path(path_type=Path),
    envvar=MODEL_VARIABLE,
    default=DEFAULT_MODEL,
    show_default=True,
    show_envvar=True,
    help="The model file: of this library, the original one, SentencePiece or Hugging Face.",
)

jsonl_option = click.option(
    "--jsonl",
    metavar="FIELD",
    help="Read all input as JSON lines, and this field of each as the text. "
    'Files that end in .jsonl are read so anyway, with the field "text".',
)

column_option = click.option(
    "--column",
    metavar="NAME",
    default="text",
    show_default=True,
    help="The column of Parquet files that holds the text.",
)

temp_dir_option = click.option(
    "--temp-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    show_default="the system's",
    help="The directory for temporary files.",
)

threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    show_default="all usable cores",
    help="How many threads to use; the result is the same for any number.",
)


def exponent(alpha: float, parameter: click.Parameter | None, hint: str = "") -> float:
    """An alpha that an option may have; says what is wrong with another one, and the hint."""
    if not math.isfinite(alpha) or alpha < 0:
        message = f"{alpha} is not a finite number of at least 0{hint}"
        raise click.BadParameter(message, param=parameter)
    return alpha


class _Alpha(click.ParamType):  # type: ignore[type-arg]  # no generic in older releases
    """A number, or a range of two with a colon between them."""

    name = "number or low:high"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | tuple[float, float]:
        try:
            numbers = [float(part) for part in str(value).split(":")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2):
            self.fail(f"{value!r} is neither a number nor a range such as 0.1:0.5", param, ctx)
        for alpha in numbers:
            exponent(alpha, param, " (without --sample, the best path comes)")
        if numbers[0] > numbers[-1]:
            self.fail(f"the range {value} begins above its end", param, ctx)
        return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _share(_: click.Context, parameter: click.Parameter, share: float) -> float:
    if not 0 <= share <= 1:  # click's own range lets NaN pass
        raise click.BadParameter(f"{share} is not in 0…1", param=parameter)
    return share


_SAMPLING = (
    click.option(
        "--sample", is_flag=True, help="Encode by a random path, drawn anew for each document."
    ),
    click.option(
        "--alpha",
        type=_Alpha(),
        metavar="NUMBER|LOW:HIGH",
        default=0.1,
        show_default=True,
        help="The exponent on a path's probability: 0 makes all paths equally likely, 1 is the "
        "model's own law, larger values come closer to the best path. With 0.1:0.5 each document "
        "has its own, drawn from that range.",
    ),
    click.option(
        "--sample-prob",
        type=float,
        callback=_share,
        default=1.0,
        show_default=True,
        help="The share of documents that are sampled; the others get the best path.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**64 - 1),
        show_default="a fresh one, told on stderr",
        help="The same seed gives the same samples.",
    ),
    click.option(
        "--epoch",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="Other samples with the same seed, such as for each pass over the data.",
    ),
    click.option(
        "--sampler",
        type=click.Choice(["perfect", "nbest", "viterbi"]),
        default="perfect",
        show_default=True,
        help="perfect draws from the exact law; nbest from that law cut down to the best paths of "
        "each line; viterbi, an older algorithm, follows neither. Both are for comparison.",
    ),
    click.option(
        "--nbest-size",
        type=click.IntRange(1, 2**20),
        default=64,
        show_default=True,
        help="How many paths of each line --sampler nbest draws from.",
    ),
)


def sampling_options(command: F) -> F:
    """Options that say how to sample; the command gets `sampling`, arguments for encode_batch."""

    @wraps(command)
    def wrapped(*, sample: bool, **others: Any) -> Any:
        names = ("alpha", "sample_prob", "seed", "epoch", "sampler", "nbest_size")
        given = {name: others.pop(name) for name in names}
        ctx = click.get_current_context()
        chosen = [n for n in names if ctx.get_parameter_source(n) is not ParameterSource.DEFAULT]
        if sample:
            if "nbest_size" in chosen and given["sampler"] != "nbest":
                raise click.UsageError("--nbest-size is about --sampler nbest; add that")
            if given["seed"] is None:
                given["seed"] = secrets.randbits(64)
                say(f"bytepiece: to draw the same samples again, add --seed {given['seed']}")
            return command(sampling=given, **others)
        if chosen:
            name = chosen[0].replace("_", "-")
            raise click.UsageError(f"--{name} is about sampling; add --sample")
        return command(sampling={}, **others)

    for option in reversed(_SAMPLING):
        option(wrapped)
    return wrapped  # type: ignore[return-value]


def load_tokenizer(path: Path) -> "Tokenizer":
    """Load the model that an option names."""
    with missing_model_explained(path):
        return bytepiece.Tokenizer.load(path)


@contextmanager
def missing_model_explained(path: Path) -> Iterator[None]:
    """Tell whoever has no model yet how to come by one."""
    try:
        yield
    except FileNotFoundError:
        raise click.ClickException(
            f"no model at {click.format_filename(path)}; train one with `bytepiece train FILE` "
            f"or name one with -m or ${MODEL_VARIABLE}"
        ) from None
