"""Numbers in JSON as Hugging Face's tokenizers reads them, which is not quite what they say.

Its reader takes the digits as a whole number, in float64, and divides by a power of ten, also in
float64. Of numbers in their shortest spelling a third comes out as a neighbour, and paths that tie
with the numbers as they are spelled do not tie there, or the other way round.
"""

import re

_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)
_LARGEST_POWER = 308
_MOST_DIGITS = 20
"""Of a whole number below 2^64."""


def read(text: str) -> float:
    """The number that tokenizers makes of a number's spelling in JSON; infinite if too large.

    Raises:
        ValueError: the text is no number.

    >>> read("-0.1"), read("-10.714219706003561")
    (-0.1, -10.71421970600356)
    """
    parts = _NUMBER.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r:.60} is no number")
    sign, whole, rest, power = parts.groups(default="")
    digits = whole + rest
    zeros = len(digits) - len(digits.lstrip("0"))
    most = zeros + _MOST_DIGITS
    if len(digits) > most or int(digits[zeros:] or 0) >> 64:
        # The digits that no longer fit are dropped.
        digits = digits[: most - (int(digits[zeros:most] or 0) >> 64 > 0)]
    value = float(int(digits[zeros:] or 0))
    # Not even all of a power is looked at: what has more digits is as good as infinite.
    exponent = int(power[:_MOST_DIGITS] or 0) + len(whole) - len(digits)
    while value and exponent < -_LARGEST_POWER:
        value /= 10.0**_LARGEST_POWER
        exponent += _LARGEST_POWER
    # Powers from their spelling: those that are multiplied up are not all exact.
    if exponent < 0:
        value /= float(f"1e{-exponent}")
    elif value:
        value *= float(f"1e{exponent}")
    return -value if sign else value


def spelled(value: float) -> str:
    """A spelling of a number that tokenizers and every other reader read as this very number.

    In some spellings with more digits than are needed, the two errors of `read` cancel. There is
    one for every number of 10⁻⁶ to 10⁶; of others, it is the shortest.

    >>> spelled(-0.1), spelled(-11.369963023099808), spelled(-1e30)
    ('-0.10000000000000000555', '-11.369963023099808552', '-1e+30')
    """
    above, below = abs(value).as_integer_ratio()
    for places in range(22, 0, -1):
        digits = (2 * above * 10**places + below) // (2 * below)
        if digits >> 64:
            continue
        whole, rest = divmod(digits, 10**places)
        text = f"{'-' * (value < 0)}{whole}.{rest:0{places}d}"
        if read(text) == float(text) == value:
            return text
    return repr(value)
