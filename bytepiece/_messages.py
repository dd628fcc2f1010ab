"""Values in messages. Nothing here needs NumPy, which `--help` must not load."""

import operator
from contextlib import suppress


def shown(value: object) -> str:
    """Return the first 30 characters of a value, for a message.

    >>> shown(5), shown("five"), shown(10**5000)
    ('5', "'five'", 'a number of more than 4300 digits')
    """
    if hasattr(value, "__index__") and not isinstance(value, bool):
        with suppress(TypeError):  # an array of several numbers is not one number
            value = operator.index(value)
    try:
        return f"{value!r:.30}"
    except ValueError:  # Python writes whole numbers of at most 4300 digits
        return "a number of more than 4300 digits"
