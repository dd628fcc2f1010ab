"""The way from texts to segments, against regular expressions that state the rules."""

import sys
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import reference_texts
from support.kernels import for_python
from support.strategies import BYTES, JIT, STRINGS, TEXTS

from bytepiece import TextRules
from bytepiece.encoding import segmentation
from bytepiece.encoding.segmentation import Marks
from bytepiece.encoding.special import SpecialTokens
from bytepiece.errors import ArgumentError
from bytepiece.kernels import segments
from bytepiece.kernels.digits import ZEROS
from bytepiece.kernels.segments import segment_bounds
from bytepiece.rules import text as rules_text
from bytepiece.rules.text import to_bytes

PLAIN, DIGITS = TextRules(), TextRules(digits="each")
THREES = TextRules(digits="groups-of-three")

TABLE = {int(zero) + i for zero in ZEROS for i in range(10)}
PYTHON = {c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Nd"}
SHARED_DIGITS = "".join(map(chr, sorted(TABLE & PYTHON)))

# Unicode 16 and 17 added these decimal digits; the table has those of Unicode 15.1.
LATER_DIGITS = {
    c
    for first in (0x10D40, 0x116D0, 0x116DA, 0x11BF0, 0x11DE0, 0x16D70, 0x1CCF0, 0x1E5F1)
    for c in range(first, first + 10)
}

digit_length = for_python(segments.digit_length)


def pieces_of(segments):
    """Return the segments of each document: bytes, or the id of a special token."""
    documents = [[] for _ in segments.document_starts]
    bounds = segments.bounds.tolist()
    for i, document in enumerate(segments.documents.tolist()):
        part = segments.text[bounds[i] : bounds[i + 1]].tobytes()
        special = int(segments.special[i])
        assert special == -1 or part == b""
        documents[document].append(part if special == -1 else special)
    return documents


def cut(raw, digit_group=0, most=0):
    """Return the segments of one text, with the limits that training sets."""
    bounds, part_of = segment_bounds(
        np.frombuffer(raw, dtype=np.uint8),
        np.array([0, len(raw)]),
        np.array([-1], dtype=np.int32),
        digit_group,
        most,
    )
    assert part_of.tolist() == [0] * (len(bounds) - 1)
    return [raw[low:high] for low, high in pairwise(bounds)]


# ---- bytes


@given(STRINGS)
def test_a_str_becomes_utf8_with_surrogates(chars):
    assert to_bytes(chars).decode("utf-8", "surrogatepass") == chars


@given(BYTES)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_stay_as_they_are(kind, raw):
    assert to_bytes(kind(raw)) == raw


@given(BYTES)
@example(b"e\xcc\x81\xffe\xcc\x81")
@example(b"e\xff\xcc\x81")
@example(b"\xed\xa0\x80e\xcc\x81")
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_stray_bytes_pass_through_normalization(form, raw):
    expected = reference_texts.normalize(raw, lambda chars: unicodedata.normalize(form, chars))
    assert to_bytes(raw, (form,)) == expected


@given(STRINGS)
def test_str_is_normalized(chars):
    expected = unicodedata.normalize("NFC", chars).encode("utf-8", "surrogatepass")
    assert to_bytes(chars, ("NFC",)) == expected


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@given(
    chars=st.text(st.sampled_from("aAe\u0301\u0323\u1161\u1100\u11a8ﬁé \n1\ud800가"), max_size=40),
    part=st.integers(1, 5),
)
def test_long_texts_are_normalized_in_parts(form, chars, part):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(rules_text, "_PART", part)
        expected = unicodedata.normalize(form, chars).encode("utf-8", "surrogatepass")
        assert to_bytes(chars, (form,)) == expected
        raw = chars.encode("utf-8", "surrogatepass")
        whole = unicodedata.normalize(form, raw.decode("utf-8", "surrogateescape"))
        assert to_bytes(raw, (form,)) == whole.encode("utf-8", "surrogateescape")


def test_normalization_steps_are_applied_in_order():
    for steps, expected in [
        ((), "ﬁé"),
        (("NFD",), "ﬁe\u0301"),
        (("NFC", "NFD"), "ﬁe\u0301"),
        (("NFKD", "NFC"), "fié"),
    ]:
        assert to_bytes("ﬁé", steps).decode() == expected


@pytest.mark.parametrize("value", [None, 5, ["a"], 1.5])
def test_other_types_are_refused(value):
    with pytest.raises(ArgumentError, match="str or bytes"):
        to_bytes(value)


# ---- lines and digits


@given(TEXTS)
@pytest.mark.parametrize(("rules", "digit_group"), [(PLAIN, 0), (DIGITS, 1), (THREES, 3)])
def test_segments_follow_the_regular_expression(rules, digit_group, value):
    (segments,) = pieces_of(segmentation.segment([value], rules))
    assert segments == reference_texts.segments(to_bytes(value), digit_group)


@given(st.text(st.sampled_from(SHARED_DIGITS + "a \n\u0300一"), max_size=30))
def test_digits_of_all_scripts_are_segments(chars):
    for rules, digit_group in [(DIGITS, 1), (THREES, 3)]:
        (segments,) = pieces_of(segmentation.segment([chars], rules))
        assert segments == reference_texts.segments(chars.encode(), digit_group)


def test_groups_of_digits_are_counted_from_the_left():
    text = "in 1234567, ٣1２४5 or 12\n3456"
    expected = ["in ", "123", "456", "7", ", ", "٣1２", "४5", " or ", "12", "\n", "345", "6"]
    assert pieces_of(segmentation.segment([text], THREES)) == [[part.encode() for part in expected]]


@given(st.text(st.sampled_from("aé今👍5٣\n"), max_size=80) | STRINGS, st.sampled_from([1, 3, 10]))
@example("a" * 10 + "\n" * 205 + "b", 10)
@example("a" * 11 + "\n" * 100, 10)
@example("\n" * 101, 10)
@pytest.mark.parametrize("digit_group", [0, 1, 3])
def test_segments_of_training_follow_the_regular_expression(digit_group, chars, most):
    raw = chars.encode("utf-8", "surrogatepass")
    if any("\ud800" <= char <= "\udfff" for char in chars):
        # The twin takes an encoded surrogate for three stray bytes; the kernel for one character.
        assert b"".join(cut(raw, digit_group, most)) == raw
    else:
        assert cut(raw, digit_group, most) == reference_texts.segments(raw, digit_group, most)


@given(BYTES, st.integers(3, 10), st.sampled_from([0, 1, 3]))
@example(b"\x80" * 100, 10, 0)
def test_limits_hold_for_bytes_that_are_not_utf8(raw, most, digit_group):
    segments = cut(raw, digit_group, most)
    assert b"".join(segments) == raw
    for segment in segments:
        line = segment.rstrip(b"\n")
        assert sum(byte & 0xC0 != 0x80 for byte in line) <= most
        assert len(line) <= 4 * most + 1
        assert len(segment) - len(line) <= 100


@pytest.mark.parametrize(
    "raw",
    [
        b"\xc0\xb5",
        b"\xe0\x80\xb5",
        b"\xf0\x80\x80\xb5",
        b"\xe0\x99\xa3",
        b"\xf0\x80\x99\xa3",
        b"\xd9",
        b"\xd9\x29",
        b"\xef\xbc",
        b"\xed\xa0\xb5",
        b"\xf5\x9d\x9f\x8e",
        b"\xf4\x90\x80\x80",
        b"\xff\xbc\x95",
    ],
)
def test_overlong_and_broken_digits_are_no_digits(raw):
    assert cut(b"a" + raw + b"b", digit_group=1) == [b"a" + raw + b"b"]


def test_the_digit_table_agrees_with_unicode():
    missing = PYTHON - TABLE
    assert len(TABLE) == 680
    assert missing <= LATER_DIGITS
    assert all(unicodedata.category(chr(c)) == "Cn" for c in TABLE - PYTHON)
    assert list(ZEROS) == sorted(ZEROS)


def test_the_code_points_around_digits_are_told_apart():
    around = sorted({c + i for c in ZEROS for i in (-1, 0, 9, 10)} - {0x2F + 0x800})
    for char in around if JIT else around[::7]:
        raw = chr(char).encode()
        expected = len(raw) if char in TABLE else 0
        assert digit_length(np.frombuffer(raw, dtype=np.uint8), 0, len(raw)) == expected


def test_a_digit_that_the_end_of_the_text_cuts_is_no_digit():
    raw = np.frombuffer("٣".encode(), dtype=np.uint8)
    assert digit_length(raw, 0, 1) == 0
    assert digit_length(raw, 0, 2) == 2


# ---- batches


@given(st.lists(TEXTS, max_size=6), st.booleans(), st.booleans())
def test_documents_stay_apart(texts, bos, eos):
    segments = segmentation.segment(texts, DIGITS, Marks(1 if bos else None, 2 if eos else None))
    expected = [
        [1] * bos + reference_texts.segments(to_bytes(value), 1) + [2] * eos for value in texts
    ]
    assert pieces_of(segments) == expected
    lengths = [len(to_bytes(value)) for value in texts]
    assert segments.document_starts.tolist() == [sum(lengths[:i]) for i in range(len(texts))]


# ---- special tokens

NAMES = st.lists(
    st.sampled_from(["<a>", "<a", "a>", ">", "<a><a>", "<é>", "ab", "abab", "b", "aba"]),
    unique=True,
    max_size=5,
)
FORGED = st.lists(
    st.sampled_from([b"<", b"a", b">", b"b", b"<a>", b"aba", "é".encode(), b"\xc3", b"\n"]),
    max_size=20,
).map(b"".join)


@given(FORGED, NAMES)
@example(b"abab", ["aba", "abab"])
@example(b"ababa", ["aba", "ba"])
@example(b"<a<a>", ["<a", "<a><a>"])
def test_special_tokens_are_found_leftmost_longest(raw, names):
    stretches, found = SpecialTokens(dict.fromkeys(names, 0)).split(raw)
    expected = [part for part in reference_texts.split_special(raw, names) if part]
    assert [stretch for stretch in stretches if stretch] == [
        part for part in expected if isinstance(part, bytes)
    ]
    assert [name.decode() for name in found] == [part for part in expected if isinstance(part, str)]


@given(st.lists(st.sampled_from(["<", "<a", "a>", "<a>", "b", "é", "x" * 9]), max_size=40))
def test_more_names_do_not_change_which_special_tokens_are_found(parts):
    """An automaton finds many names, and a regular expression finds few; the two agree."""
    names = ["<", "<a", "<a>", "<ab"]
    many = [f"<{number}>" for number in range(100)]
    raw = "".join(parts).encode()
    stretches, found = SpecialTokens(dict.fromkeys(names + many, 0)).split(raw)
    assert (stretches, found) == SpecialTokens(dict.fromkeys(names, 0)).split(raw)
    assert b"".join(a + b for a, b in zip(stretches, [*found, b""], strict=True)) == raw


def test_stretches_between_special_tokens_are_segments(model):
    allowed = SpecialTokens({"<eos>": 2, "<pad>": 0})
    segments = segmentation.segment(
        ["a\nb<eos>c", "<pad>", "<eos><eos>"], PLAIN, Marks(1, None, allowed)
    )
    assert pieces_of(segments) == [[1, b"a\n", b"b", 2, b"c"], [1, 0], [1, 2, 2]]
    assert segments.document_starts.tolist() == [0, 4, 4]


def test_special_tokens_are_found_before_normalization():
    """Normalization could form their names from other characters."""
    rules = TextRules(normalization=("NFC",))
    segments = segmentation.segment(
        ["e\u0301<é><e\u0301>"], rules, Marks(allowed=SpecialTokens({"<é>": 9}))
    )
    assert pieces_of(segments) == [["é".encode(), 9, "<é>".encode()]]
