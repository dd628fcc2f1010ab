"""bytepiece decode: turn ids into text."""

import codecs
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

import bytepiece
from bytepiece.errors import VocabularyError
from bytepiece.inputs.records import value_of

from .options import files_argument, missing_model_explained, model_option
from .progress import input_progress
from .streams import STDIN, read_lines, write

if TYPE_CHECKING:
    from bytepiece.encoding.vocabulary import Vocabulary

_PART = 1 << 18
"""About how many bytes of a line, or ids of a record, are decoded together."""
_MOST_DIGITS = 18
"""No id has more digits, and Python refuses to convert strings of thousands of digits."""


@click.command("decode", short_help="Turn ids back into text.")
@files_argument
@model_option
@click.option(
    "--format",
    type=click.Choice(["ids", "jsonl"]),
    default="ids",
    show_default=True,
    help="The format of the input. ids: each line of ids becomes the exact bytes of its text. "
    'jsonl: {"ids": [...]} becomes {"text": "..."}, with U+FFFD for bytes that are not valid '
    "UTF-8.",
)
def command(files: tuple[Path, ...], model: Path, format: str) -> None:
    """Turn ids, as `bytepiece encode` writes them, back into text.

    Each line of input becomes one text, and a line end follows each text. Texts that contain line
    ends stay apart only with --format jsonl. Special tokens stand for no text. The first bad id
    ends the run. Without FILE, or if FILE is -, standard input is read.

    \b
    Examples:
      bytepiece encode corpus.txt | bytepiece decode | cmp - corpus.txt
      bytepiece decode ids.txt > text.txt
      bytepiece encode --format jsonl records.jsonl | bytepiece decode --format jsonl
    """  # noqa: D301
    # Imported here, because it loads numpy, and --help does not need numpy.
    from bytepiece.encoding.vocabulary import Vocabulary  # noqa: PLC0415

    with missing_model_explained(model):
        vocabulary = Vocabulary(bytepiece.model_io.load(model))
    convert = _BytesOfWords(vocabulary).text_of if format == "ids" else partial(_record, vocabulary)
    with input_progress("decoding", files) as progress:
        for path in files or [STDIN]:
            for batch in read_lines(path, progress.advance):
                for texts in batch.converted(convert, blank=format == "ids"):
                    write(b"".join([part for text in texts for part in (text, b"\n")]))


class _BytesOfWords(dict[bytes, bytes]):
    """A cache of the bytes of ids, by their decimal digits. Entries are made when first needed."""

    def __init__(self, vocabulary: "Vocabulary") -> None:
        super().__init__()
        self._vocabulary = vocabulary
        # With the rules of another library, an id's bytes depend on whether it comes first.
        self._foreign = vocabulary.model.rules.library is not None

    def text_of(self, line: bytes) -> bytes:
        """Return the bytes of a line of ids.

        A long line is taken in parts, since a word takes ten times the memory of its digits.
        """
        parts = []
        begin, opening = 0, True
        while begin < len(line):
            end = line.find(b" ", begin + _PART)
            end = len(line) if end < 0 else end
            words = line[begin:end].split()
            text = b"".join(map(self.__getitem__, words))  # this also checks every word
            if self._foreign:
                text, opening = self._vocabulary.decode_on(map(int, words), opening)
            parts.append(text)
            begin = end
        return b"".join(parts)

    def __missing__(self, word: bytes) -> bytes:
        if not word.isdigit() or len(word) > _MOST_DIGITS:
            hint = "; JSON lines need --format jsonl" if word.startswith(b"{") else ""
            shown = word.decode("utf-8", "backslashreplace")
            raise VocabularyError(f"{_not_an_id(shown, self._vocabulary)}{hint}")
        self[word] = text = self._vocabulary.decode_bytes([int(word)])
        return text


def _record(vocabulary: "Vocabulary", line: bytes) -> bytes:
    """Turn a record of ids into a record of their text."""
    ids = value_of(line, "ids")
    if not isinstance(ids, list):
        raise VocabularyError('the field "ids" is not a list of ids')
    for id_ in ids:
        if type(id_) is not int:
            raise VocabularyError(_not_an_id(json.dumps(id_), vocabulary))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    parts, opening = [b'{"text": "'], True
    for begin in range(0, len(ids), _PART):  # a str may take four bytes for each character
        raw, opening = vocabulary.decode_on(ids[begin : begin + _PART], opening)
        text = decoder.decode(raw, final=begin + _PART >= len(ids))
        parts.append(json.dumps(text, ensure_ascii=False)[1:-1].encode())
    return b"".join([*parts, b'"}'])


def _not_an_id(shown: str, vocabulary: "Vocabulary") -> str:
    return f"{shown!r:.40} is not an id, a number in 0…{vocabulary.size - 1}"
