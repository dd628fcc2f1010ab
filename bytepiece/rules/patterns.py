r"""Regular expressions of a tokenizer.json that mean the same in Python and cannot take long.

The file's library uses Oniguruma, from 1.0 on another engine. All three search alike for
alternatives of characters, of classes such as `[\n\r\t]` or `[^a-z]`, and of `\s`. The last one of
an alternative may be repeated. `\A` and `\z` are the ends of the text.
"""

import re
from functools import cache

from bytepiece.errors import ModelError
from bytepiece.rules.character_classes import WHITE

_ESCAPE = r"\\[nrts]"
_LETTER = r"[^\\\[\](){}.^$*+?|&~-]"
_ATOM = rf"(?:{_ESCAPE}|{_LETTER}|-|\[\^?(?:{_ESCAPE}|{_LETTER}(?:-{_LETTER})?)+\])"
_BRANCH = re.compile(
    rf"(\\A)?({_ATOM}*?)(?:({_ATOM})(\+|\{{[1-9]\d{{0,2}}(?:,\d{{0,3}})?\}})(\\z)?)?", re.ASCII
)
_LONGEST = 1000


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""Return Python's form of a regular expression.

    Raises:
        ModelError: if the pattern may mean something else there.

    >>> compiled(r"\s{2,}|[\n\r\t]").sub(" ", "a  b\tc\u2003\u3000d e")
    'a b c d e'
    """
    branches = [_BRANCH.fullmatch(branch) for branch in pattern[: _LONGEST + 1].split("|")]
    if len(pattern) <= _LONGEST and all(branches):
        python = "|".join(_translated(branch) for branch in branches if branch)
        try:
            found = re.compile(python)
        except re.error:
            found = None
        # A match of nothing is found at other places by each library.
        if found and not found.match(""):
            return found
    raise ModelError(f"the regular expression {pattern!r:.60} cannot be read")


def _translated(branch: re.Match[str]) -> str:
    first, start, last, most, end = (_in_python(part or "") for part in branch.groups())
    # The pattern looks back, so that a run in the middle of a text is read only once.
    back = f"(?<!{last})" if end and not start and not first else ""
    return first + back + start + last + most + end


def _in_python(part: str) -> str:
    inside = re.sub(r"\[.*?\]", lambda found: found[0].replace(r"\s", WHITE), part)
    return inside.replace(r"\s", f"[{WHITE}]").replace(r"\z", r"\Z")
