"""Tokenizers of all kinds, for the tests that explain how texts are cut."""

from functools import cache

from bytepiece import Tokenizer
from bytepiece.formats import from_huggingface, from_sentencepiece
from bytepiece.rules.byte_level import alphabet
from support.character_models import from_hf, from_sp
from support.huggingface_files import added, byte_level, plain_file
from support.reading import trained
from support.strategies import make_model

HOSTILE = [
    "</script><script>alert(1)</script>",
    "</style></title></svg><img src=x onerror=alert(1)>",
    "\"'><b onclick='x'>&amp;&lt;",
    "a\0b\x1b[31m\r\n\t\x7f\x85",
    "\u202eevil\u2066\u200f\u061c",
    "\u200b\ufeff\u00ad\u3000\u00a0\ufe0f\u3164",
    "{0} %s \u0301\u0302",
]
"""Texts that a view must not carry out or hide."""
LETTERS = {"a": -2.0, "b": -3.0, " ": -1.0, "ab": -3.5, "é": -4.0, "é a": -6.0}


@cache
def tokenizers():
    """Return one tokenizer of each kind by name."""
    hostile = {text.encode(): -3.0 for text in HOSTILE}
    return {
        "ours": Tokenizer(make_model({b"th": -4.0, b"the": -3.5, b" the": -4.0} | hostile)),
        "characters": from_sp(LETTERS, True),
        "unknown": from_hf(LETTERS, False),
        "unigram": Tokenizer(from_sentencepiece.from_bytes(trained())),
        "bpe": Tokenizer(from_huggingface.from_document(byte_level_bpe())),
    }


def byte_level_bpe():
    """Return a small byte-level BPE model as Hugging Face's library writes it."""
    pairs = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("a", "t")]
    names = ["<unk>", *alphabet(), *map("".join, pairs)]
    return plain_file(
        ["<unk>"],
        model={
            "type": "BPE",
            "vocab": {name: number for number, name in enumerate(names)},
            "merges": [list(pair) for pair in pairs],
        },
        pre_tokenizer=byte_level(use_regex=True),
        decoder=byte_level(),
        added_tokens=[added(0, "<unk>")],
    )
