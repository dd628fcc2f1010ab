"""Print `bytepiece/rules/unicode_categories.py`, from the Unicode data of Python.

Usage: python .ci/unicode_categories.py > bytepiece/rules/unicode_categories.py

Run it with a Python whose `unicodedata.unidata_version` is the wanted version of Unicode (3.14 has
Unicode 16), or with the package unicodedata2 of that version.
"""

import base64
import zlib
from itertools import groupby

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

WIDTH = 92
_NAMES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn"
CATEGORIES = _NAMES.split()


def packed_runs():
    """Return the runs of code points of one category: for each a category and a length."""
    out = bytearray()
    numbers = (CATEGORIES.index(unicodedata.category(chr(code))) for code in range(0x110000))
    for category, run in groupby(numbers):
        length = sum(1 for _ in run)
        out += bytes([category])
        while length >= 0x80:
            out.append(length & 0x7F | 0x80)
            length >>= 7
        out.append(length)
    return base64.b85encode(zlib.compress(bytes(out), 9)).decode("ascii")


HEAD = '''"""The general category of each character, from Unicode {version}.

`.ci/unicode_categories.py` prints this file. The table is our own, because Python's table differs
between versions of Python. tiktoken 0.14 and tokenizers 0.23 have the categories of Unicode 16.
"""

import base64
import zlib
from functools import cache

import numpy as np

from bytepiece._arrays import I64, U8

VERSION = "{version}"
"""The version of Unicode."""
_NAMES = (
    "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn"
)
CATEGORIES = _NAMES.split()
"""The names of the categories."""


@cache
def category_runs() -> tuple[I64, U8]:
    """Return where each run of code points of one category begins, and its category's number."""
    packed = zlib.decompress(base64.b85decode(_RUNS))
    starts, numbers = [], []
    code = at = 0
    while at < len(packed):
        starts.append(code)
        numbers.append(packed[at])
        length = shift = 0
        while True:
            at += 1
            length |= (packed[at] & 0x7F) << shift
            shift += 7
            if packed[at] < 0x80:
                break
        at += 1
        code += length
    return np.array(starts, dtype=np.int64), np.array(numbers, dtype=np.uint8)


_RUNS = (
'''


def main():
    """Print the file."""
    text = packed_runs()
    print(HEAD.format(version=unicodedata.unidata_version), end="")
    for at in range(0, len(text), WIDTH):
        print(f'    "{text[at : at + WIDTH]}"')
    print(')\n"""A category and a length in base 128 for each run: compressed, in Base85."""')


if __name__ == "__main__":
    main()
