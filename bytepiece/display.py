"""Texts, pieces and numbers as people read them."""

import dataclasses
import math
import unicodedata
from typing import Any

LONGEST = 160
"""The most characters that are shown of a text written by others. Escapes count in full."""

NOTHING = "—"
"""The sign for a value that is missing."""

# No script needs more accents on one letter; hundreds would cover the lines above.
_ACCENTS = 4

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def visible(text: str, longest: int = LONGEST) -> str:
    r"""Return a text with nothing hidden in it.

    Control characters, direction marks, invisible characters, unusual spaces and piled-up accents
    become Python escapes. A backslash stays as it is, since the backslashes of segmentations are
    escaped already. The result is not escaped for HTML.

    >>> print(visible("caf\u00e9\n\u202eabc", 14))
    café\n\u202eab…
    """
    characters, rest = visible_characters(text, longest)
    return "".join(shown for shown, _ in characters) + "…" * rest


def percent(x: float) -> str:
    """Return a fraction as a percentage. It says 100 or 0 only if it is exactly that.

    >>> [percent(x).split()[0] for x in (1 / 3, 0.99996, 0.000021, 1e-9, 1.0)]
    ['33.3', '99.996', '0.0021', '10⁻⁷', '100']
    """
    percentage = 100 * x
    if percentage in (0, 100):
        digits = f"{percentage:.0f}"
    elif 99.95 <= percentage < 100:
        # Show as many digits as are needed to tell the percentage from 100.
        digits = f"{percentage:.{max(1, -math.floor(math.log10(100 - percentage)))}f}"
    elif percentage < 0.001:
        digits = scientific(percentage)
    else:
        digits = f"{percentage:.1f}" if percentage >= 1 else f"{percentage:.2g}"
    return f"{digits}\N{NO-BREAK SPACE}%"


def scientific(x: float) -> str:
    """Return a number to two digits with a power of ten."""
    mantissa, _, exponent = f"{x:.1e}".partition("e")
    mantissa = mantissa.removesuffix(".0").replace("-", "−")
    power = f"10{raised(int(exponent))}"
    return power if mantissa == "1" else f"{mantissa}·{power}"


def raised(exponent: int) -> str:
    """Return an exponent in superscript."""
    return str(exponent).translate(_SUPERSCRIPTS)


def visible_characters(text: str, longest: int) -> tuple[list[tuple[str, bool]], bool]:
    """Return the visible beginning of a text, at most `longest` wide, and whether more follows.

    Each item is the visible form of one or more characters, and whether this form is an escape.
    """
    if len(text) <= longest and text.isascii() and text.isprintable():
        return [(text, False)], False
    characters: list[tuple[str, bool]] = []
    heaped = width = 0
    for char in text:
        heaped = heaped + 1 if unicodedata.combining(char) else 0
        hidden = not char.isprintable() or heaped > _ACCENTS
        shown = _escape(char) if hidden else char
        width += len(shown)
        if width > longest:
            return characters, True
        characters.append((shown, hidden))
    return characters, False
