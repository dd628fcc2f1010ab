"""Renew the table in `bytepiece/rules/unicode_categories.py`, from the Unicode data of Python.

Usage: python .ci/unicode_categories.py

Run it with a Python whose `unicodedata.unidata_version` is the wanted version of Unicode (3.14 has
Unicode 16), or with the package unicodedata2 of that version.
"""

import base64
import zlib
from itertools import groupby
from pathlib import Path

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

from bytepiece.rules import unicode_categories

MODULE = Path(unicode_categories.__file__)
WIDTH = 92


def packed_runs():
    """Return the runs of code points of one category: for each a category and a length."""
    out = bytearray()
    numbers = (
        unicode_categories.CATEGORIES.index(unicodedata.category(chr(code)))
        for code in range(0x110000)
    )
    for category, run in groupby(numbers):
        length = sum(1 for _ in run)
        out += bytes([category])
        while length >= 0x80:
            out.append(length & 0x7F | 0x80)
            length >>= 7
        out.append(length)
    return base64.b85encode(zlib.compress(bytes(out), 9)).decode("ascii")


def main():
    """Replace the version and the table."""
    text = packed_runs()
    lines = "".join(f'    "{text[at : at + WIDTH]}"\n' for at in range(0, len(text), WIDTH))
    head, _, rest = MODULE.read_text("utf-8").partition("_RUNS = (\n")
    head = head.replace(unicode_categories.VERSION, unicodedata.unidata_version)
    tail = rest[rest.index(")\n") :]
    MODULE.write_text(f"{head}_RUNS = (\n{lines}{tail}", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
