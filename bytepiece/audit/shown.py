"""Strings from outside, and p-values, in HTML."""

import html
import math
from itertools import groupby
from operator import itemgetter

from bytepiece.display import LONGEST, NOTHING, scientific, visible_characters


def escaped(text: str, longest: int = LONGEST) -> str:
    r"""Return a text in HTML as `bytepiece.display.visible` shows it, with the escapes marked.

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
    """Return a p-value in HTML to two digits, or that it is below 10⁻³⁰⁰.

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
