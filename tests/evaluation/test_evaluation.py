"""The measures of models on a text, compared with slow twins written from their definitions."""

import json
import math
import unicodedata
from collections import Counter
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.evaluation import TEXT, characters, shares
from support.reference import best_path
from support.strategies import (
    BYTES,
    INTEGER_SCORES,
    JIT,
    TEXTS,
    make_model,
    scores_of,
    vocabularies,
)

import bytepiece
from bytepiece import Tokenizer, evaluate
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.evaluation import run
from bytepiece.evaluation.plot import plot
from bytepiece.evaluation.report import table, to_json
from bytepiece.evaluation.scripts import SCRIPTS, ScriptCodes, has_words, script_of, words


def word_counts(text):
    """Return the number of words of each script."""
    counts = Counter()
    previous = None
    for _, script in characters(text):
        if script != previous and has_words(script):
            counts[script] += 1
        previous = script
    return counts


def entropies(tokens):
    """Return Shannon's entropy, and Rényi's entropy of order 2.5, in bits."""
    p = [n / len(tokens) for n in Counter(tokens).values()]
    return -sum(x * math.log2(x) for x in p), math.log2(sum(x**2.5 for x in p)) / (1 - 2.5)


# Scripts


@pytest.mark.parametrize(
    ("chars", "script"),
    [
        ("azéŁﬀＡªKDž", "Latin"),
        ("жЩ", "Cyrillic"),
        ("汉㐀豈", "Han"),
        ("あゟ", "Hiragana"),
        ("アｱ", "Katakana"),
        ("한ᄀ", "Hangul"),
        ("αΩ", "Greek"),
        ("אبक", None),
        ("ไ", "Thai"),
        ("ꤊ", "Kayah Li"),  # the name in Unicode
        ("々", "Han"),
        ("ᥐ", "Tai Le"),
        ("ᦀ", "New Tai Lue"),
        ("𐌀", "Old Italic"),
        (" 7٣.,!\n\0€♥👍１", "Common"),
        ("\ue000\U000e0080", "Unknown"),
        ("\udc80", "not UTF-8"),
    ],
)
def test_scripts_by_name(chars, script):
    assert [script_of(char) for char in chars if script is not None] == [script] * (
        len(chars) if script else 0
    )


def test_marks_and_joiners_take_the_script_of_the_character_before_them():
    assert [script_of(char) for char in "\u0301\u200dʼーﾞ\ufe0f"] == [None] * 6
    text = "e\u0301 \u0301 カーд\u0301"
    assert [s for _, s in characters(text.encode())] == [
        *("Latin", "Latin", "Common", "Common", "Common"),
        *("Katakana", "Katakana", "Cyrillic", "Cyrillic"),
    ]


def test_every_character_has_a_script():
    names = {script_of(chr(point)) for point in range(0x110000)}
    assert {"Latin", "Han", "Common", "Arabic", None} <= names
    assert len(names) < 200
    for name in names - {None}:  # no word of a character's name that is not a script
        assert name.isascii()
        assert name.upper() not in unicodedata.name("\u2102")


@given(TEXTS)
def test_characters_of_a_text(text):
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    scripts = ScriptCodes()
    found = scripts.characters(raw)
    expected = characters(raw)
    assert [SCRIPTS[code] for code in found.scripts.tolist()] == [s for _, s in expected]
    assert found.lengths.tolist() == [len(char) for char, _ in expected]
    assert len(found.by_byte()) == len(raw)
    counts = dict(zip(SCRIPTS, words(found).tolist(), strict=True))
    assert {s: n for s, n in counts.items() if n} == word_counts(raw)


# Models of this library


def check(model, texts, found):
    """Check every measure of a model of this library, without rules for text, by its best paths."""
    scores = scores_of(model)
    lines = [line for text in texts for line in text.split(b"\n") if line]
    rows = [best_path(line, scores) for line in lines]
    tokens = [piece for row in rows for piece in row]
    measures = found.models[0]
    assert measures.tokens == len(tokens)
    assert found.bytes == sum(map(len, texts))
    assert found.lines == len(lines)
    assert found.line_bytes == sum(map(len, lines))
    assert measures.bytes_per_token == found.line_bytes / len(tokens)
    segments = [segment for text in texts for segment in run._SEGMENT.findall(text)]
    with_ends = [piece for segment in segments for piece in best_path(segment, scores)]
    assert b"".join(with_ends) == b"".join(texts)
    assert measures.tokens_with_line_ends == len(with_ends)
    assert measures.bytes_per_token_with_line_ends == found.bytes / len(with_ends)
    assert measures.keeps_line_ends
    assert measures.lossless == 1
    assert measures.lossless_lines == len(lines)
    assert set(measures.unused) == set(model.pieces) - set(tokens) - set(with_ends)
    shannon, renyi = entropies(tokens)
    size = math.log2(model.vocab_size)
    assert measures.entropy == pytest.approx(shannon, abs=1e-12)
    assert measures.efficiency == pytest.approx(shannon / size, abs=1e-12)
    assert measures.renyi_efficiency == pytest.approx(renyi / size, abs=1e-12)
    text_characters = [pair for line in lines for pair in characters(line)]
    assert found.characters == len(text_characters)
    assert measures.tokens_per_character == len(tokens) / len(text_characters)
    counts = Counter(script for _, script in text_characters)
    assert {s.name: s.characters for s in found.scripts} == counts
    assert [s.characters for s in found.scripts] == sorted(counts.values(), reverse=True)
    words_by_script = sum((word_counts(line) for line in lines), Counter())
    expected = shares(rows)
    assert sum(expected.values()) == len(tokens)
    for script in found.scripts:
        use = measures.scripts[script.name]
        size = sum(len(char) for char, name in text_characters if name == script.name)
        assert script.bytes == size
        assert script.words == (words_by_script[script.name] if has_words(script.name) else None)
        assert use.tokens == pytest.approx(float(expected[script.name]), rel=1e-12)
        assert use.bytes_per_token == pytest.approx(size / use.tokens)
        assert use.tokens_per_character == use.tokens / script.characters
        assert use.tokens_per_word == (use.tokens / script.words if script.words else None)
    assert measures.unknown_tokens == 0
    assert measures.notes == ()


@given(st.lists(BYTES, min_size=1, max_size=4))
def test_measures_of_any_bytes(model, texts):
    if any(text.strip(b"\n") for text in texts):
        check(model, texts, evaluate([model], texts))


@given(vocabularies(INTEGER_SCORES), st.lists(st.sampled_from(b"ab\xe4\n"), min_size=1).map(bytes))
def test_measures_of_any_vocabulary(scores, text):
    if text.strip(b"\n"):
        model = make_model(scores)
        check(model, [text], evaluate([model], [text]))


def test_measures_of_a_text_in_several_scripts(model):
    check(model, [TEXT.encode()], evaluate([model], [TEXT]))


def test_batches_and_threads_change_nothing(model, monkeypatch):
    other = make_model({b"cat": -2.0})
    texts = [TEXT, "the\n" * 99, "", "汉字"]
    whole = evaluate([model, other], texts, threads=2)
    monkeypatch.setattr(run, "_BATCH", 1)
    assert evaluate([model, other], iter(texts), threads=1) == whole


def test_a_file_is_read_like_a_text(model, tmp_path, monkeypatch):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    assert evaluate([model], path) == evaluate([model], [TEXT])
    records = tmp_path / "text.jsonl"
    records.write_text("".join(json.dumps({"text": t}) + "\n" for t in (TEXT, "the")), "utf-8")
    assert evaluate([model], bytepiece.Files([records])) == evaluate([model], [TEXT, "the"])


def test_a_model_that_normalizes_is_not_lossless():
    model = make_model({"é".encode(): -2.0}, rules=bytepiece.TextRules(("NFC",)))
    found = evaluate([model], ["e\u0301x\nplain\n"])
    measures = found.models[0]
    assert (measures.lossless_lines, measures.lossless) == (1, 0.5)
    assert measures.tokens == 2 + 5
    assert found.characters == 3 + 5
    assert measures.scripts["Latin"].tokens == 7


def test_isolated_digits_make_longer_pieces_unreachable():
    rules = bytepiece.TextRules(digits="each")
    model = make_model({b"12": -1.0, b"1a": -1.0, b"ab": -1.0}, rules=rules)
    measures = evaluate([model], ["12 1a ab"]).models[0]
    assert set(measures.unreachable) == {b"12", b"1a"}


@pytest.mark.parametrize(("score", "reachable"), [(-1.5, True), (-2.0, True), (-2.5, False)])
def test_the_longer_piece_wins_a_tie(score, reachable):
    model = make_model({b"a": -1.0, b"b": -1.0, b"ab": score})
    assert evaluate([model], ["ab"]).models[0].unreachable == (() if reachable else (b"ab",))


@pytest.mark.parametrize("piece", [b"\na", b"a\nb"])
def test_no_piece_crosses_a_line_end(piece):
    model = make_model({piece: 0.0, b"a\n\n": -1.0})
    assert evaluate([model], ["ab"]).models[0].unreachable == (piece,)


@given(vocabularies(INTEGER_SCORES))
def test_unreachable_pieces_are_in_no_best_path(scores):
    model = make_model(scores)
    unreachable = evaluate([model], ["a"]).models[0].unreachable
    longest = 6 if JIT else 4
    texts = [bytes(t) for n in range(1, longest + 1) for t in product(b"ab\xe4", repeat=n)]
    tok = Tokenizer(model)
    used = {tok.decode_bytes([i]) for i in set(tok.encode_batch(texts).ids.tolist())}
    assert not used & set(unreachable)
    reachable = {piece for piece in scores if len(piece) <= longest} - set(unreachable)
    assert reachable <= used


def test_entropy_of_equal_tokens_and_of_different_tokens():
    model = make_model({})
    alike = evaluate([model], ["aaaa"]).models[0]
    assert (alike.entropy, alike.renyi_efficiency) == (0, 0)
    assert str(alike.entropy) == "0.0"
    different = evaluate([model], ["abcd"]).models[0]
    assert different.entropy == 2
    assert different.renyi_efficiency == pytest.approx(2 / math.log2(259))


@pytest.mark.parametrize(
    ("counts", "shannon", "renyi"),
    # Zouhar et al.'s own program is tokenization-scorer. Its tests expect these values for two
    # texts. (The figures in its README are for order 3.)
    [
        ([3, 2, 1, 1], 1.8423709931771088, 1.653012966845049),
        ([3, 3, 2, 2, 1], 2.2312702546075758, 2.1372977167241545),
    ],
)
def test_entropies_equal_those_of_their_authors(counts, shannon, renyi):
    assert run._entropies(np.array([0, *counts])) == pytest.approx((shannon, renyi), rel=1e-14)


def test_overlap_compares_bytes():
    one, two = make_model({b"ab": -1.0, b"cd": -1.0}), make_model({b"ab": -9.0})
    assert evaluate([one, two], ["x"]).overlap == ((1.0, 257 / 258), (1.0, 1.0))


@pytest.mark.parametrize("corpus", [[], [""], ["\n\n"], iter([b""])])
def test_a_corpus_without_lines_is_refused(model, corpus):
    with pytest.raises(CorpusError, match="nothing to measure"):
        evaluate([model], corpus)


@pytest.mark.parametrize(
    ("models", "corpus", "options"),
    [
        ("a.model", [TEXT], {}),
        ([], [TEXT], {}),
        ([7], [TEXT], {}),
        ([make_model({})], TEXT.encode(), {}),
        ([make_model({})], 7, {}),
        ([make_model({})], [TEXT], {"threads": 0}),
        ([make_model({})], [TEXT], {"threads": "2"}),
    ],
)
def test_arguments_out_of_range(models, corpus, options):
    with pytest.raises(ArgumentError):
        evaluate(models, corpus, **options)


def test_a_corpus_of_numbers_is_refused(model):
    with pytest.raises(CorpusError, match="must be str or bytes"):
        evaluate([model], [7])


# The table, the JSON and the plot


@pytest.fixture(scope="module")
def found(model):
    return evaluate({"one": model, "<two> & \x1b[2J": make_model({})}, [TEXT * 30])


def test_the_table(found):
    shown = table(found)
    lines = shown.splitlines()
    assert all(line == line.rstrip() for line in lines)
    heads = lines[2].split("  ")
    assert [head.strip() for head in heads if head.strip()] == ["one", "<two> & \\x1b[2J"]
    rows = {line.split("  ")[0]: line.split()[-2:] for line in lines if not line.startswith(" ")}
    one, two = found.models
    assert rows["vocabulary"] == [str(one.vocab_size), str(two.vocab_size)]
    assert rows["Rényi efficiency"] == [f"{m.renyi_efficiency:.4f}" for m in found.models]
    assert f"  Cyrillic{'':1}" in shown.split("tokens per word")[1]
    assert "Han" not in shown.split("tokens per word")[1]
    assert "\x1b" not in shown


def test_a_table_of_one_model_has_no_overlap(model):
    assert "has, too" not in table(evaluate([model], [TEXT]))


def test_everything_is_in_the_json(found):
    read = json.loads(to_json(found))
    assert read["lines"] == found.lines
    assert read["models"][0]["scripts"]["Han"]["tokens"] == found.models[0].scripts["Han"].tokens
    assert len(read["models"][0]["unused"]) == len(found.models[0].unused)
    assert read["overlap"][0][0] == 1.0


def test_the_plot_is_well_formed_and_needs_no_other_file(found):
    svg = plot(found)
    tree = ElementTree.fromstring(svg)
    texts = [element.text for element in tree.iter() if element.tag.endswith("}text")]
    assert "<two> & \\x1b[2J" in texts
    assert {"all", "Latin", "Han", "Cyrillic", "Common"} <= set(texts)
    assert f"{found.models[0].bytes_per_token:.2f}" in texts
    assert svg.count("http") == 1  # in the name of SVG's namespace
    assert svg == plot(found)
