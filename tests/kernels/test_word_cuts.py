"""Texts are cut into words like the package regex and the library tokenizers cut them."""

import random
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference_bpe
from support.reading import SAMPLE
from support.strategies import JIT

from bytepiece.encoding.word_cuts import cut_words
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.kernels.words import cut
from bytepiece.rules.word_automaton import word_automaton
from bytepiece.rules.word_pattern import PatternError
from bytepiece.rules.words import CL100K, GPT2, O200K, QWEN2, WordCut

PATTERNS = {
    "gpt2": GPT2,
    "cl100k": CL100K,
    "cl100k, possessive": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+|"
    r" ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++\z|\s*[\r\n]|\s+(?!\S)|\s",
    "o200k": O200K,
    "qwen2": QWEN2,
    "tekken": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "deepseek, numbers": r"\p{N}{1,3}",
    "deepseek, signs": "[一-龥぀-ゟ゠-ヿ]+",
    "deepseek": r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"
    r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "bloom": r" ?[^\s.,!?…。，、।۔،()|]+",
    "lazy": r"a+?b|a{2,3}?|(?:é|日本)*?!",
    "digits": r"\d{3}(?=\d)|\d|\P{L}\S",
}
CHARS = [
    *"abzAZsStTrRlLdvemMK'0129 \t\n\r/.,!?-_(|é日本ᾳǅʰÀ٣½’ſ\0",
    *("\u0301", "\u00a0", "\u3000", "\u2028", "\u200b", "😀", "\ud7a3", "K", "ぁ"),
    *("'s", "'LL", " the", "  ", "\n\n", " \r\n"),
]
TIMES = 600 if JIT else 20


def words(given, pattern, behavior="isolated", invert=False):
    text = np.frombuffer(given, dtype=np.uint8)
    ends, special = np.array([0, len(text)]), np.array([-1], dtype=np.int32)
    bounds, part_of = cut_words([WordCut(pattern, behavior, invert)], text, ends, special)
    assert not part_of.any()
    return [given[a:b] for a, b in pairwise(bounds.tolist())]


def texts(seed, count):
    rng = random.Random(seed)
    for number in range(count):
        raw = "".join(rng.choices(CHARS, k=rng.randrange(16))).encode()
        if number % 4 == 0:
            raw += bytes(rng.choices(range(256), k=2))
        if number % 5 == 0:
            raw = raw[rng.randrange(len(raw) + 1) :]
        yield raw
    yield SAMPLE.encode()[: 20_000 if JIT else 500]


@pytest.mark.parametrize("name", PATTERNS)
def test_the_package_regex_finds_the_same_words(name):
    regex = pytest.importorskip("regex", reason="regex is not installed")
    pattern = PATTERNS[name]
    theirs = regex.compile(pattern.replace(r"\z", r"\Z"))
    for raw in texts(7, TIMES):
        text = raw.decode("utf-8", "surrogateescape")
        expected = reference_bpe.cut(text, [found.span() for found in theirs.finditer(text)])
        assert words(raw, pattern) == [w.encode("utf-8", "surrogateescape") for w in expected]


@pytest.mark.parametrize("behavior", ["isolated", "contiguous", "with-previous", "with-next"])
@given(text=st.text("ab,é", max_size=12), invert=st.booleans())
def test_behaviors(behavior, text, invert):
    for pattern in (",", "a+", "[ab]b?"):
        found = [match.span() for match in re.finditer(pattern, text)]
        expected = reference_bpe.cut(text, found, behavior, invert)
        assert words(text.encode(), pattern, behavior, invert) == [w.encode() for w in expected]


def test_cuts_follow_each_other_within_the_words():
    text = np.frombuffer(b"ab12345 cd", dtype=np.uint8)
    cuts = [WordCut(r"\p{N}{1,3}"), WordCut(r" ?\w+".replace(r"\w", "[a-z0-9]"))]
    special = np.array([-1, 9, -1], dtype=np.int32)
    bounds, part_of = cut_words(cuts, text, np.array([0, 4, 4, 10]), special)
    assert bounds.tolist() == [0, 2, 4, 4, 7, 10]
    assert part_of.tolist() == [0, 0, 1, 2, 2]


def test_a_look_ahead_ends_with_the_part():
    assert words(b"a  b", GPT2) == [b"a", b" ", b" b"]
    assert words(b"a  ", GPT2) == [b"a", b"  "]


def test_long_runs_take_linear_time():
    size = 1_000_000 if JIT else 2_000
    for pattern in [PATTERNS[name] for name in PATTERNS if name != "lazy"]:
        for unit in (b"a", b" ", b"\n", b" \n", b"A", "日".encode(), b"1", b".", b"'"):
            assert b"".join(words(unit * size, pattern)) == unit * size


def test_a_pattern_that_takes_quadratic_time_is_given_up():
    with pytest.raises(ArgumentError, match="takes too long"):
        words(b"a" * 4000, "a*b|a")
    assert words(b"aab", "a*b|a") == [b"aab"]


def test_the_room_for_words_grows():
    automaton = word_automaton("[ab]")
    text = np.frombuffer(b"ab" * 500, dtype=np.uint8)
    kept = np.array([0, 1, 1, 1], dtype=np.uint8)
    found = cut(automaton, kept, text, np.array([0, 1000]), np.array([-1], dtype=np.int32))
    assert found is not None
    assert found[0].tolist() == list(range(1001))


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "a)", "(a", "[a", "[", "a**", "a{2}{3}", "*", "a|*", r"\b", r"\w", r"\p{Han}"),
        *(r"\p{Greek}", "(?<=a)b", "(?=ab)", "(?!a", "a$", "^a", r"\1", "[b-a]", "[[:alpha:]]"),
        *("[a&&b]", "(?i)a", "(?i:é)", "(?P<x>a)", "a++a", r"\s++(?!\S)", "(?:a++b?)+", "a{99}"),
        *("a{3,2}", "\\", "(?:a?)*", "a*+?", "(?:ab)++", r"\x{110000}", r"[\s-a]"),
    ],
)
def test_parts_that_are_not_known_are_named(pattern):
    with pytest.raises(PatternError) as error:
        word_automaton(pattern)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("pattern", ["", "a*", "a?|b", r"\z", "(?=a)", "(?:)"])
def test_patterns_of_the_empty_text_are_refused(pattern):
    with pytest.raises(ModelError, match="empty text"):
        WordCut(pattern)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(" * 40 + "a" + ")" * 40, "groups in groups"),
        ("a" * 20_000, "characters"),
        ("(?:(?:a{64}){64}){64}", "steps"),
        ("[ab]*a" + "[ab]" * 14, "states"),
        ("|".join(chr(0x4E00 + number) for number in range(300)), "kinds of characters"),
    ],
)
def test_patterns_that_are_too_large_are_refused(pattern, message):
    with pytest.raises(ModelError, match=message) as error:
        word_automaton(pattern)
    assert len(str(error.value)) < 200


def test_fields_of_a_cut_are_checked():
    for fields in ((5,), ("a", "removed"), ("a", "isolated", 1)):
        with pytest.raises(ModelError):
            WordCut(*fields)
