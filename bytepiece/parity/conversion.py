"""Writing a model in another library's format, and checking whether that library encodes alike."""

import os
import random
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bytepiece import model_io
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.loading import load_models
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats import FORMATS, Format, original, to_huggingface
from bytepiece.formats import to_sentencepiece as sentencepiece
from bytepiece.model import Model
from bytepiece.parity.comparison import ComparedEncoder, Parity, compare
from bytepiece.tokenizer import Tokenizer

_LIBRARIES: dict[str, type[Adapter]] = {
    "sentencepiece": SentencePiece,
    "sentencepiece-lite": SentencePiece,
    "huggingface": HuggingFace,
}
"""The formats that are checked with the library they belong to. This library reads the others."""

_SENTENCEPIECE = ("sentencepiece", "sentencepiece-lite")

_DRAWN = 1000
"""The number of lines that `drawn` joins from pieces."""
_MOST_PIECES = 24
"""The most pieces in each of these lines."""

ODD_LINES: tuple[bytes, ...] = (
    *(
        line.encode()
        for line in (
            "The quick brown fox jumps over the lazy dog.",
            "don't, WON'T; it's 3.14159 or 1,000,000",
            "    indented = {'a': [1, 2.5e-3]}\t# tab",
            "  two  spaces   and more    at the end   ",
            "a line\nand another\n\n\nafter blank ones\n",
            "carriage return\r\nand\ralone",
            "\n\n\n",
            "NUL \0 and \x01 \x1f \x7f",
            "今天天气很好，我们去机场吧。",
            "白云机场２０２３年①㈱",
            "日本語のテキストとカタカナ",
            "안녕하세요 세계",
            "\u1112\u1161\u11ab\u1100\u1173\u11af in parts",
            "Съешь же ещё этих мягких французских булок",
            "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
            "نص حكيم له سر قاطع ٠١٢٣",
            "דג סקרן שט בים מאוכזב",
            "ऋषियों को सताने वाले १२३",
            "เป็นมนุษย์สุดประเสริฐ",
            "café cafe\u0301 ﬁ \u1e9b\u0323 Å \u212b",
            "👩‍🚀 👍🏽 🇺🇳 ❤️",
            "\ufeffbyte order mark, \u200bnothing, \u00a0\u3000spaces\u2028lines\u2029",
            "▁ stands for a space elsewhere",
            "<pad><bos><eos><unk><s></s><0x0A>[UNK]",
            "\ufffd \ue000 \U000f0000 \u0378",
            "a" * 3000,
            " " * 300,
            "abc" * 1000 + "\n" * 50,
        )
    ),
    b"\xff\xfe are no characters \xe4\xbb",
    b"\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80",
)
"""Lines that are hard for a tokenizer, in many scripts."""

OF_PIECES = f"{_DRAWN} lines drawn from the model's pieces, and odd ones"
"""A description of the lines that `drawn` returns, for a report."""


def write(model: Model, path: str | os.PathLike[str], to: Format) -> list[str]:
    """Write a model in a format. The file is written as a whole or not at all.

    Args:
        model: the model.
        path: the file.
        to: "bytepiece", "original", "sentencepiece", "sentencepiece-lite" (for SentencePiece's
            Lite runtime) or "huggingface" (tokenizer.json).

    Returns:
        The parts of the model that the file does not hold, one sentence for each.

    Raises:
        OSError: if the file cannot be written.
        ModelError: if the format cannot hold the model.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if to == "bytepiece":
            model_io.save(model, path)
        elif to == "original":
            model_io.save_original(model, path)
        elif to in _SENTENCEPIECE:
            sentencepiece.save(model, path, lite=to == "sentencepiece-lite")
        elif to == "huggingface":
            to_huggingface.save(model, path)
        else:
            raise ArgumentError(f"unknown format {to!r:.60}; known are {', '.join(FORMATS)}")
    notes = [str(warning.message) for warning in caught]
    if to == "sentencepiece-lite":
        notes.append(
            "NUL and the bytes 0x80 to 0xFF have other ids than in the model: byte b has "
            f"{model.vocab_size} + b"
        )
    if to in _SENTENCEPIECE and (forms := model.rules.normalization):
        notes.append(
            f"SentencePiece gets texts as they are: normalize them ({', '.join(forms)}) before"
        )
    if to == "original" and original.counts_of(model) is None:
        notes.append("the original format has counts for scores; those below −30 change")
    return notes


def check(
    model: Model,
    path: str | os.PathLike[str],
    format: str,
    batches: Iterable[Sequence[bytes]],
    sample: str,
) -> Parity:
    """Encode lines with a model and with the library that its file belongs to, and compare the ids.

    The format "sentencepiece-lite" has other ids for some single bytes. Both ids of a byte count as
    the same id.

    Args:
        model: the model that the file holds.
        path: the file.
        format: the format of the file. This library itself reads files of its own format and of
            the original library's format.
        batches: the lines.
        sample: a description of the lines, for the report.

    Raises:
        ModelError: if the library is not installed; the message says how to install it.
    """
    tokenizer = Tokenizer(model)
    ours = ComparedEncoder("bytepiece", _encode_with(tokenizer), Ours(tokenizer).vocabulary())
    scores = np.full(model.vocab_size, np.nan)
    scores[model.ids] = model.scores
    theirs = _library(path, format)
    if format == "sentencepiece-lite":
        theirs = _with_our_byte_ids(theirs, tokenizer)
    return compare(ours, theirs, scores.tolist(), batches, sample)


def drawn(model: Model) -> list[bytes]:
    """Return lines to compare: lines joined from random pieces of the model, and `ODD_LINES`.

    The same model always gets the same lines.
    """
    generator = random.Random(0)
    lines = [
        b"".join(generator.choices(model.pieces, k=generator.randint(1, _MOST_PIECES)))
        for _ in range(_DRAWN)
    ]
    # Parts of characters are dropped, unless they happen to join to whole characters: other
    # libraries take only characters.
    return [*(line.decode("utf-8", "ignore").encode() for line in lines), *ODD_LINES]


def _library(path: str | os.PathLike[str], format: str) -> ComparedEncoder:
    """Return the library that reads a file, with the file's model."""
    adapter_class = _LIBRARIES.get(format)
    if adapter_class is None:
        tokenizer = Tokenizer.load(path)
        return ComparedEncoder(
            Path(path).name, _encode_with(tokenizer), Ours(tokenizer).vocabulary()
        )
    if reason := adapter_class.missing():
        raise ModelError(f"{adapter_class.name} is {reason}")
    adapter = load_models([path])[0].adapter

    def encode(texts: Sequence[bytes]) -> Sequence[Sequence[int]]:
        strings = [text.decode("utf-8", "replace") for text in texts]
        return adapter.rows(adapter.encode_batch(strings).result)

    pieces = adapter.vocabulary()
    return ComparedEncoder(
        adapter.name, encode, pieces, over_bytes=False, version=adapter.version()
    )


def _with_our_byte_ids(lite: ComparedEncoder, tokenizer: Tokenizer) -> ComparedEncoder:
    """Return an encoder of a file for the Lite runtime that gives our ids of single bytes."""
    size = tokenizer.vocab_size
    byte_ids = tokenizer.pieces_to_ids([bytes([byte]) for byte in range(256)])
    pieces = list(lite.pieces[:size])
    for byte, id_ in enumerate(byte_ids):
        pieces[id_] = bytes([byte])

    def encode(texts: Sequence[bytes]) -> Sequence[Sequence[int]]:
        rows = lite.encode(texts)
        return [[byte_ids[id_ - size] if id_ >= size else id_ for id_ in row] for row in rows]

    return replace(lite, encode=encode, pieces=pieces)


def _encode_with(tokenizer: Tokenizer) -> Callable[[Sequence[bytes]], Sequence[Sequence[int]]]:
    """Return a function that encodes texts with a tokenizer."""
    return lambda texts: [row.tolist() for row in tokenizer.encode_batch(texts)]
