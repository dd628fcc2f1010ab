"""Batches of random texts, each a function of a seed and a number.

A text of its own would take ten times as long to make. So a batch is one long string, which is cut
at random places.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from benchmarks.support import SAMPLE

KINDS = ("random bytes", "mutated text", "nasty Unicode")
"""The kinds of batches. They take turns."""
PER_BATCH = 20_000
"""The number of texts in a batch."""
_LONG = 40
"""One batch in this many has a hundredth of the texts, and each is a hundred times as long."""

_ALPHABETS = (
    bytes(range(256)),
    bytes(range(128)),
    bytes(range(128, 256)),
    b"ab",
    b"\n\r a",
    b"the cat\n.",
    b"\0\xff",
    b"\xe4\xbb\x8a\xe5\xa4\xa9",
    b"\xf0\x9f\x91\x8d\x8f\xbf",
    b"\xed\xa0\x80\xbf\xb0",
    b"\xc0\xc1\xf5\xe0\x80",
)
_ATOMS = (
    *("a", "b", "the ", " ", "  ", "\n", "\r\n", "\r", "\t", "\0", "\x7f", "\x85", "\x0b", "7"),
    *("e\u0301", "é", "\u0301", "\u0302\u0323", "\u0345", "Å", "\u212b", "A\u030a", "Ω", "K"),
    *("q\u0307\u0323", "\u0f71\u0f72", "\u1100\u1161\u11a8", "각", "\u1161", "\u0958", "\ufb2c"),
    *("ﬁ", "㍿", "㌔", "½", "①", "ﷺ", "Ａ", "ｶﾞ", "ｱﾊﾟ", "ſ", "ẛ̣", "ß", "İ", "ı", "Σ", "ς"),
    *("\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u2060"),
    *("\u2028", "\u2029", "\u00a0", "\u3000", "\u2009", "\u1680", "\u180e", "▁", "▁▁", "␣"),
    *("👍", "👍🏽", "👩\u200d👩\u200d👧", "🇩🇪", "\ufe0f", "1\ufe0f\u20e3", "\U000e0061", "𝔘", "𐀀"),
    *("\ufffd", "\uffff", "\ufdd0", "\U0010ffff", "\ue000", "\u0378", "\U0001f9d1"),
    *("\ud800", "\udfff", "\udc80", "\ud83d\ude00"),
    *(
        "٣",
        "७",
        "๓",
        "𝟘",
        "०",
        "Ⅳ",
        "²",
        "今天",
        "天气",
        "ユーザー:",
        "「",
        "한글",
        "कि",
        "กำ",
        "שָׁ",
    ),
    *("<|im_start|>", "<|im_end|>", "<pad>", "<bos>", "<eos>", "<unk>", "<s>", "</s>", "<|im_"),
    *("<0x41>", "<0xE4>", "\\u0041", "\\", '"', "'", "{", "}", "%s", "../", "a" * 300, " " * 300),
)
_STRAY = (
    *(b"\xff", b"\x80", b"\xc0\x80", b"\xc3", b"\xe4\xbb", b"\xe0\x80\xb0", b"\xf4\x90\x80\x80"),
    *(b"\xf8\x88\x80\x80\x80", b"\xed\xa0\x80", b"\xed\xb3\xa9", b"\xf0\x9f\x91", b"\xc0\xb0"),
)
"""Bytes that are not valid UTF-8."""


def size(number: int) -> int:
    """Return the number of texts of a batch."""
    return PER_BATCH // 100 if number % _LONG == _LONG - 1 else PER_BATCH


def batch(seed: int, number: int) -> list[str | bytes]:
    """Return the texts of one batch."""
    rng = np.random.default_rng([seed, number])
    lengths = rng.geometric(1 / rng.integers(2, 24), size=size(number)) - 1
    if size(number) < PER_BATCH:
        lengths *= 100
    bounds = [0, *np.cumsum(lengths).tolist()]
    kind = KINDS[number % len(KINDS)]
    if kind == "random bytes":
        alphabet = np.frombuffer(_ALPHABETS[rng.integers(len(_ALPHABETS))], dtype=np.uint8)
        return _cut(alphabet[rng.integers(len(alphabet), size=bounds[-1])].tobytes(), bounds)
    if kind == "mutated text":
        raw = _mutated(rng, bounds[-1])
        if rng.random() < 0.5:
            return _cut(raw, bounds)
        chars = raw.decode("utf-8", "replace")
        return _cut(chars * (bounds[-1] // max(len(chars), 1) + 1), bounds)
    return _cut(_nasty(rng, bounds[-1]), bounds)


def _cut(whole: str | bytes, bounds: Sequence[int]) -> list[str | bytes]:
    return [whole[start:end] for start, end in pairwise(bounds)]


@cache
def _sample() -> bytes:
    return SAMPLE.read_bytes()


def _mutated(rng: np.random.Generator, length: int) -> bytes:
    """Return pieces of real text laid end to end, with bytes that are changed at random."""
    real = _sample()
    starts = rng.integers(len(real), size=length // 30 + 1)
    ends = starts + rng.integers(1, 120, size=len(starts))
    parts = [real[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    raw = np.frombuffer(b"".join(parts)[:length].ljust(length, b"."), dtype=np.uint8).copy()
    places = rng.integers(max(length, 1), size=length // int(rng.integers(10, 400)))
    raw[places] = rng.integers(256, size=len(places))
    return raw.tobytes()


def _nasty(rng: np.random.Generator, length: int) -> str | bytes:
    """Return a string of characters, or of bytes, that are hard in one way or another."""
    atoms: Sequence[str | bytes] = _ATOMS
    empty: str | bytes = ""
    if rng.random() < 0.5:
        atoms = [*(atom.encode("utf-8", "surrogatepass") for atom in _ATOMS), *_STRAY]
        empty = b""
    # A batch has only some of the atoms, so that each of them meets each other one.
    some = rng.choice(len(atoms), size=int(rng.integers(2, len(atoms))), replace=False)
    chosen = rng.choice(some, size=length + 1)
    if rng.random() < 0.3:
        chosen = chosen.repeat(rng.geometric(0.3, size=len(chosen)))
    return empty.join([atoms[number] for number in chosen[: length + 1].tolist()])  # type: ignore[arg-type]
