"""The steps of a tokenizer.json that cut a text at line ends and at digits.

Before a Unigram model, `tokenizers` 1.0 takes `ByteLevel` only as a normalizer, and `Split` only at
a string. So the cuts are written into the text: `ByteLevel` leaves no newline in it, then a newline
marks a cut, and a `Split` at newlines removes it. Older releases take these steps, too.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from bytepiece.kernels.digits import DIGIT_RANGES
from bytepiece.rules.byte_level import alphabet
from bytepiece.rules.text_rules import Digits

_CHARS = alphabet()
_CUT = "\n"


def _spelled(bytes_: Iterable[int]) -> str:
    return "".join(_CHARS[byte] for byte in sorted(bytes_))


def _replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


class _DigitPatterns(NamedTuple):
    """Patterns for the decimal digits that are not in ASCII, as `ByteLevel` spells them.

    Args:
        leads: the first characters of all digits, as in a class.
        trails: their last characters, as in a class.
        alike_long: a pattern for the digits of each length.
    """

    leads: str
    trails: str
    alike_long: list[str]


def _digits() -> _DigitPatterns:
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
    leads = _spelled({start[0] for start in last})
    trails = _spelled(set().union(*last.values()))
    return _DigitPatterns(leads, trails, ["|".join(patterns) for patterns in by_length.values()])


_LEADS, _TRAILS, _ALIKE_LONG = _digits()
# Looking at one character first makes the search several times as fast.
_FOREIGN = "|".join(_ALIKE_LONG)
_DIGIT = f"(?:[0-9]|(?=[{_LEADS}])(?:{_FOREIGN}))"
# 1.0 finds nothing if the patterns of one look behind differ in length.
_AFTER_FOREIGN = f"(?<=[{_TRAILS}])(?:{'|'.join(f'(?<={each})' for each in _ALIKE_LONG)})"


BYTES: dict[str, Any] = {"type": "ByteLevel"}
"""The normalizer that spells each byte as one character."""
LINES: list[dict[str, Any]] = [
    _replace({"String": _CHARS[10]}, _CHARS[10] + _CUT),
    _replace({"String": _CUT + _CHARS[10]}, _CHARS[10]),
]
"""Normalizers after `BYTES` that mark a cut after each line with all its trailing newlines."""
DIGITS: dict[Digits, list[dict[str, Any]]] = {
    "free": [],
    "each": [
        *(_replace({"String": digit}, f"{_CUT}{digit}{_CUT}") for digit in "0123456789"),
        _replace({"Regex": f"(?=[{_LEADS}])(?={_FOREIGN})|{_AFTER_FOREIGN}"}, _CUT),
    ],
    # A space follows each digit; then the space after each group becomes a cut, and the others are
    # removed again. `\K` keeps what is before it out of the match, so only the space is replaced. A
    # match without a character would not do: 1.0 then goes on one character later than 0.23.
    "groups-of-three": [
        _replace({"Regex": f"(?<=[0-9])|{_AFTER_FOREIGN}"}, " "),
        _replace({"Regex": rf"{_DIGIT}(?: {_DIGIT}){{0,2}}\K "}, _CUT),
        _replace({"String": " "}, ""),
        _replace({"Regex": f"(?<![0-9])(?!{_AFTER_FOREIGN})(?={_DIGIT})"}, _CUT),
    ],
}
"""Normalizers after `LINES` that mark a cut on both sides of each segment of digits, by the rule
for digits. They list every digit, because the digits that a library knows depend on its version of
Unicode."""
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
"""The pattern of a `Split` before `ByteLevel` that stands for digits by themselves in files written
before."""
