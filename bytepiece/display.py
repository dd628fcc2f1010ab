"""Pieces as text that people can read."""

import dataclasses
from typing import Any


def printable(piece: bytes) -> str:
    r"""Return a piece as visible text without spaces; different pieces give different texts.

    A space is shown as ▁. Control characters, invisible characters, stray bytes, ▁ itself and the
    backslash are shown as Python escapes.

    >>> print(printable(b" caf\xc3\xa9\n"), printable(b"\xe4\xbb"))
    ▁café\n \xe4\xbb
    """
    shown = []
    for char in piece.decode("utf-8", "surrogateescape"):
        if char == " ":
            shown.append("▁")
        elif "\udc80" <= char <= "\udcff":
            shown.append(f"\\x{ord(char) - 0xDC00:02x}")
        elif char in "▁\\" or not char.isprintable():
            shown.append(_escape(char))
        else:
            shown.append(char)
    return "".join(shown)


def json_value(value: object) -> Any:
    r"""Return a value in JSON's types: dataclasses as dicts, bytes as `printable` shows them.

    >>> json_value({"pieces": (b"a b", b"\xff"), "count": 2})
    {'pieces': ['a▁b', '\\xff'], 'count': 2}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return json_value(dataclasses.asdict(value))
    if isinstance(value, bytes):
        return printable(value)
    if isinstance(value, dict):
        return {key: json_value(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(entry) for entry in value]
    return value


def _escape(char: str) -> str:
    if char < "\x80":
        return char.encode("unicode_escape").decode("ascii")
    # Never \x: that escape means a stray byte.
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
