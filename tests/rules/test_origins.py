"""Origins: where each byte of a normalized text comes from, for every step of normalization."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import BYTES, STRINGS

from bytepiece.rules.origins import (
    by_byte,
    of_edits,
    of_form,
    of_matches,
    of_step,
    replace_invalid,
    trace,
    traced,
)
from bytepiece.rules.text import to_bytes

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
JOINING = st.text(
    # Marks of several classes, jamo that compose, a syllable, a mark in half width, vowel signs of
    # class 0, and characters that become several.
    "ae\u0301\u0302\u0323\u0327 각가ｶﾞ\u09c7\u09be\u09d7ﬁ㍿½\u0344\U0001d15e\n",
    max_size=12,
)
RAW = (JOINING | STRINGS).map(to_bytes) | BYTES


@pytest.mark.parametrize("form", FORMS)
@given(RAW)
def test_forms_work_part_by_part(form, raw):
    """Normalized apart, the text on the two sides of a part's beginning gives the same text."""
    after, origins = trace(raw, [of_form(form)])
    assert after == to_bytes(raw, [form])
    assert len(origins) == len(after) + 1
    assert origins[-1] == len(raw)
    assert origins[0] == 0 or not after
    for place in range(1, len(after)):
        low, high = origins[place - 1 : place + 1].tolist()
        assert low <= high <= len(raw)
        if low < high:
            assert to_bytes(raw[:high], [form]) == after[:place]
            assert to_bytes(raw[high:], [form]) == after[place:]


def test_parts_of_forms_are_small():
    for form, text, expected in (
        ("NFC", "xe\u0301\u0302y", [0, 1, 3, 4, 5]),
        ("NFC", "\u1100\u1161\u11a8!", [0, 3, 4]),
        ("NFC", "a\u0301\u0323b", [0, 0, 3, 4]),
        ("NFD", "x\u00e9y", [0, 1, 1, 2, 3]),
        ("NFKC", "㍿ works", [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]),
        ("NFKC", "\uff76\uff9ea", [0, 2, 3]),
    ):
        assert of_form(form)(text)[1].tolist() == expected


def stripped(text):
    return "".join(char for char in text if not unicodedata.combining(char))


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, stripped])
@given(JOINING | STRINGS)
def test_steps_that_change_characters(change, text):
    def step(part):
        return "".join(map(change, part))

    after, origins = traced(step)(text)
    assert after == step(text)
    sizes = [len(step(char)) for char in text]
    expected = [place for place, size in enumerate(sizes) for _ in range(size)]
    # Characters that vanish beside equal ones may be told apart in several ways.
    assert [text[i] for i in origins[:-1]] == [text[i] for i in expected]
    if "".join(after) != text and change is not stripped:
        assert origins[:-1].tolist() == expected


@given(st.text("ab ▁\n", max_size=9), st.sampled_from(["a", " {2,}", "[ab]+", "a|^", "b*"]))
def test_matches_that_are_replaced(text, pattern):
    for new in ("", "x", "xyz"):
        expected, done = [], 0
        for match in re.finditer(pattern, text):
            expected += [*range(done, match.start()), *[match.start()] * len(new)]
            done = match.end()
        expected += range(done, len(text) + 1)
        found = of_matches(text, pattern, len(new)).tolist()
        assert found == expected
        assert len(found) == len(re.sub(pattern, new, text)) + 1


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        (str.strip, "  ab ", [2, 3, 5]),
        (str.strip, "   ", [3]),
        ("▁".__add__, "▁a", [0, 0, 1, 2]),
        (lambda text: text.replace("''", '"'), "a''b''c", [0, 1, 1, 1, 6, 7]),
        (lambda text: text[::-1], "abc", [0, 0, 0, 3]),
    ],
)
def test_any_other_step(step, text, expected):
    assert of_step(step, text, step(text)).tolist() == expected


@given(BYTES)
def test_invalid_bytes_that_are_replaced(raw):
    after, origins = trace(raw, [replace_invalid])
    assert after == raw.decode("utf-8", "replace").encode()
    for place, origin in enumerate(origins.tolist()[:-1]):
        if after[place] < 0x80:
            assert raw[origin] == after[place]
    assert origins.tolist() == sorted(origins.tolist())


def test_bytes_have_their_own_origins_where_nothing_changed():
    assert by_byte(b"a\xc3\xa9", b"a\xc3\xa9", of_edits(3, [(1, 3, 2)])).tolist() == [0, 1, 2, 3]
    # Removed text belongs to the whole first part, or to the space in front.
    assert by_byte(b"  \xc3\xa9", b"\xc3\xa9", np.array([2, 2, 4])).tolist() == [0, 0, 4]
    assert by_byte(b"  a", b" a", np.array([2, 2, 3])).tolist() == [0, 2, 3]
    assert by_byte(b" ", b"", of_edits(1, [(0, 1, 0)])).tolist() == [1]
