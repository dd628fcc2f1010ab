"""bytepiece audit: test whether samplers follow the exact law."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bytepiece.audit.summary import table, to_json
from bytepiece.errors import ArgumentError

from .documents import documents
from .options import TEXT, checked_alpha, files_argument, missing_model_explained
from .outputs import OUTPUT, check_results, write_file
from .progress import Phases
from .streams import write

if TYPE_CHECKING:
    from bytepiece.audit.samplers import AuditedSampler


def _exponents(
    _: click.Context, parameter: click.Parameter, alphas: tuple[float, ...]
) -> tuple[float, ...]:
    return tuple([checked_alpha(alpha, parameter) for alpha in alphas])


@click.command("audit", short_help="Test samplers against the exact law.")
@files_argument
@click.option(
    "-m",
    "--model",
    type=click.Path(path_type=Path),
    show_default="small built-in vocabularies",
    help="The model file: of this library, the original one, SentencePiece or Hugging Face.",
)
@click.option(
    "--text",
    "given",
    metavar="TEXT",
    type=TEXT,
    multiple=True,
    help="A line of text to segment. Repeat the option for several lines.",
)
@click.option(
    "--alpha",
    "alphas",
    type=float,
    callback=_exponents,
    multiple=True,
    default=[0.1, 0.5, 1.0],
    show_default=True,
    help="The exponent on a path's probability, at least 0. Repeat the option for several values.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=100),
    default=100_000,
    show_default=True,
    help="The number of samples of each text at each alpha. Texts above 16 bytes get fewer.",
)
@click.option(
    "--sampler",
    "samplers",
    metavar="NAME",
    type=TEXT,
    multiple=True,
    show_default="perfect, nbest and viterbi",
    help="The sampler to test: perfect, nbest, viterbi, dropout, splitting, sentencepiece, "
    "sentencepiece-nbest, sentencepiece-lite, huggingface, original, rs_bytepiece, or all of "
    "these; or module:function, a function that turns a text into pieces. Repeat the option for "
    "several samplers.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="The same seed draws the same samples, if the sampler takes a seed.",
)
@click.option("--json", "json_file", type=OUTPUT, help="Write all results to this file as JSON.")
@click.option(
    "--html", "html_file", type=OUTPUT, help="Write the results to this file as a web page."
)
def command(
    files: tuple[Path, ...],
    model: Path | None,
    given: tuple[str, ...],
    alphas: tuple[float, ...],
    draws: int,
    samplers: tuple[str, ...],
    seed: int,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Test whether samplers draw segmentations from the exact law.

    By that law, the probability of a segmentation is proportional to exp(alpha * score), and its
    score is the sum of its pieces' scores. Each sampler gets one p-value for all its tests
    together. A p-value below 1e-5 refutes the sampler, and the smallest case that refutes it is
    shown. The texts are the values of --text and the lines of each FILE, or else a few texts in
    several scripts. Without a model, the audit uses built-in vocabularies and texts that are hard
    for samplers. dropout and splitting need a BPE model, short texts, and their own alphas: how
    often a pair is left out, and how often a token is split. If a library is not installed, the
    report says how to install it.

    \b
    Examples:
      bytepiece audit
      bytepiece audit --sampler all --html audit.html
      bytepiece audit -m bytepiece.model --alpha 0.1 --text "the quick brown fox"
      bytepiece audit -m tokenizer.json --sampler dropout --alpha 0.1 --text " unhappy"
      bytepiece audit -m my.model --alpha 0.2 --sampler my_module:my_sampler
    """  # noqa: D301
    # Imported here, because it loads the compiler, which is slow, and --help does not need it.
    from bytepiece.audit.run import audit  # noqa: PLC0415

    if html_file is not None:
        from bytepiece.audit.page import page  # noqa: PLC0415
    asked = _resolved(samplers)
    if any(sampler.fixed for sampler in asked) and (model is None or len(alphas) != 1):
        raise click.UsageError(
            "a function has its own vocabulary and alpha: say which, with -m and one --alpha"
        )
    texts = None
    if files or given:
        if model is None:
            raise click.UsageError("name the model that segments the text, by -m")
        texts = [*given, *_lines(files)]
    check_results([json_file, html_file], [*files, *([model] if model else [])])
    with Phases("draws") as phases:
        if model is None:
            report = audit(None, asked, None, alphas, draws, seed, phases.report)
        else:
            with missing_model_explained(model):
                report = audit(model, asked, texts, alphas, draws, seed, phases.report)
    write(table(report).encode("utf-8", "backslashreplace"))
    if json_file is not None:
        write_file(json_file, to_json(report) + "\n")
    if html_file is not None:
        write_file(html_file, page(report))


def _resolved(names: Sequence[str]) -> list["AuditedSampler"]:
    """Return the samplers with these names, each once."""
    from bytepiece.audit.samplers import NAMED_SAMPLERS, OURS, resolve  # noqa: PLC0415

    if ":" in "".join(names):
        sys.path.insert(0, "")  # the user's own modules are in the current folder
    every = list(NAMED_SAMPLERS)
    wanted = [name for asked in names or OURS for name in (every if asked == "all" else [asked])]
    try:
        return resolve(list(dict.fromkeys(wanted)))
    except ArgumentError as error:
        raise click.UsageError(" ".join(str(error).splitlines())) from None


def _lines(files: Sequence[Path]) -> list[str]:
    """Return the lines of text files and the texts of records, except empty ones."""
    found = []
    if files:
        for batch in documents(files, None, lambda _: None):
            for text in batch:
                try:
                    found.append(text if isinstance(text, str) else text.decode("utf-8"))
                except UnicodeDecodeError:
                    raise click.ClickException(
                        f"the line {text!r:.60} is not UTF-8; samplers take text"
                    ) from None
    return [text for text in found if text]
