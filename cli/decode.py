"""bytepiece decode: ids to text."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bytepiece.errors import VocabularyError
from bytepiece.inputs.records import value_of

from .documents import converted
from .options import files_argument, load_tokenizer, model_option
from .progress import for_filter
from .streams import STDIN, read_lines, write

if TYPE_CHECKING:
    from bytepiece.tokenizer import Tokenizer

_MOST_DIGITS = 18
"""No id has more, and Python refuses to read numbers of thousands."""


@click.command("decode", short_help="Turn ids back into text.")
@files_argument
@model_option
@click.option(
    "--format",
    type=click.Choice(["ids", "jsonl"]),
    default="ids",
    show_default=True,
    help='ids: a line of ids gives the exact bytes of its text. jsonl: {"ids": [...]} gives '
    '{"text": "..."}, with U+FFFD for bytes that are not valid UTF-8.',
)
def command(files: tuple[Path, ...], model: Path, format: str) -> None:
    """Turn ids, as `bytepiece encode` writes them, back into text.

    A line gives a line, with a line end even where the last one had none, and bad ones end the
    run. Special tokens stand for no text. Texts with
    line ends in them stay apart with --format jsonl. Without FILE, or where it is -, standard
    input is read.

    \b
    Examples:
      bytepiece encode corpus.txt | bytepiece decode | cmp - corpus.txt
      bytepiece decode ids.txt > text.txt
      bytepiece encode --format jsonl records.jsonl | bytepiece decode --format jsonl
    """  # noqa: D301
    tokenizer = load_tokenizer(model)
    convert = _Words(tokenizer).text_of if format == "ids" else partial(_record, tokenizer)
    with for_filter("decoding", files) as meter:
        for path in files or [STDIN]:
            for lines in read_lines(path, meter.advance):
                for texts in converted(lines, convert, blank=format == "ids"):
                    write(b"".join([text + b"\n" for text in texts]))


class _Words(dict[bytes, bytes]):
    """The bytes of each id, by its digits, looked up when first needed."""

    def __init__(self, tokenizer: "Tokenizer") -> None:
        super().__init__()
        self._tokenizer = tokenizer
        # What an id stands for depends there on whether it comes first.
        self._foreign = tokenizer.model.rules.library is not None

    def text_of(self, line: bytes) -> bytes:
        """The bytes of a line of ids."""
        words = line.split()
        text = b"".join(map(self.__getitem__, words))
        return self._tokenizer.decode_bytes(map(int, words)) if self._foreign else text

    def __missing__(self, word: bytes) -> bytes:
        if not word.isdigit() or len(word) > _MOST_DIGITS:
            hint = "; JSON lines need --format jsonl" if word.startswith(b"{") else ""
            shown = word.decode("utf-8", "backslashreplace")
            raise VocabularyError(f"{_no_id(shown, self._tokenizer)}{hint}")
        self[word] = text = self._tokenizer.decode_bytes([int(word)])
        return text


def _record(tokenizer: "Tokenizer", line: bytes) -> bytes:
    ids = value_of(line, "ids")
    if not isinstance(ids, list):
        raise VocabularyError('the field "ids" is not a list of ids')
    for id_ in ids:
        if type(id_) is not int:
            raise VocabularyError(_no_id(json.dumps(id_), tokenizer))
    return json.dumps({"text": tokenizer.decode(ids)}, ensure_ascii=False).encode()


def _no_id(shown: str, tokenizer: "Tokenizer") -> str:
    return f"{shown!r:.40} is not an id, a number in 0…{tokenizer.vocab_size - 1}"
