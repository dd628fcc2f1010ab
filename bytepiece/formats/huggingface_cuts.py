"""The steps of a tokenizer.json that cut a text at line ends and at digits.

Before a Unigram model, `tokenizers` 1.0 takes `ByteLevel` only as a normalizer, and `Split` only at
a string. So the cuts are written into the text: `ByteLevel` leaves no newline in it, then a newline
marks a cut, and a `Split` at newlines removes it. Older releases take these steps, too.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from bytepiece.formats.byte_level import alphabet
from bytepiece.kernels.digits import DIGIT_RANGES

_CHARS = alphabet()
_CUT = "\n"


def _spelled(bytes_: Iterable[int]) -> str:
    return "".join(_CHARS[byte] for byte in sorted(bytes_))


def _replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def _pattern_of_digits() -> str:
    """Return a pattern for the places before and after each digit that is not in ASCII."""
    # Most digits of a script differ in the last byte alone, and many scripts in the byte before it.
    last: dict[bytes, set[int]] = defaultdict(set)
    for low, high in DIGIT_RANGES[1:]:
        for code in range(low, high + 1):
            encoded = chr(code).encode()
            last[encoded[:-1]].add(encoded[-1])
    alike: dict[tuple[bytes, str], set[int]] = defaultdict(set)
    for start, ends in last.items():
        alike[start[:-1], _spelled(ends)].add(start[-1])
    by_length: dict[int, list[str]] = defaultdict(list)
    for (start, trail), middle in alike.items():
        pattern = "".join(_CHARS[byte] for byte in start) + f"[{_spelled(middle)}][{trail}]"
        by_length[len(start)].append(pattern)
    # 1.0 finds nothing if the patterns of one look behind differ in length. Looking at one
    # character first makes the search several times as fast.
    leads = _spelled({start[0] for start in last})
    trails = _spelled(set().union(*last.values()))
    alike_long = ["|".join(patterns) for patterns in by_length.values()]
    before = "|".join(alike_long)
    after = "|".join(f"(?<={patterns})" for patterns in alike_long)
    return f"(?=[{leads}])(?={before})|(?<=[{trails}])(?:{after})"


BYTES: dict[str, Any] = {"type": "ByteLevel"}
"""The normalizer that spells each byte as one character."""
LINES: list[dict[str, Any]] = [
    _replace({"String": _CHARS[10]}, _CHARS[10] + _CUT),
    _replace({"String": _CUT + _CHARS[10]}, _CHARS[10]),
]
"""Normalizers after `BYTES` that mark a cut after each line with all its trailing newlines."""
DIGITS: list[dict[str, Any]] = [
    *(_replace({"String": digit}, f"{_CUT}{digit}{_CUT}") for digit in "0123456789"),
    _replace({"Regex": _pattern_of_digits()}, _CUT),
]
"""Normalizers after `LINES` that mark a cut on both sides of each decimal digit. They list every
digit, because the digits that a library knows depend on its version of Unicode."""
SPLIT: dict[str, Any] = {
    "type": "Split",
    "pattern": {"String": _CUT},
    "behavior": "Removed",
    "invert": False,
}
"""The pre-tokenizer that cuts a text at the marks."""

OLD_LINES = r"\n+"
"""The pattern of a `Split` before `ByteLevel` that stands for `LINES` in files written before."""
OLD_DIGITS = "".join(["[", *(f"\\x{{{low:X}}}-\\x{{{high:X}}}" for low, high in DIGIT_RANGES), "]"])
"""The pattern of a `Split` before `ByteLevel` that stands for `DIGITS` in files written before."""
