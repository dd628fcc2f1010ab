"""JSON records, one a line: what a field of one holds."""

import json
from typing import Any

from bytepiece.errors import CorpusError

DEFAULT_FIELD = "text"
"""The field that holds the text, where none is named."""
SUFFIX = ".jsonl"
"""Files whose names end so hold records."""


def text_of(line: bytes, field: str) -> str:
    """The text in a field of a record.

    Raises:
        CorpusError: the line is not a record that has it; the message does not name the line.
    """
    hint = "; --jsonl FIELD, or jsonl_field, names another one"
    text = value_of(line, field, hint)
    if not isinstance(text, str):
        shown = json.dumps(text)
        raise CorpusError(f'the field "{field}" is {shown:.30}, not a text{hint}')
    return text


def value_of(line: bytes, field: str, hint: str = "") -> Any:
    """The value of a field of a record.

    Args:
        line: the record.
        field: its name.
        hint: what to do where a record has no such field.

    Raises:
        CorpusError: the line is not a record that has it; the message does not name the line.
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
