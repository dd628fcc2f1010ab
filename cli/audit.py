"""bytepiece audit: do samplers follow the law they are meant to?"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bytepiece.errors import ArgumentError

from .documents import documents
from .options import exponent, files_argument, missing_model_explained
from .outputs import OUTPUT, check_folders, write_file
from .progress import Phases
from .streams import write

if TYPE_CHECKING:
    from bytepiece.audit.samplers import Kind


def _exponents(
    _: click.Context, parameter: click.Parameter, alphas: tuple[float, ...]
) -> tuple[float, ...]:
    return tuple([exponent(alpha, parameter) for alpha in alphas])


@click.command("audit", short_help="Test samplers against the exact law.")
@files_argument
@click.option(
    "-m",
    "--model",
    type=click.Path(path_type=Path),
    show_default="small vocabularies of the audit's own",
    help="The model file, of this library or of the original one.",
)
@click.option(
    "--text",
    "given",
    metavar="TEXT",
    multiple=True,
    help="Segment this line; several may be given.",
)
@click.option(
    "--alpha",
    "alphas",
    type=float,
    callback=_exponents,
    multiple=True,
    default=[0.1, 0.5, 1.0],
    show_default=True,
    help="The exponent on a path's probability; several may be given.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=100),
    default=100_000,
    show_default=True,
    help="How many of each text at each alpha; texts above 16 bytes get fewer.",
)
@click.option(
    "--sampler",
    "samplers",
    metavar="NAME",
    multiple=True,
    show_default="perfect, nbest and viterbi",
    help="perfect, nbest, viterbi, sentencepiece, sentencepiece-nbest, huggingface, original, "
    "rs_bytepiece, or all of these; or module:function, a function from a text to its pieces. "
    "Several may be given.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="The same seed draws the same samples, where a sampler takes one.",
)
@click.option("--json", "json_file", type=OUTPUT, help="Write everything found to this file.")
@click.option("--html", "html_file", type=OUTPUT, help="Write a page to look at to this file.")
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

    By that law the probability of a segmentation is proportional to exp(alpha * score), where its
    score is the sum of those of its pieces. Each sampler gets the p-value of all its tests
    together; one below 1e-5 refutes it, and the smallest case that does is shown. The texts are
    the lines of FILE and those of --text, or a few of several scripts. Without a model the audit
    brings small vocabularies and texts along, which are hard for samplers. Libraries that are not
    installed are named with the way to install them.

    \b
    Examples:
      bytepiece audit
      bytepiece audit --sampler all --html audit.html
      bytepiece audit -m bytepiece.model --alpha 0.1 --text "the quick brown fox"
      bytepiece audit -m my.model --alpha 0.2 --sampler my_module:my_sampler
    """  # noqa: D301
    # Here, because these import the compiler, which is slow, and --help can do without.
    from bytepiece.audit.run import audit  # noqa: PLC0415
    from bytepiece.audit.summary import table, to_json  # noqa: PLC0415

    if html_file is not None:
        from bytepiece.audit.page import page  # noqa: PLC0415
    kinds = _kinds(samplers)
    if any(kind.fixed for kind in kinds) and (model is None or len(alphas) != 1):
        raise click.UsageError(
            "a function has its vocabulary and alpha already: say which, with -m and one --alpha"
        )
    texts = None
    if files or given:
        if model is None:
            raise click.UsageError("name the model to segment the text with, by -m")
        texts = [*given, *_lines(files)]
    check_folders(json_file, html_file)
    with Phases("draws") as phases:
        if model is None:
            report = audit(None, kinds, None, alphas, draws, seed, phases.report)
        else:
            with missing_model_explained(model):
                report = audit(model, kinds, texts, alphas, draws, seed, phases.report)
    write(table(report).encode("utf-8", "backslashreplace"))
    if json_file is not None:
        write_file(json_file, to_json(report) + "\n")
    if html_file is not None:
        write_file(html_file, page(report))


def _kinds(names: Sequence[str]) -> list["Kind"]:
    from bytepiece.audit.samplers import KINDS, OURS, resolve  # noqa: PLC0415

    if ":" in "".join(names):
        sys.path.insert(0, "")  # functions of one's own are in the folder where one works
    wanted = [one for name in names or OURS for one in (KINDS if name == "all" else [name])]
    try:
        return resolve(list(dict.fromkeys(wanted)))
    except ArgumentError as error:
        raise click.UsageError(" ".join(str(error).splitlines())) from None


def _lines(files: Sequence[Path]) -> list[str]:
    """The lines of text files, and the texts of records, without those that are blank."""
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
