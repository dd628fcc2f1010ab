"""bytepiece eval: measure how well models encode a text."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

import bytepiece
from bytepiece.errors import ModelError

from .documents import documents
from .options import jsonl_option, threads_option
from .outputs import OUTPUT, check_folders, write_file
from .progress import input_progress
from .streams import STDIN, write

_INPUT = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


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
    metavar="FILE",
    type=_INPUT,
    multiple=True,
    show_default="standard input",
    help="The text to encode; - is standard input. Repeat the option for several files.",
)
@jsonl_option
@click.option("--json", "json_file", type=OUTPUT, help="Write all results to this file as JSON.")
@click.option(
    "--plot",
    "svg_file",
    type=OUTPUT,
    help="Write a chart of bytes per token to this SVG file.",
)
@threads_option
def command(
    models: tuple[Path, ...],
    files: tuple[Path, ...],
    jsonl: str | None,
    json_file: Path | None,
    svg_file: Path | None,
    threads: int | None,
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
      head -n 1000 heldout.txt | bytepiece eval ours.model
    """  # noqa: D301
    # Imported here, because these load the compiler, which is slow, and --help does not need it.
    from bytepiece.evaluation.plot import plot  # noqa: PLC0415
    from bytepiece.evaluation.report import table, to_json  # noqa: PLC0415

    check_folders(json_file, svg_file)
    with input_progress("evaluating", files) as progress:
        texts = _texts(files or [STDIN], jsonl, progress.advance)
        try:
            found = bytepiece.evaluate(models, texts, threads=threads)
        except ModelError as error:
            if files and len(models) == 1:
                raise
            raise ModelError(f"{error}; each text file needs an --on before its name") from None
    write(table(found).encode("utf-8", "backslashreplace"))
    if json_file is not None:
        write_file(json_file, to_json(found) + "\n")
    if svg_file is not None:
        write_file(svg_file, plot(found))


def _texts(
    files: Sequence[Path], field: str | None, advance: Callable[[int], object]
) -> Iterator[bytes | str]:
    """Yield the texts of records, and text files in stretches of whole lines.

    A stretch ends before a line that is not blank, because blank lines belong to the line before
    them. The last line of a file always gets a line end.
    """
    for file in files:
        kept: list[bytes] = []
        for batch in documents([file], field, advance):
            lines: list[bytes] = []
            for text in batch:
                if isinstance(text, str):
                    yield text
                else:
                    lines.append(text)
            kept += lines
            last = next((i for i in range(len(kept) - 1, 0, -1) if kept[i]), 0)
            if last:
                yield b"\n".join([*kept[:last], b""])
                kept = kept[last:]
        if kept:
            yield b"\n".join([*kept, b""])
