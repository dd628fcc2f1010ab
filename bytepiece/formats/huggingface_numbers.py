"""Numbers in JSON, read with the rounding errors of Hugging Face's library `tokenizers`.

Its JSON reader turns all digits into one float64 and divides it by a power of ten, which is a
float64 too. So for a third of all numbers, the shortest spelling is read as a neighbouring float64.
Two paths may then tie with the rounded numbers but not with the exact numbers, or the reverse.
"""

import re

_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)
_LARGEST_POWER = 308
_MOST_DIGITS = 20
"""Digits of the largest whole number below 2^64."""


def read(text: str) -> float:
    """Return the number that tokenizers reads from a spelling in JSON; infinite if too large.

    Raises:
        ValueError: if the text is not a number.

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
        # The reader of tokenizers drops the digits that no longer fit into 64 bits.
        digits = digits[: most - (int(digits[zeros:most] or 0) >> 64 > 0)]
    value = float(int(digits[zeros:] or 0))
    # The first digits of the power are enough: a power with more digits is as good as infinite.
    exponent = int(power[:_MOST_DIGITS] or 0) + len(whole) - len(digits)
    while value and exponent < -_LARGEST_POWER:
        value /= 10.0**_LARGEST_POWER
        exponent += _LARGEST_POWER
    # Powers of ten are read from their spelling: repeated multiplication is not always exact.
    if exponent < 0:
        value /= float(f"1e{-exponent}")
    elif value:
        value *= float(f"1e{exponent}")
    return -value if sign else value


def spelled(value: float) -> str:
    """Return a spelling that tokenizers and every other reader read as exactly this number.

    This is the shortest spelling if tokenizers reads it right, as it does for all scores that
    `bytepiece._logarithms.rounded` returns. In some spellings with more digits than necessary, the
    two rounding errors of `read` cancel.
    Numbers from 10⁻⁵ to 10⁵ have such a spelling. Other numbers may have none; then the
    shortest spelling is returned.

    >>> spelled(-0.1), spelled(-10.714219706003561), spelled(-1e30)
    ('-0.1', '-10.714219706003561328', '-1e+30')
    """
    if read(repr(value)) == value:
        return repr(value)
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
