"""Numbers, and strings from outside, as readable HTML."""

import html
import math
from itertools import groupby
from operator import itemgetter

from bytepiece.display import LONGEST, NOTHING, raised, scientific, visible_characters


def escaped(text: str, longest: int = LONGEST) -> str:
    r"""Return a text as `visible` does, in HTML, with the escapes marked.

    >>> print(escaped("<b>\n"))
    &lt;b&gt;<i>\n</i>
    """
    characters, rest = visible_characters(text, longest)
    parts = []
    for hidden, run in groupby(characters, itemgetter(1)):
        words = html.escape("".join(shown for shown, _ in run))
        parts.append(f"<i>{words}</i>" if hidden else words)
    if rest:
        parts.append(f'…<span class="cut">{len(text):,} characters</span>')
    return "".join(parts)


def probability(p: float | None) -> str:
    """Return a p-value to two digits; below 10⁻³⁰⁰ it only says so.

    >>> [probability(p) for p in (0.372, 0.0041, 2e-7, 0.0, None)]
    ['0.37', '0.0041', '2·10⁻⁷', '&lt; 10⁻³⁰⁰', '—']
    """
    if p is None or math.isnan(p):
        return NOTHING
    if p < 1e-300:
        return "&lt; 10⁻³⁰⁰"
    if p < 0.001:
        return scientific(p)
    return f"{p:.2f}" if p >= 0.0995 else f"{p:.2g}"


def number(x: float | None) -> str:
    """Return a number to three digits.

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


def duration(seconds: float) -> str:
    """Return a time span.

    >>> duration(0.031), duration(7.25), duration(3700.0)
    ('0.03 s', '7.2 s', '61 min 40 s')
    """
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def decade(exponent: int) -> str:
    """Return a power of ten as the label of an axis."""
    return f"{10.0**exponent:.{-exponent}f}" if -3 < exponent <= 0 else f"10{raised(exponent)}"
