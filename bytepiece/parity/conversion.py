"""Models in the formats of several libraries, and whether the libraries encode alike with them."""

import os
import random
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from bytepiece import model_io
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.adapters.subjects import subjects
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats import FORMATS, Format, original, to_huggingface
from bytepiece.formats import to_sentencepiece as sentencepiece
from bytepiece.model import Model
from bytepiece.parity.comparison import Encoder, Parity, compare
from bytepiece.tokenizer import Tokenizer

_LIBRARIES: dict[str, type[Adapter]] = {"sentencepiece": SentencePiece, "huggingface": HuggingFace}
"""The formats that a library other than this one reads here."""

_DRAWN = 1000
"""Lines of a sample that are drawn from a model's pieces."""
_MOST_PIECES = 24
"""Pieces of each of them."""

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
"""Lines that are hard on a tokenizer, in many scripts."""

OF_PIECES = f"{_DRAWN} lines drawn from the model's pieces, and odd ones"


def write(model: Model, path: str | os.PathLike[str], to: Format) -> list[str]:
    """Write a model in a format; atomic.

    Args:
        model: what to write.
        path: the file.
        to: "bytepiece", "original", "sentencepiece" or "huggingface" (tokenizer.json).

    Returns:
        what the file does not say of the model, a sentence each.

    Raises:
        OSError: the file cannot be written.
        ModelError: the format cannot say what the model says.
    """
    if to not in FORMATS:
        raise ArgumentError(f"unknown format {to!r:.60}; known are {', '.join(FORMATS)}")
    with warnings.catch_warnings(record=True) as lost:
        warnings.simplefilter("always")
        if to == "bytepiece":
            model_io.save(model, path)
        elif to == "original":
            model_io.save_original(model, path)
        elif to == "sentencepiece":
            sentencepiece.save(model, path)
        else:
            to_huggingface.save(model, path)
    told = [str(warning.message) for warning in lost]
    if to == "sentencepiece" and (forms := model.rules.normalization):
        told.append(
            f"SentencePiece gets texts as they are: normalize them ({', '.join(forms)}) before"
        )
    if to == "original" and original.counts_of(model) is None:
        told.append("the original format has counts for scores; those below −30 change")
    return told


def check(
    model: Model,
    path: str | os.PathLike[str],
    format: str,
    batches: Iterable[Sequence[bytes]],
    sample: str,
) -> Parity:
    """Compare a model with what the library makes of a file that says the same.

    Args:
        model: what was read from the file, or written to it.
        path: the file.
        format: of the file. For those of this library and of the original one, this library reads
            the file.
        batches: lines to encode.
        sample: what the report calls them.

    Raises:
        ModelError: the library is not installed; the message says how it is.
    """
    tokenizer = Tokenizer(model)
    ours = Encoder("bytepiece", _encode(tokenizer), Ours(tokenizer).vocabulary())
    scores = np.full(model.vocab_size, np.nan)
    scores[model.ids] = model.scores
    return compare(ours, _library(path, format), scores.tolist(), batches, sample)


def drawn(model: Model) -> list[bytes]:
    """Lines to compare with where none are given; the same ones for the same model."""
    random_ = random.Random(0)
    lines = [
        b"".join(random_.choices(model.pieces, k=random_.randint(1, _MOST_PIECES)))
        for _ in range(_DRAWN)
    ]
    # Of pieces that are parts of characters only what happens to be whole: other libraries take
    # characters.
    return [*(line.decode("utf-8", "ignore").encode() for line in lines), *ODD_LINES]


def _library(path: str | os.PathLike[str], format: str) -> Encoder:
    kind = _LIBRARIES.get(format)
    if kind is None:
        tokenizer = Tokenizer.load(path)
        return Encoder(Path(path).name, _encode(tokenizer), Ours(tokenizer).vocabulary())
    if reason := kind.missing():
        raise ModelError(f"{kind.name} is {reason}")
    adapter = subjects([path])[0].adapter

    def encode(texts: Sequence[bytes]) -> Sequence[Sequence[int]]:
        strings = [text.decode("utf-8", "replace") for text in texts]
        return adapter.rows(adapter.encode_batch(strings).result)

    pieces = adapter.vocabulary()
    return Encoder(adapter.name, encode, pieces, over_bytes=False, version=adapter.version())


def _encode(tokenizer: Tokenizer) -> Callable[[Sequence[bytes]], Sequence[Sequence[int]]]:
    return lambda texts: [row.tolist() for row in tokenizer.encode_batch(texts)]
