"""Options that several commands share."""

import math
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
from click.core import ParameterSource

from bytepiece.encoding.options import LARGEST_ALPHAS, MAX_NBEST_SIZE, NBEST_SIZE, Sampler
from bytepiece.rules.text import is_utf8

from .streams import say

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_MODEL = "bytepiece.model"
MODEL_VARIABLE = "BYTEPIECE_MODEL"


class _InputFile(click.Path):
    """A file to read. If there is none, the error says how to pipe text in."""

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
            hint = f"To give the text itself, pipe it in: echo ... | {ctx.command_path}"
            raise click.BadParameter(f"{error.message} {hint}", ctx, param) from None


class _TextType(click.ParamType):  # type: ignore[type-arg]  # not generic in older releases
    """A text. The system hands over bytes, which may be in another encoding than the system's."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            value.encode()
        except UnicodeEncodeError:  # Python stands a lone surrogate for a byte that does not fit
            shown, encoding = os.fsencode(value), sys.getfilesystemencoding().upper()
            self.fail(f"{shown!r:.60} is not text in this system's {encoding}", param, ctx)
        return value


class _BytesType(click.ParamType):  # type: ignore[type-arg]  # not generic in older releases
    """The bytes that the system hands over: a str if they are UTF-8, or else bytes."""

    name = "text"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Any:
        raw = os.fsencode(value)
        return raw.decode() if is_utf8(raw) else raw


TEXT, ANY_BYTES = _TextType(), _BytesType()
"""The types of options that take a text, and of options that take any bytes."""


def _files_argument(directories: bool) -> Callable[[F], F]:
    kind = _InputFile(exists=True, dir_okay=directories, allow_dash=True, path_type=Path)
    return click.argument("files", metavar="[FILE]...", nargs=-1, type=kind)


files_argument, inputs_argument = _files_argument(False), _files_argument(True)
"""Files, and files or directories."""

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
    type=TEXT,
    help="Read all input as JSON lines; this field of each line is the text. Without the option, "
    'only files that end in .jsonl are JSON lines, with the field "text".',
)

column_option = click.option(
    "--column",
    metavar="NAME",
    type=TEXT,
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
    help="The number of threads. The result is the same for any number.",
)


def checked_alpha(alpha: float, parameter: click.Parameter | None, hint: str = "") -> float:
    """Return the alpha if it is in its range, else raise an error that ends with the hint."""
    if not math.isfinite(alpha) or alpha < 0:
        message = f"{alpha} is not a finite number of at least 0{hint}"
        raise click.BadParameter(message, param=parameter)
    return alpha


class _AlphaType(click.ParamType):  # type: ignore[type-arg]  # not generic in older releases
    """An alpha, or a range of alphas LOW:HIGH."""

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
            checked_alpha(alpha, param, " (for the best path, leave --sample out)")
        if numbers[0] > numbers[-1]:
            self.fail(f"the range {value} begins above its end", param, ctx)
        return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


class _PercentType(click.ParamType):  # type: ignore[type-arg]  # not generic in older releases
    """A percentage above 0, such as 10%, as a share."""

    name = "percentage"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            percent = float(str(value).removesuffix("%")) if str(value).endswith("%") else math.nan
        except ValueError:
            percent = math.nan
        if not 0 < percent < math.inf:
            hint = " (for the best path, leave --sample out)" if percent == 0 else ""
            self.fail(f"{value!r} is not a percentage above 0 such as 10%{hint}", param, ctx)
        return percent / 100


def _share(_: click.Context, parameter: click.Parameter, share: float) -> float:
    if not 0 <= share <= 1:  # click's own range lets NaN pass
        raise click.BadParameter(f"{share} is not in 0…1", param=parameter)
    return share


_SAMPLING = (
    click.option(
        "--sample",
        is_flag=True,
        help="Encode each document by a random path, not the best path.",
    ),
    click.option(
        "--alpha",
        type=_AlphaType(),
        metavar="NUMBER|LOW:HIGH",
        default=0.1,
        show_default=True,
        help="The exponent on a path's probability, at least 0. 0 makes all paths equally likely, "
        "1 is the model's own law, and larger values come closer to the best path. With 0.1:0.5, "
        "each document's alpha is drawn from that range.",
    ),
    click.option(
        "--more-tokens",
        type=_PercentType(),
        metavar="PERCENT",
        help="Take the alpha at which all documents together have this many more tokens than by "
        "the best path, such as 10%. It is found with the first megabyte of text, before any "
        "document is encoded, and is shown on standard error. It takes the place of --alpha.",
    ),
    click.option(
        "--sample-prob",
        type=float,
        callback=_share,
        default=1.0,
        show_default=True,
        help="The share of documents that are sampled, 0 to 1. The others get the best path.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**64 - 1),
        show_default="a fresh seed, shown on standard error",
        help="The same seed gives the same samples.",
    ),
    click.option(
        "--epoch",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="The number of the pass over the data. Each epoch has other samples.",
    ),
    click.option(
        "--first-document",
        metavar="N",
        type=click.IntRange(0, 2**64 - 1),
        default=0,
        show_default=True,
        help="The number of the first document. The next documents have the next numbers.",
    ),
    click.option(
        "--doc-ids",
        metavar="NAME|text",
        type=TEXT,
        help="Take the documents' numbers from this column of Parquet files, or this field of JSON "
        "lines: whole numbers, or strings that stand for their hashes. text takes the hash of each "
        "document's text, in any input.",
    ),
    click.option(
        "--sampler",
        type=click.Choice(get_args(Sampler)),
        default="perfect",
        show_default=True,
        help="perfect draws from the exact law. The others are for comparison: nbest draws from "
        "the law of the best paths of each line only, and viterbi, an older algorithm, follows "
        "neither law. For BPE models there are also dropout, which leaves out each join with the "
        "probability alpha, and splitting, which tries alpha times per token to cut it in two.",
    ),
    click.option(
        "--made-only",
        is_flag=True,
        help="Sample a BPE model without the pieces that none of its merges makes.",
    ),
    click.option(
        "--nbest-size",
        type=click.IntRange(1, MAX_NBEST_SIZE),
        default=NBEST_SIZE,
        show_default=True,
        help="The number of best paths of each line that --sampler nbest draws from.",
    ),
)


_SAMPLING_NAMES = (
    *("alpha", "more_tokens", "sample_prob", "seed", "epoch"),
    *("first_document", "doc_ids", "sampler", "nbest_size", "made_only"),
)


def sampling_options(command: F) -> F:
    """Add the options of sampling.

    The command gets them as `sampling`, for encode_batch; `first_document` and `doc_ids`, which say
    where documents' numbers come from, are among them, and so is `made_only`. It also gets
    `more_tokens`, the share by which the number of tokens may grow; None if the alpha is in
    `sampling`.
    """

    @wraps(command)
    def wrapped(*, sample: bool, **others: Any) -> Any:
        given = {name: others.pop(name) for name in _SAMPLING_NAMES}
        ctx = click.get_current_context()
        chosen = [
            n for n in _SAMPLING_NAMES if ctx.get_parameter_source(n) is not ParameterSource.DEFAULT
        ]
        if sample:
            if "nbest_size" in chosen and given["sampler"] != "nbest":
                raise click.UsageError("--nbest-size needs --sampler nbest; add that")
            if {"first_document", "doc_ids"} <= {*chosen}:
                raise click.UsageError("--doc-ids gives all numbers; leave --first-document out")
            if {"alpha", "more_tokens"} <= {*chosen}:
                raise click.UsageError("--more-tokens finds the alpha; leave --alpha out")
            largest = LARGEST_ALPHAS.get(given["sampler"], math.inf)
            if (
                max(given["alpha"] if isinstance(given["alpha"], tuple) else [given["alpha"]])
                > largest
            ):
                raise click.UsageError(
                    f"with --sampler {given['sampler']} the largest --alpha is {largest:g}"
                )
            if given["seed"] is None:
                given["seed"] = secrets.randbits(64)
                say(f"bytepiece: to draw the same samples again, add --seed {given['seed']}")
            more_tokens = given.pop("more_tokens")
            return command(sampling=given, more_tokens=more_tokens, **others)
        if chosen:
            name = chosen[0].replace("_", "-")
            raise click.UsageError(f"--{name} is an option of sampling; add --sample")
        return command(sampling={}, more_tokens=None, **others)

    for option in reversed(_SAMPLING):
        option(wrapped)
    return wrapped  # type: ignore[return-value]


@contextmanager
def missing_model_explained(path: Path, place: str = "with -m") -> Iterator[None]:
    """Say how to get a model if the model file does not exist, and where to name it."""
    try:
        yield
    except FileNotFoundError:
        raise click.ClickException(
            f"no model at {click.format_filename(path)}; train one with `bytepiece train FILE` "
            f"or name one {place} or ${MODEL_VARIABLE}"
        ) from None
