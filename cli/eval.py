"""bytepiece eval: measure how well models encode a text."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

import bytepiece
from bytepiece.errors import ModelError

from .choices import engine_option
from .options import column_option, jsonl_option, temp_dir_option, threads_option
from .outputs import OUTPUT, check_results, write_file
from .progress import input_progress
from .spool import spooled
from .streams import STDIN, write

if TYPE_CHECKING:
    from bytepiece.parallel import Engine

_INPUT = click.Path(exists=True, allow_dash=True, path_type=Path)


@click.command("eval", short_help="Measure how well models encode a text.")
@click.argument(
    "models",
    metavar="MODEL...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--on",
    "files",
    metavar="PATH",
    type=_INPUT,
    multiple=True,
    show_default="standard input",
    help="The text to encode: a file, a directory, or - for standard input. Repeat the option for "
    "several files.",
)
@jsonl_option
@column_option
@click.option("--json", "json_file", type=OUTPUT, help="Write all results to this file as JSON.")
@click.option(
    "--plot",
    "svg_file",
    type=OUTPUT,
    help="Write a chart of bytes per token to this SVG file.",
)
@temp_dir_option
@threads_option
@engine_option
def command(
    models: tuple[Path, ...],
    files: tuple[Path, ...],
    jsonl: str | None,
    column: str,
    json_file: Path | None,
    svg_file: Path | None,
    temp_dir: Path | None,
    threads: int | None,
    engine: "Engine | None",
) -> None:
    """Measure how well models encode a text, and compare them in one table.

    A MODEL is a file of this library, of the original library, of SentencePiece, or a
    tokenizer.json of Hugging Face tokenizers. Its content tells the format. Choose a text that the
    models were not trained on. docs/evaluation.md explains each measure.

    \b
    Examples:
      bytepiece eval bytepiece.model --on heldout.txt
      bytepiece eval ours.model sp.model tokenizer.json --on news.txt --on code.txt --plot bars.svg
      bytepiece eval *.model --on records.jsonl --json all.json
      bytepiece eval ours.model --on /shared/crawl --engine ray
      head -n 1000 heldout.txt | bytepiece eval ours.model
    """  # noqa: D301
    # Imported here, because these load the compiler, which is slow, and --help does not need it.
    from bytepiece.evaluation.plot import plot  # noqa: PLC0415
    from bytepiece.evaluation.report import table, to_json  # noqa: PLC0415

    check_results([json_file, svg_file], [*models, *files])
    with (
        spooled(files or [STDIN], temp_dir) as paths,
        input_progress("evaluating", files) as progress,
    ):
        corpus = bytepiece.Files(paths, jsonl, parquet_column=column)

        def report(_: str, done: int, total: int) -> None:
            progress.reach(done, total)

        try:
            found = bytepiece.evaluate(
                models, corpus, threads=threads, engine=engine, progress=report
            )
        except ModelError as error:
            if files and len(models) == 1:
                raise
            raise ModelError(f"{error}; each text file needs an --on before its name") from None
    write(table(found).encode("utf-8", "backslashreplace"))
    if json_file is not None:
        write_file(json_file, to_json(found) + "\n")
    if svg_file is not None:
        write_file(svg_file, plot(found))
