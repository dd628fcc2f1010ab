"""Slow twins of the rules by which a text is cut into segments; they import no kernel."""

import re
from collections.abc import Callable


def segments(text: bytes, digit_group: int = 0, most: int = 0) -> list[bytes]:
    """Cut a text by the original library's regular expressions, and digits into groups.

    A byte that belongs to no well-formed character counts as a character.
    """
    digits = rf"\d{{1,{digit_group}}}"
    if digit_group and most:
        rule = rf"{digits}|[^\n\d]{{,{most}}}\n{{1,100}}|[^\n\d]{{1,{most}}}"
    elif digit_group:
        rule = rf"{digits}|[^\n\d]*\n+|[^\n\d]+"
    elif most:
        rule = rf".{{,{most}}}\n{{1,100}}|.{{1,{most}}}"
    else:
        rule = r".*\n+|.+"
    found = re.findall(rule, text.decode("utf-8", "surrogateescape"))
    return [part.encode("utf-8", "surrogateescape") for part in found]


_CHARACTER = re.compile(
    rb"[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]"
    rb"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
"""A well-formed character (Unicode, table 3-7)."""


def normalize(text: bytes, change: Callable[[str], str]) -> bytes:
    """Normalize each stretch of well-formed characters, and keep the bytes between them."""
    out = b""
    stretch = b""
    position = 0
    while position < len(text):
        if match := _CHARACTER.match(text, position):
            stretch += match.group()
            position = match.end()
        else:
            out += change(stretch.decode()).encode() + text[position : position + 1]
            stretch = b""
            position += 1
    return out + change(stretch.decode()).encode()


def split_special(text: bytes, names: list[str]) -> list[bytes | str]:
    """Split a text at special tokens; at each position, the longest name that matches is taken."""
    parts: list[bytes | str] = []
    plain = b""
    position = 0
    while position < len(text):
        here = [name for name in names if text.startswith(name.encode(), position)]
        if here:
            name = max(here, key=lambda name: len(name.encode()))
            parts += [plain, name]
            plain = b""
            position += len(name.encode())
        else:
            plain += text[position : position + 1]
            position += 1
    return [*parts, plain]
