"""bytepiece explain: show how a text is cut, and why."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import bytepiece

from .options import (
    ANY_BYTES,
    DEFAULT_MODEL,
    MODEL_VARIABLE,
    checked_alpha,
    missing_model_explained,
)
from .outputs import OUTPUT, check_results, write_file
from .streams import STDIN, is_terminal, open_binary, write

if TYPE_CHECKING:
    from bytepiece.explain.facts import Explanation

_COLUMNS = 100
"""The width of the output if it does not go to a terminal and COLUMNS is not set."""


def _alpha(_: click.Context, parameter: click.Parameter, alpha: float) -> float:
    return checked_alpha(alpha, parameter)


@click.command("explain", short_help="Show how a text is cut, and why.")
@click.argument("text", required=False, type=ANY_BYTES)
@click.option(
    "-m",
    "--model",
    "models",
    type=click.Path(path_type=Path),
    multiple=True,
    envvar=MODEL_VARIABLE,
    default=[DEFAULT_MODEL],
    show_default=True,
    show_envvar=True,
    help="The model file: of this library, the original one, SentencePiece or Hugging Face. Repeat "
    "the option to compare models.",
)
@click.option(
    "--alpha",
    type=float,
    callback=_alpha,
    default=1.0,
    show_default=True,
    help="The exponent on a path's probability, at least 0. 0 makes all paths equally likely, 1 is "
    "the model's own law, and larger values come closer to the best path.",
)
@click.option(
    "--nbest",
    type=click.IntRange(0, 1000),
    default=5,
    show_default=True,
    help="How many of the best paths to show.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="The seed of the twenty samples of --json and --html.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, an object per model.")
@click.option(
    "--html", "html_file", type=OUTPUT, help="Write a web page with all of it to this file."
)
@click.option(
    "--svg", "svg_file", type=OUTPUT, help="Write the lattice of one model to this SVG file."
)
def command(
    text: str | bytes | None,
    models: tuple[Path, ...],
    alpha: float,
    nbest: int,
    seed: int,
    as_json: bool,
    html_file: Path | None,
    svg_file: Path | None,
) -> None:
    """Show how a text is cut, and why.

    Each token is a coloured block: below it its id, its score, and how sure the model is of its two
    ends, in percent. Then come the best segmentations. A space is shown as a bar, and all that is
    invisible as an escape. Tokens that share a character are joined by a bracket. The text is TEXT,
    or else standard input without its last line end, at most 16,384 bytes. docs/explain.md says
    more.

    \b
    Examples:
      bytepiece explain "The harbour wakes"
      bytepiece explain "The harbour wakes" --alpha 0.1 --html harbour.html
      bytepiece explain "The harbour wakes" -m ours.model -m tokenizer.json
      head -n 1 corpus.txt | bytepiece explain --json | jq '.[].expected_tokens'
    """  # noqa: D301
    if svg_file is not None and len(models) > 1:
        raise click.UsageError("--svg draws the lattice of one model; name one with -m")
    check_results([html_file, svg_file], models)
    # Imported here, because it needs NumPy, and --help does not.
    from bytepiece.explain.gather import MOST_BYTES  # noqa: PLC0415

    if text is None:
        with open_binary(STDIN) as file:
            text = file.read(MOST_BYTES + 2)
        text = text.removesuffix(b"\n").removesuffix(b"\r")
    found = []
    for path in models:
        with missing_model_explained(path):
            tokenizer = bytepiece.Tokenizer.load(path)
        name = click.format_filename(path, shorten=True)
        found.append(tokenizer.explain(text, alpha, nbest=nbest, seed=seed, name=name))
    if as_json:
        shown = json.dumps([one.as_json() for one in found], ensure_ascii=False) + "\n"
    else:
        shown = _terminal(found)
    write(shown.encode("utf-8", "backslashreplace"))
    if html_file is not None:
        from bytepiece.explain.page import page  # noqa: PLC0415

        write_file(html_file, page(found))
    if svg_file is not None:
        from bytepiece.explain.lattice_svg import standalone  # noqa: PLC0415

        write_file(svg_file, standalone(found[0]))


def _terminal(found: "list[Explanation]") -> str:
    """Return the view for a terminal, in colours if a terminal shows it and nobody objects."""
    from bytepiece.explain.terminal import terminal  # noqa: PLC0415

    coloured = (
        is_terminal(sys.stdout)
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
    columns = shutil.get_terminal_size((_COLUMNS, 24)).columns
    return terminal(found, columns, coloured)
