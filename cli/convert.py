"""bytepiece convert: write a model in another library's format, and compare both libraries."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

import bytepiece
from bytepiece.display import visible
from bytepiece.errors import ModelError
from bytepiece.formats import FORMATS, Format

from .documents import documents
from .edits import MODEL
from .outputs import check_results
from .progress import input_progress
from .streams import STDIN, name_of, say, write

_FOREIGN = ("sentencepiece", "huggingface")


@click.command("convert", short_help="Write a model in another library's format.")
@click.argument("source", metavar="IN", type=MODEL)
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Choice(FORMATS),
    show_default="huggingface if OUT ends in .json, bytepiece if IN is another library's",
    help="The format of OUT; huggingface means a tokenizer.json, and sentencepiece-lite a file for "
    "SentencePiece's Lite runtime.",
)
@click.option(
    "--check",
    "files",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    show_default="lines made from the model's pieces, and unusual lines",
    help="A text to compare the libraries on, line by line. Repeat the option for several files.",
)
@click.option("--no-check", is_flag=True, help="Do not compare the libraries.")
def command(
    source: Path, target: Path, to: Format | None, files: tuple[Path, ...], no_check: bool
) -> None:
    """Write a model of any library in the format of any library.

    IN is a file of this library, of the original library, of SentencePiece (Unigram), or a
    tokenizer.json of Hugging Face (Unigram). Its content tells the format. If OUT's format cannot
    hold a part of the model, the conversion fails, or a note on standard error says what is lost.
    The report on standard output says how many lines both libraries encode in the same way, and why
    the others differ. docs/formats.md says what each format keeps.

    \b
    Examples:
      bytepiece convert bytepiece.model tokenizer.json
      bytepiece convert bytepiece.model sp.model --to sentencepiece --check heldout.txt
      bytepiece convert spiece.model bytepiece.model --check a.txt --check b.txt
    """  # noqa: D301
    # Imported here, because it loads the compiler, which is slow, and --help does not need it.
    from bytepiece.parity import conversion  # noqa: PLC0415

    if no_check and files:
        raise click.UsageError("--check and --no-check exclude each other")
    if target == STDIN:
        raise click.UsageError("a model is written to a file; name one for OUT")
    check_results([target], [source, *files])
    model, kind = bytepiece.model_io.load_with_format(source)
    to = to or _format_of(target, kind)
    for note in model.record.get("notes", []) if kind in _FOREIGN else []:
        say(f"{name_of(source)}: {visible(note)}")
    for note in conversion.write(model, target, to):
        say(f"{name_of(target)}: {note}")
    say(f"{name_of(target)}: {model.vocab_size} ids, in {to} format")
    if no_check:
        return
    pairs = [(source, kind)] if kind in _FOREIGN else []
    if to != "bytepiece" or not pairs:
        pairs.append((target, to))
    sample = ", ".join(map(name_of, files)) or conversion.OF_PIECES
    drawn = [] if files else [conversion.drawn(model)]
    for path, its_format in pairs:
        try:
            with input_progress("comparing", files) as progress:
                batches = drawn or _lines(files, progress.advance)
                found = conversion.check(model, path, its_format, batches, sample)
        except ModelError as error:
            report = f"not compared: {error}"
        else:
            say(f"compared with {found.theirs} {found.version}".rstrip())
            report = str(found)
        write(f"{report}\n".encode("utf-8", "backslashreplace"))


def _format_of(target: Path, source: str) -> Format:
    """Return the format that the name of the target or the format of the source suggests."""
    if target.suffix.lower() == ".json":
        return "huggingface"
    if source != "bytepiece":
        return "bytepiece"
    raise click.UsageError(
        f"the name {name_of(target)} does not tell the format; say --to sentencepiece, "
        "--to original or --to huggingface"
    )


def _lines(files: Sequence[Path], advance: Callable[[int], object]) -> Iterator[list[bytes]]:
    for batch in documents(files, None, advance):
        yield [t.encode("utf-8", "surrogatepass") if isinstance(t, str) else t for t in batch]
