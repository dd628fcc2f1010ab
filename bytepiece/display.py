"""Texts, pieces and numbers as people read them."""

import dataclasses
import math
import re
import sys
import unicodedata
from typing import Any

LONGEST = 160
"""The most characters that are shown of a text by others. Each character of an escape counts."""

NOTHING = "—"
"""The sign for a value that is missing."""

_MOST_ACCENTS = 4
"""The most accents that are shown on one letter. No script needs more; hundreds of accents would
cover the lines above."""

_SHOWN = re.compile(
    r"\\x(?P<byte>[0-9a-f]{2})|\\u(?P<four>[0-9a-f]{4})|\\U(?P<eight>[0-9a-f]{8})"
    r"|\\(?P<control>[nrt\\])|.",
    re.ASCII | re.DOTALL,
)
"""What stands for one character or byte in the form of `printable`."""
_CONTROLS = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}

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


def of_printable(shown: str) -> bytes:
    r"""Return the bytes that `printable` shows in a form. A space stands for itself, like ▁.

    >>> of_printable("▁café\\n") == of_printable(" café\\n") == b" caf\xc3\xa9\n"
    True
    """
    return b"".join(map(_unescaped, _SHOWN.finditer(shown)))


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


def visible(text: str, longest: int = LONGEST) -> str:
    r"""Return a text with nothing hidden in it.

    Control characters, direction marks, invisible characters, unusual spaces and accents after the
    fourth on one letter become Python escapes. A backslash stays as it is, because the backslashes
    of segmentations are escaped already. A text of more than `longest` characters ends with "…".
    The result is not escaped for HTML.

    >>> print(visible("caf\u00e9\n\u202eabc", 14))
    café\n\u202eab…
    """
    characters, rest = visible_characters(text, longest)
    return "".join(shown for shown, _ in characters) + "…" * rest


def visible_characters(text: str, longest: int) -> tuple[list[tuple[str, bool]], bool]:
    """Return the beginning of a text in visible parts.

    Returns:
        each part with whether it is an escape, and whether more characters follow. A part is the
        visible form of one character, or the whole text if it is short, printable and ASCII.
    """
    if len(text) <= longest and text.isascii() and text.isprintable():
        return [(text, False)], False
    characters: list[tuple[str, bool]] = []
    accents = width = 0
    for char in text:
        accents = accents + 1 if unicodedata.combining(char) else 0
        hidden = not char.isprintable() or accents > _MOST_ACCENTS
        shown = _escape(char) if hidden else char
        width += len(shown)
        if width > longest:
            return characters, True
        characters.append((shown, hidden))
    return characters, False


def number(x: float | None) -> str:
    """Return a number to three digits, very large and very small numbers to two.

    >>> [number(x) for x in (0.25, 1, 0.01234, 3.21e-8, 0.0, float("inf"))]
    ['0.25', '1', '0.0123', '3.2·10⁻⁸', '0', '∞']
    """
    if x is None or math.isnan(x):
        return NOTHING
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x and not 0.001 <= abs(x) < 1e4:
        return scientific(x)
    return (f"{x:,.0f}" if abs(x) >= 999.5 else f"{x:.3g}").replace("-", "−")


def percent(x: float) -> str:
    """Return a fraction as a percentage. Only exact values are shown as 100 % and 0 %.

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


def decade(exponent: int) -> str:
    """Return 10 to this exponent, as the label of an axis."""
    return f"{10.0**exponent:.{-exponent}f}" if -3 < exponent <= 0 else f"10{raised(exponent)}"


def duration(seconds: float) -> str:
    """Return a number of seconds in readable form.

    >>> duration(0.031), duration(7.25), duration(3700.0)
    ('0.03 s', '7.2 s', '61 min 40 s')
    """
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def raised(exponent: int) -> str:
    """Return an exponent in superscript."""
    return str(exponent).translate(_SUPERSCRIPTS)


def _unescaped(match: re.Match[str]) -> bytes:
    """Return the bytes of a character or of an escape."""
    if match["byte"]:
        return bytes.fromhex(match["byte"])
    if match["control"]:
        return _CONTROLS[match["control"]]
    code = match["four"] or match["eight"]
    char = match[0] if code is None or int(code, 16) > sys.maxunicode else chr(int(code, 16))
    return b" " if char == "▁" and code is None else char.encode("utf-8", "surrogatepass")


def _escape(char: str) -> str:
    """Return the Python escape of a character."""
    if char < "\x80":
        return char.encode("unicode_escape").decode("ascii")
    # Never \x: that escape means a stray byte.
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
