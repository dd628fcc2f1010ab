"""Patterns that the package regex searches for."""

import pytest

from bytepiece import Model, TextRules, Tokenizer
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.rules import searched_patterns
from bytepiece.rules.merges import Merges
from bytepiece.rules.words import WordCut

pytest.importorskip("regex", reason="regex is not installed")


def tokenizer(pattern):
    rules = TextRules(segment="text", words=(WordCut(pattern),))
    pieces = [*(bytes([byte]) for byte in range(256)), b"ab"]
    ranks = Merges(ranks=[-1] * 256 + [0])
    return Tokenizer(Model(tuple(pieces), [0.0] * 257, None, (), rules, merges=ranks))


@pytest.mark.parametrize(
    "pattern",
    [r"\h+", r"a\K", "[[:alpha:]]+", "[a--b]", "(?s:.)", "(a", "(?:a?)+", r"\w" * (1 << 14)],
)
def test_patterns_that_regex_reads_otherwise_are_refused(pattern):
    with pytest.raises(ModelError, match="pattern") as error:
        WordCut(pattern)
    assert "\n" not in str(error.value)


def test_a_search_has_a_time_limit(monkeypatch):
    tok = tokenizer(r"(?:a|aa|\w)+(?<=c)\b|\w")
    assert tok.decode_bytes(tok.encode("aabc")) == b"aabc"
    monkeypatch.setattr(searched_patterns, "_SECONDS", 0.2)
    with pytest.raises(ArgumentError, match="takes too long"):
        tok.encode("a" * 200 + "b")


def test_places_are_in_bytes_even_where_a_text_is_not_utf8():
    tok = tokenizer(r"(?<=é)ab|\bab")
    for raw in ("éab ab".encode(), b"\xffab\xc3 ab", b"ab\xe9ab"):
        assert b"".join(tok.tokenize(raw)) == raw
        assert b"ab" in tok.tokenize(raw)
