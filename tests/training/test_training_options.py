"""Options of training: required pieces, special tokens, padding, memory."""

import re

import numpy as np
import pytest
from support import SAMPLE

import bytepiece
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.training.memory import bytes_of, default_memory, room

TEXTS = SAMPLE.read_text("utf-8").splitlines(True)

ALGORITHMS = pytest.mark.parametrize("algorithm", ["merge", "unigram", "bnlm"])


def train(size=320, **options):
    return bytepiece.train(TEXTS, size, **options)


@ALGORITHMS
def test_requested_pieces_enter_however_rare(algorithm):
    asked = ["xyzzy", b"\xff\xfe", " the ", "x"]
    model = train(algorithm=algorithm, user_pieces=asked, required_chars="鑫é天")
    wanted = {"xyzzy", "鑫", "é", "天", " the ", "x"}
    assert {piece.encode() for piece in wanted} | {b"\xff\xfe"} <= set(model.pieces)
    assert model.vocab_size == 320
    tok = bytepiece.Tokenizer(model)
    assert tok.tokenize("xyzzy") == [b"xyzzy"]
    assert tok.decode(tok.encode("鑫é xyzzy the cat")) == "鑫é xyzzy the cat"


@ALGORITHMS
def test_a_vocabulary_may_have_only_requested_pieces(algorithm):
    model = train(261, algorithm=algorithm, user_pieces=["xyzzy"], required_chars="é")
    assert sorted(p for p in model.pieces if len(p) > 1) == [b"xyzzy", "é".encode()]


@ALGORITHMS
def test_special_and_reserved_tokens_come_first(algorithm):
    model = train(algorithm=algorithm, special_tokens=["<|user|>", "<sep>"], reserved=2)
    names = ["<pad>", "<bos>", "<eos>", "<|user|>", "<sep>", "<reserved_0>", "<reserved_1>"]
    assert [token.name for token in model.special_tokens] == names
    assert [token.id for token in model.special_tokens] == list(range(7))
    assert model.ids.tolist() == list(range(7, 320))
    tok = bytepiece.Tokenizer(model)
    assert tok.encode("<sep>", allowed_special=["<sep>"]) == [4]
    assert len(tok.encode("<sep>")) > 1


@ALGORITHMS
@pytest.mark.parametrize(("multiple", "size"), [(1, 320), (64, 320), (100, 400), (7, 322)])
def test_padding_makes_the_size_a_multiple(algorithm, multiple, size):
    model = train(algorithm=algorithm, pad_to_multiple=multiple)
    plain = train(algorithm=algorithm)
    assert model.vocab_size == size
    assert model.pieces == plain.pieces
    assert model.ids.tolist() == plain.ids.tolist()
    unused = [token.name for token in model.special_tokens[3:]]
    assert unused == [f"<unused_{i}>" for i in range(size - 320)]


def test_the_few_ids_of_a_small_corpus_are_padded():
    model = bytepiece.train(["abc abc abc"], 32000, pad_to_multiple=128)
    assert model.vocab_size == 384


def test_pieces_within_words_begin_with_their_spaces():
    across, within = (train(600, spaces=spaces) for spaces in ("across", "words"))
    assert any(b" " in p.lstrip() for p in across.pieces)
    assert not any(b" " in p.lstrip() for p in within.pieces if p.strip())
    assert any(p.startswith(b" ") and len(p) > 3 for p in within.pieces)


def test_superwords_are_whole_words():
    pieces = train(1200, algorithm="merge", spaces="superwords").pieces
    words = {word for text in TEXTS for word in re.findall(r"\s*\S+|\s+$", text)}
    superwords = [p.decode() for p in pieces if b" " in p.strip()]
    assert len(superwords) > 5
    assert all(set(re.findall(r"\s*\S+|\s+$", piece)) <= words for piece in superwords)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user_pieces": ["a\nb"]}, "can never match"),
        ({"user_pieces": ["42"], "digits": "each"}, "can never match"),
        ({"user_pieces": ["4200"], "digits": "groups-of-three"}, "where digits are cut"),
        ({"user_pieces": [""]}, "not empty"),
        ({"user_pieces": [5]}, "not 5"),
        ({"user_pieces": "abc"}, "a list"),
        ({"user_pieces": ["e\u0301"], "normalization": ["NFC"]}, "not normalized"),
        ({"user_pieces": ["a" * 37]}, "max_piece_length"),
        ({"required_chars": b"abc"}, "must be a text"),
        ({"special_tokens": "<x>"}, "a list"),
        ({"reserved": -1}, "reserved"),
        ({"pad_to_multiple": 0}, "pad_to_multiple"),
        ({"size": 262, "user_pieces": ["ab", "cd"], "reserved": 2}, "263 is the least"),
        ({"memory": "plenty"}, "memory"),
        ({"memory": -5}, "memory"),
        ({"memory": 0.5}, "memory"),
    ],
)
def test_impossible_options_are_errors_at_once(options, words):
    options["progress"] = lambda *_: pytest.fail("it began")
    with pytest.raises(ArgumentError, match=words):
        train(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"special_tokens": ["<x>", "<x>"]}, "same name"),
        ({"special_tokens": ["<eos>"]}, "same name"),
        ({"special_tokens": ["<reserved_0>"], "reserved": 1}, "same name"),
        ({"special_tokens": ["<unused_0>"], "pad_to_multiple": 8}, "same name"),
        ({"special_tokens": [""]}, "needs a name"),
        ({"special_tokens": [7]}, "needs a name"),
    ],
)
def test_impossible_special_tokens_are_errors_at_once(options, words):
    options["progress"] = lambda *_: pytest.fail("it began")
    with pytest.raises(ModelError, match=words):
        train(**options)


@ALGORITHMS
def test_the_end_of_each_phase_is_logged(algorithm, caplog):
    with caplog.at_level("INFO", "bytepiece"):
        train(algorithm=algorithm)
    phases = [record.getMessage().split()[0] for record in caplog.records]
    assert (
        phases
        == {
            "merge": ["reading", "merging", "scoring"],
            "unigram": ["reading", "seeding", "pruning"],
            "bnlm": ["reading", "counting", "cutting", "pruning"],
        }[algorithm]
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("512M", 1 << 29),
        ("2G", 2 << 30),
        ("1.5g", 3 << 29),
        ("100 MB", 100 << 20),
        ("3KiB", 3072),
        ("5", 5),
        (".5T", 1 << 39),
        (7, 7),
        (np.int64(7), 7),
    ],
)
def test_sizes_of_memory(size, expected):
    assert bytes_of(size) == expected


@pytest.mark.parametrize(
    "size",
    [
        "",
        "G",
        "-1G",
        "1e9",
        "0",
        "1P",
        "1.2.3M",
        "nan",
        True,
        1 << 63,
        "9" * 5000,
        "9" * 400 + "G",
        None,
    ],
)
def test_texts_that_are_not_sizes(size):
    with pytest.raises(ArgumentError, match="memory must be a size"):
        bytes_of(size)


def test_the_default_memory_is_a_share_of_the_machine():
    assert 1 << 27 < default_memory() < 1 << 46
    assert room(1, 6) == 4 << 20
    assert room(856 << 20, 6) == 100 << 20


def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr("bytepiece.training.memory._LIMITS", (str(limit), "/nowhere"))
    limit.write_text("max\n", "ascii")
    whole = default_memory()
    limit.write_text(f"{1 << 26}\n", "ascii")
    assert default_memory() == 1 << 24 < whole
