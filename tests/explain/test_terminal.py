"""The view in a terminal: widths, colours, brackets, and nothing invisible."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.explained import HOSTILE, tokenizers
from support.strategies import STRINGS

from bytepiece.explain.shown import hue, palette_colour, shown, width
from bytepiece.explain.terminal import LEAST_COLUMNS, terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
KINDS = st.sampled_from(["ours", "characters", "unknown", "bpe"])


def explain(kind, text, **options):
    options = {"nbest": 3, "samples": 0, **options}
    return tokenizers()[kind].explain(text, **options)


def test_each_token_has_its_facts_below_it():
    assert terminal([explain("ours", "then", nbest=2, alpha=0.5)], 60, False) == (
        "alpha 0.5   tokens 2   probability 99.8 %\n"
        "expected tokens 2.00 ± 0.04   entropy 0.0202 bits   paths 3\n"
        "\n"
        "       the     n\n"
        "id     260     113\n"
        "score  −3.50   −12.00\n"
        "sure % 100 100 100 100\n"
        "\n"
        "best paths: probability, tokens, pieces\n"
        "   99.8 %     2 the n\n"
        "   0.19 %     3 th e n\n"
    ).replace("8 %", "8\N{NO-BREAK SPACE}%").replace("9 %", "9\N{NO-BREAK SPACE}%")


def test_bytes_of_one_character_are_joined_by_a_bracket():
    lines = terminal([explain("ours", "a今b")], 60, False).split("\n")
    assert "       a       \\xe4    \\xbb    \\x8a    b" in [line.rstrip() for line in lines]
    assert re.search(r"^ {15}╰─+今─+╯$", "\n".join(lines), re.M)


def test_a_bracket_goes_on_in_the_next_line():
    text = terminal([explain("ours", "👍")], 30, False)
    assert text.count("╰") == text.count("╯") == 1
    assert text.count("👍") == 2


@given(STRINGS, KINDS, st.integers(1, 130))
def test_no_line_is_wider_than_the_terminal(text, kind, columns):
    found = terminal([explain(kind, text)], columns, False)
    for line in found.split("\n"):
        assert width(line) <= max(columns, LEAST_COLUMNS), line


@given(STRINGS, KINDS)
def test_nothing_is_invisible(text, kind):
    found = terminal([explain(kind, text)], 80, False)
    for char in found.replace("\n", "").replace("\N{NO-BREAK SPACE}", ""):
        assert char.isprintable(), ascii(char)


@given(STRINGS, KINDS, st.integers(20, 100))
def test_colours_change_nothing_else(text, kind, columns):
    two = [explain(kind, text, name="one"), explain("unigram", text, name="two")]
    coloured = terminal(two, columns, True)
    plain = terminal(two, columns, False)
    bare = [line.rstrip() for line in COLOUR.sub("", coloured).split("\n")]
    assert bare == [line.rstrip() for line in plain.split("\n")]
    assert "\x1b" not in plain


def test_an_id_always_has_the_same_colour():
    assert [palette_colour(id_) for id_ in (0, 1, 2, 50_000)] == [114, 189, 151, 210]
    assert [hue(id_) for id_ in (0, 1, 2, 50_000)] == [0, 222, 84, 251]


def test_a_model_is_set_beside_another():
    two = [explain("ours", "the hat", name="a.model"), explain("bpe", "the hat", name="b.json")]
    text = terminal(two, 80, False)
    assert "a.model  the│▁│h│a│t│\n" in text
    assert "b.json   the│▁ h│at │\n".replace("▁ h│at ", "▁│h│a t") in text
    assert "Merges choose the encoding" in text
    assert text.index("tokens") < text.index("a.model  the")


def test_a_long_path_is_shown_where_it_differs():
    found = explain("ours", "the cat and the hat " * 20, nbest=2, alpha=0.1)
    lines = terminal([found], 80, False).split("best paths")[1].split("\n")
    assert lines[1].endswith(" (the encoding)")
    assert "…" in lines[2]
    assert len(lines) < 6


@pytest.mark.parametrize("text", [*HOSTILE, "\u0301", "ￚ", "\u2800"])
def test_pieces_are_visible(text):
    seen = shown(text.encode())
    assert seen.isprintable()
    assert not any(unicodedata.category(char) in ("Cf", "Cc", "Zs") for char in seen)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_different_pieces_are_shown_differently(one, other):
    assert (shown(one) == shown(other)) == (one == other)
