r"""Numbers and strangers' strings as people read them, in HTML."""

import html
import math
import unicodedata
from itertools import groupby
from operator import itemgetter

LONGEST = 160
"""Of a stranger's string so much is shown, escapes and all: a page is not as long as its texts."""

NOTHING = "—"
"""What stands where there is no value."""

# No script needs more upon one letter; hundreds would cover the lines above.
_ACCENTS = 4

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def visible(text: str, longest: int = LONGEST) -> str:
    r"""A string with nothing hidden in it; not escaped for HTML yet.

    Control characters, marks of direction, invisible characters, spaces other than the usual one
    and accents heaped upon accents are Python escapes. A backslash stays one: segmentations come
    with theirs escaped already.

    >>> print(visible("caf\u00e9\n\u202eabc", 14))
    café\n\u202eab…
    """
    characters, rest = _characters(text, longest)
    return "".join(shown for shown, _ in characters) + "…" * rest


def escaped(text: str, longest: int = LONGEST) -> str:
    r"""As `visible`, in HTML, the escapes marked as such.

    >>> print(escaped("<b>\n"))
    &lt;b&gt;<i>\n</i>
    """
    characters, rest = _characters(text, longest)
    parts = []
    for hidden, run in groupby(characters, itemgetter(1)):
        words = html.escape("".join(shown for shown, _ in run))
        parts.append(f"<i>{words}</i>" if hidden else words)
    if rest:
        parts.append(f'…<span class="cut">{len(text):,} characters</span>')
    return "".join(parts)


def probability(p: float | None) -> str:
    """A p-value: two digits are enough, and below 10⁻³⁰⁰ none.

    >>> [probability(p) for p in (0.372, 0.0041, 2e-7, 0.0, None)]
    ['0.37', '0.0041', '2·10⁻⁷', '&lt; 10⁻³⁰⁰', '—']
    """
    if p is None or math.isnan(p):
        return NOTHING
    if p < 1e-300:
        return "&lt; 10⁻³⁰⁰"
    if p < 0.001:
        return _scientific(p)
    return f"{p:.2f}" if p >= 0.0995 else f"{p:.2g}"


def number(x: float | None) -> str:
    """Any other number, to three digits.

    >>> [number(x) for x in (0.25, 1, 0.01234, 3.21e-8, 0.0, float("inf"))]
    ['0.25', '1', '0.0123', '3.2·10⁻⁸', '0', '∞']
    """
    if x is None or math.isnan(x):
        return NOTHING
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x and not 0.001 <= abs(x) < 1e4:
        return _scientific(x)
    return (f"{x:,.0f}" if abs(x) >= 999.5 else f"{x:.3g}").replace("-", "−")


def percent(x: float) -> str:
    """A fraction as a percentage that is 100 or 0 only if it is exactly that; it does not break.

    >>> [percent(x).split()[0] for x in (1 / 3, 0.99996, 0.000021, 1e-9, 1.0)]
    ['33.3', '99.996', '0.0021', '10⁻⁷', '100']
    """
    percentage = 100 * x
    if percentage in (0, 100):
        digits = f"{percentage:.0f}"
    elif 99.95 <= percentage < 100:
        # As many digits as tell it from 100.
        digits = f"{percentage:.{max(1, -math.floor(math.log10(100 - percentage)))}f}"
    elif percentage < 0.001:
        digits = _scientific(percentage)
    else:
        digits = f"{percentage:.1f}" if percentage >= 1 else f"{percentage:.2g}"
    return f"{digits}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """A time span.

    >>> duration(0.031), duration(7.25), duration(3700.0)
    ('0.03 s', '7.2 s', '61 min 40 s')
    """
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def decade(exponent: int) -> str:
    """A power of ten as a plot's axis has it."""
    return f"{10.0**exponent:.{-exponent}f}" if -3 < exponent <= 0 else f"10{_raised(exponent)}"


def _scientific(x: float) -> str:
    mantissa, _, exponent = f"{x:.1e}".partition("e")
    mantissa = mantissa.removesuffix(".0").replace("-", "−")
    power = f"10{_raised(int(exponent))}"
    return power if mantissa == "1" else f"{mantissa}·{power}"


def _raised(exponent: int) -> str:
    return str(exponent).translate(_SUPERSCRIPTS)


def _characters(text: str, longest: int) -> tuple[list[tuple[str, bool]], bool]:
    """What stands for each character, and whether that is an escape; and whether more follow."""
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


def _escape(char: str) -> str:
    if char < "\x80":
        return char.encode("unicode_escape").decode("ascii")
    # As `bytepiece.model_io.printable` has them, for which \x is a stray byte's.
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
