"""The page of error messages: each has an example that prints it, a cause and a remedy.

`test_docs.py` runs the examples, so each message is one that the program really gives.
"""

import re

import pytest
from support import ROOT

PAGE = (ROOT / "docs" / "error-messages.md").read_text("utf-8")
SECTIONS = [part.split("\n", 1) for part in re.split(r"^### ", PAGE, flags=re.M)[1:]]


def pattern(title):
    """Return the pattern of a title, in which words of capital letters stand for anything."""
    parts = re.split(r"(?<![$A-Z_])[A-Z]{2,}(?![A-Z_])|\b(?:N)\b", title.replace("\\`", "`"))
    return ".+".join(map(re.escape, parts))


@pytest.mark.parametrize(("title", "text"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_an_example_gives_the_message(title, text):
    examples = "".join(re.findall(r"^```(?:console|python)\n(.*?)^```", text, re.M | re.S))
    printed = [line for line in examples.splitlines() if not re.match(r"\$ |>>> ", line)]
    assert any(re.search(pattern(title), line) for line in printed), printed


@pytest.mark.parametrize(("title", "text"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_a_message_has_a_cause_and_a_remedy(title, text):
    assert re.search(r"^\*\*Cause\.\*\* .*^\*\*Remedy\.\*\* ", text, re.M | re.S)
