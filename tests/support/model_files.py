"""Models in files: one with everything a file can hold, and a full comparison."""

from base64 import b64encode

import numpy as np

from bytepiece import SpecialToken, TextRules
from support.strategies import make_model


def same(first, second):
    """Return whether models are equal, also in the columns and the record that `==` ignores."""
    columns = all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("scores", "ids", "counts")
        if getattr(first, name) is not None or getattr(second, name) is not None
    )
    return columns and first == second and first.record == second.record


RICH = make_model(
    {
        b"the ": -1.25,
        b"\n\n": -1e-300,
        b"\xe4\xbb": -0.1,
        b"\xed\xa0\x80": 2.0**20,
        "今天".encode(): -(2.0**20),
        b'"\\\x00\x7f': 1 / 3,
        "\u2028\ufeff".encode(): -7,
    },
    rules=TextRules(normalization=("NFKC", "NFD"), digits="each"),
    special_tokens=(
        SpecialToken("<|end|>", 300_000, "eos"),
        SpecialToken("今\n", 0, "control"),
    ),
    counts=range(1, 264),
    record={"trainer": "by hand", "n": [1, 2.5, None, {"ü": "\n"}]},
)


def original_entries():
    """Return entries for the single bytes, one piece that is text, and one that is not."""
    entries = {
        b64encode(bytes([b])).decode(): [b + 3, chr(b) if b < 0x80 else "", b + 1]
        for b in range(256)
    }
    entries[b64encode("今天".encode()).decode()] = [259, "今天", 1000]
    entries[b64encode(b"\xe4\xbb").decode()] = [260, "", 17]
    return entries
