"""bytepiece eval: how well models encode a text."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from bytepiece.errors import ModelError

from .documents import documents
from .options import OnCommand, jsonl_option, threads_option
from .outputs import OUTPUT, check_folders, write_file
from .progress import for_filter
from .streams import STDIN, write

_INPUT = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command("eval", cls=OnCommand, short_help="Measure how well models encode a text.")
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
    metavar="FILE...",
    type=_INPUT,
    multiple=True,
    show_default="standard input",
    help="The text; all names up to the next option are files, and - is standard input.",
)
@jsonl_option
@click.option("--json", "json_file", type=OUTPUT, help="Write everything found to this file.")
@click.option("--plot", "svg_file", type=OUTPUT, help="Write bars of bytes per token, as an SVG.")
@threads_option
def command(
    models: tuple[Path, ...],
    files: tuple[Path, ...],
    jsonl: str | None,
    json_file: Path | None,
    svg_file: Path | None,
    threads: int | None,
) -> None:
    """Measure how well models encode a text, all of them on the same one.

    Models may be of this library, of the original one, of SentencePiece, and tokenizer.json files
    of Hugging Face tokenizers; what is in a file tells which. docs/evaluation.md says what each
    measure means. The text should be one that the models were not trained on.

    \b
    Examples:
      bytepiece eval bytepiece.model --on heldout.txt
      bytepiece eval ours.model sp.model tokenizer.json --on heldout/*.txt --plot bars.svg
      bytepiece eval *.model --on records.jsonl --json all.json
      head -n 1000 heldout.txt | bytepiece eval ours.model
    """  # noqa: D301
    # Here, because these import the compiler, which is slow, and --help can do without.
    from bytepiece.evaluation.plot import plot  # noqa: PLC0415
    from bytepiece.evaluation.report import table, to_json  # noqa: PLC0415
    from bytepiece.evaluation.run import evaluate  # noqa: PLC0415

    check_folders(json_file, svg_file)
    with for_filter("evaluating", files) as meter:
        texts = _texts(files or [STDIN], jsonl, meter.advance)
        try:
            found = evaluate(models, texts, threads=threads)
        except ModelError as error:
            hint = "" if files else "; the names of texts follow --on"
            raise ModelError(f"{error}{hint}") from None
    write(table(found).encode("utf-8", "backslashreplace"))
    if json_file is not None:
        write_file(json_file, to_json(found) + "\n")
    if svg_file is not None:
        write_file(svg_file, plot(found))


def _texts(
    files: Sequence[Path], field: str | None, advance: Callable[[int], object]
) -> Iterator[bytes | str]:
    """The texts of records, and text files in stretches; their last line has its end as well.

    Blank lines belong to the line before them, so a stretch ends before a line that is not blank.
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
