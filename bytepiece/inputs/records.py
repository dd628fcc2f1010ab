"""Records, one in each line: JSON objects with a text, and texts with counts."""

import json
from typing import Any

from bytepiece.errors import CorpusError

DEFAULT_FIELD = "text"
"""The field that holds the text if no other is named."""
SUFFIX = ".jsonl"
"""Files with this suffix hold JSON records."""
_MOST_DIGITS = 16
"""No count needs more digits, and Python refuses to read numbers of thousands of digits."""


_OTHER_FIELD = "; --jsonl FIELD, or jsonl_field, names another one"


def text_of(line: bytes, field: str, hint: str = _OTHER_FIELD) -> str:
    """Return the text in a field of a record.

    Args:
        line, field, hint: see `value_of`. The hint also tells what to do if the value is no text.

    Raises:
        CorpusError: if the line is not a record with this text. The message does not name the line.
    """
    text = value_of(line, field, hint)
    if not isinstance(text, str):
        shown = json.dumps(text)
        raise CorpusError(f'the field "{field}" is {shown:.30}, not a text{hint}')
    return text


def value_of(line: bytes, field: str, hint: str = "") -> Any:
    """Return the value of a field of a record.

    Args:
        line: the record.
        field: its name.
        hint: what to do if a record has no such field.

    Raises:
        CorpusError: if the line is not a record with this field. The message does not name the
            line.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"not JSON ({error}); every line must be one JSON object") from None
    if not isinstance(record, dict):
        raise CorpusError(f'not a JSON object; every line must be one, such as {{"{field}": …}}')
    if field not in record:
        known = ", ".join(json.dumps(key[:30]) for key in list(record)[:9]) or "none"
        raise CorpusError(f'no field "{field}"; the fields are: {known}{hint}')
    return record[field]


def counted_text(line: bytes) -> tuple[bytes, int]:
    r"""Return the text and the count in a line of the form text<TAB>count.

    The text may contain tabs, because only the last tab separates.

    Raises:
        CorpusError: if the line does not have this form. The message does not name the line.

    >>> counted_text(b"the cat\t12\r\n")
    (b'the cat', 12)
    """
    text, tab, count = line.rpartition(b"\t")
    count = count.strip()
    if not tab or not count.isdigit() or len(count) > _MOST_DIGITS:
        shown = (count if tab else line.strip()).decode("utf-8", "backslashreplace")
        raise CorpusError(
            f"{shown!r:.40} is not a count: each line of a .tsv file is a text, a tab and how "
            "often it counts; under a name that ends in .txt, lines are read as they are"
        )
    return text, int(count)
