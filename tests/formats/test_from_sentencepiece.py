"""SentencePiece's Unigram models: once read, they encode and decode like `sentencepiece`."""

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reading import (
    BYTES,
    CONTROL,
    LINES,
    NORMAL,
    ODD,
    TEXTS,
    UNKNOWN,
    UNUSED,
    USER,
    kept_and_pickled,
    made,
    processor,
    trained,
)
from support.strategies import JIT

import bytepiece
from bytepiece import Tokenizer, model_io
from bytepiece.encoding.segmentation import segment
from bytepiece.errors import ModelError
from bytepiece.formats import from_sentencepiece
from bytepiece.kernels.best_path import best_ids
from bytepiece.rules.foreign import SentencePieceRules
from bytepiece.rules.protobuf import field, float32, integer

SETTINGS = {
    "identity": {"normalization_rule_name": "identity"},
    "nmt_nfkc": {"normalization_rule_name": "nmt_nfkc"},
    "identity, bytes": {"normalization_rule_name": "identity", "byte_fallback": True},
    "nmt_nfkc, bytes": {"normalization_rule_name": "nmt_nfkc", "byte_fallback": True},
    "symbols": {
        "normalization_rule_name": "nmt_nfkc_cf",
        "byte_fallback": True,
        "user_defined_symbols": "<user>,ＦＵ,é,\n,▁▁",
        "control_symbols": "<sep>,<mask>",
        "pad_id": 3,
    },
    "spaces kept": {
        "normalization_rule_name": "identity",
        "byte_fallback": True,
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
    },
    "spaces and prefix": {"remove_extra_whitespaces": False, "user_defined_symbols": "<user>"},
    "no prefix": {"add_dummy_prefix": False},
    "suffix": {"treat_whitespace_as_suffix": True, "byte_fallback": True},
    "across words": {"split_by_whitespace": False, "split_by_unicode_script": False},
}


@pytest.fixture(params=SETTINGS.values(), ids=SETTINGS.keys(), scope="module")
def content(request):
    return trained(**request.param)


@pytest.fixture(scope="module")
def theirs(content):
    return processor(content)


@pytest.fixture(scope="module")
def ours(content):
    return Tokenizer(from_sentencepiece.from_bytes(content))


@pytest.fixture(scope="module")
def texts():
    return [*(LINES if JIT else LINES[:60]), *(ODD if JIT else [t[:300] for t in ODD])]


def test_ids_are_the_same(ours, theirs, texts):
    rows = [row.tolist() for row in ours.encode_batch(texts, threads=2)]
    assert rows == theirs.encode(texts)
    assert [ours.encode(text) for text in texts[-len(ODD) :]] == rows[-len(ODD) :]
    assert [ours.count(text) for text in ODD[:9]] == [len(theirs.encode(t)) for t in ODD[:9]]


def test_decoding_is_the_same(ours, theirs, texts):
    rows = theirs.encode(texts)
    assert ours.decode_batch(rows) == theirs.decode(rows)


@given(TEXTS)
def test_any_text(ours, theirs, text):
    ids = theirs.encode(text)
    assert ours.encode(text) == ids
    assert ours.decode(ids) == theirs.decode(ids)


@given(st.binary(max_size=20))
def test_any_bytes(ours, theirs, raw):
    assert ours.encode(raw) == theirs.encode(raw)


@given(st.lists(st.integers(0, 1199), max_size=9))
def test_any_ids_decode_alike(ours, theirs, ids):
    ids = [id_ for id_ in ids if id_ < ours.vocab_size]
    # For bytes that are not text, SentencePiece writes more U+FFFD than we do.
    run = re.compile("\ufffd+")
    assert run.sub("\ufffd", ours.decode(ids)) == run.sub("\ufffd", theirs.decode(ids))
    decoder = ours.stream_decoder()
    for _ in range(2):
        assert "".join(map(decoder.push, ids)) + decoder.finish() == ours.decode(ids)


def test_the_vocabulary_is_the_same(ours, theirs):
    assert ours.vocab_size == theirs.vocab_size()
    model = ours.model
    named = {token.id: token.name for token in model.special_tokens}
    for id_, name in named.items():
        assert theirs.id_to_piece(id_) == name
        assert theirs.is_control(id_) or theirs.is_unknown(id_)
    for role, id_ in (("bos", theirs.bos_id()), ("eos", theirs.eos_id()), ("pad", theirs.pad_id())):
        if id_ >= 0:
            assert model.special_id(role) == id_
    for id_ in set(range(ours.vocab_size)) - named.keys():
        piece = theirs.id_to_piece(id_)
        spelled = piece.replace("▁", " ").encode()
        assert ours.id_to_piece(id_) == (
            bytes([int(piece[3:5], 16)]) if theirs.is_byte(id_) else spelled
        )
    assert model.record["source"] == "sentencepiece"
    assert model.record["notes"] == []


def test_our_own_file_and_pickles_keep_the_model(ours, theirs, tmp_path):
    for tok in kept_and_pickled(ours, tmp_path):
        assert [tok.encode(text) for text in ODD[:20]] == theirs.encode(ODD[:20])
    model_io.save_vocab(ours.model, tmp_path / "ours.vocab")
    ids = [line.split("\t")[0] for line in (tmp_path / "ours.vocab").read_text().splitlines()]
    assert set(map(int, ids)) == set(range(ours.vocab_size))


def test_samples_are_normalized_too(ours):
    text = "A ｓａｍｐｌｅ of  text, ☃"
    for sampler in ("perfect", "viterbi", "nbest"):
        ids = ours.encode(text, alpha=0.3, seed=1, sampler=sampler)
        assert ours.decode(ids) == ours.decode(ours.encode(text))
        rows = ours.encode_batch([text, "b"], alpha=0.3, seed=1, sampler=sampler, samples=3)
        assert rows[0].tolist() == ids
        assert len(rows) == 6


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "m.model"
    path.write_bytes(trained(byte_fallback=True, control_symbols="<sep>"))
    return path


def test_load_recognizes_the_format_by_its_content(file):
    model, kind = model_io.load_with_format(file)
    assert kind == "sentencepiece"
    assert isinstance(model.rules.library, SentencePieceRules)
    assert Tokenizer.load(file).model == model


def test_special_tokens(file):
    """The space comes once, before the first stretch of text. A text cannot forge a token."""
    tok, theirs = Tokenizer.load(file), processor(file.read_bytes())
    sep = tok.piece_to_id("<sep>")
    assert tok.encode("<sep>") == theirs.encode("<sep>")
    ids = tok.encode("<sep>the end<sep>the end", True, True, allowed_special="all")
    plain = theirs.encode("the end")
    assert ids[:2] == [1, sep]
    assert ids[2 : 2 + len(plain)] == plain
    assert ids[-1] == 2
    assert tok.decode(ids) == "the endthe end"
    assert tok.tokenize("the end")[0].startswith(b" ")
    suffix = Tokenizer(from_sentencepiece.from_bytes(trained(treat_whitespace_as_suffix=True)))
    ids = suffix.encode("a</s>b</s>", allowed_special="all")
    assert suffix.decode_bytes(ids) == b"ab "


def test_a_run_of_unknown_characters_is_one_token():
    tok = Tokenizer(from_sentencepiece.from_bytes(trained()))
    assert tok.encode("☃☃☃ ☃☃").count(0) == 2
    rows = tok.encode_batch(["☃☃", "☃", "", "☃a☃☃"], alpha=1.0, seed=0, samples=2)
    assert [row.tolist().count(0) for row in rows] == [1, 1, 1, 1, 0, 0, 2, 2]
    assert tok.decode([0, 0]) == " ⁇  ⁇ "
    assert tok.model.special_id("unknown") == tok.piece_to_id("<unk>") == 0


def test_pieces_that_no_text_gets():
    pieces = [("a", -1.0, NORMAL), ("ab", -1.5, UNUSED), ("▁", -1.0, NORMAL), ("a b", -0.1, NORMAL)]
    content = made([*pieces, *BYTES], integer(3, 0), integer(35, 1))
    tok, theirs = Tokenizer(from_sentencepiece.from_bytes(content)), processor(content)
    for text in ("ab", "aab a b", "\0ab", "a\0"):
        assert tok.encode(text) == theirs.encode(text)
    a = theirs.piece_to_id("<0x61>")
    assert tok.model.aliases[2] == b"ab"
    assert tok.model.aliases[4] == b"a b"
    assert tok.model.aliases[a] == b"a"
    assert tok.decode([2, 4, a]) == theirs.decode([2, 4, a]) == "aba ba"
    assert tok.piece_to_id(b"a") == 1
    assert tok.piece_to_id(b"ab") == 2
    assert tok.id_to_piece(2) == b"ab"


@given(
    st.lists(st.text("ab é\0😀", min_size=1, max_size=4), min_size=1, max_size=12, unique=True),
    st.lists(st.sampled_from([-1.0, -1.5, -2.0, -3.0, -0.1]), min_size=12, max_size=12),
    st.lists(st.sampled_from([NORMAL, NORMAL, NORMAL, USER, UNUSED]), min_size=12, max_size=12),
    st.booleans(),
    st.lists(st.text("ab é😀c\0", max_size=12), min_size=1, max_size=5),
)
def test_any_small_vocabulary_with_ties(names, scores, kinds, fallback, texts):
    names = [name.replace("\0", "").replace(" ", "▁") for name in names]
    pieces = dict(zip(names, zip(scores, kinds, strict=False), strict=False))
    pieces.pop("", None)
    pieces["▁"] = (-2.0, NORMAL)
    rows = [(name, score, kind) for name, (score, kind) in pieces.items()]
    settings = integer(35, 1) if fallback else b""
    content = made([*rows, *(BYTES if fallback else [])], integer(3, 0) + integer(4, 0), settings)
    tok, theirs = Tokenizer(from_sentencepiece.from_bytes(content)), processor(content)
    for text in texts:
        assert tok.encode(text) == theirs.encode(text)
        assert tok.decode(tok.encode(text)) == theirs.decode(theirs.encode(text))


def test_sums_that_tie_only_in_float32(tmp_path):
    """In a long text a float32 sum has few bits left; among ties we choose like SentencePiece."""
    rng = random.Random(0)
    names = {"".join(rng.choices("abc", k=rng.randint(1, 3))) for _ in range(60)} | {*"abc"}
    rows = [(name, -8 - rng.random(), NORMAL) for name in sorted(names)]
    content = made(rows, integer(3, 0))
    tok, theirs = Tokenizer(from_sentencepiece.from_bytes(content)), processor(content)
    text = "".join(rng.choices("abc", k=100_000 if JIT else 2000))
    assert tok.encode(text) == theirs.encode(text)
    if JIT:
        segments = segment([text], tok.model.rules)
        encoder = tok._encoder
        exact, _ = best_ids(encoder.automaton, encoder.scores, encoder.ids, segments, 0, 1)
        assert not np.array_equal(exact, theirs.encode(text))


def test_notes_say_what_is_lost():
    content = made([("a", -1.0, NORMAL)], b"", field(44, b"??"))
    content += field(5, field(2, b"\0" * 9))
    notes = from_sentencepiece.from_bytes(content).record["notes"]
    assert len(notes) == 2
    assert "unknown" in notes[0] or "unknown" in notes[1]


@pytest.mark.parametrize("kind", ["char", "word"])
def test_models_of_other_kinds_are_refused(tmp_path, kind):
    path = tmp_path / "other.model"
    size = {"char": 300, "word": 900}[kind]
    path.write_bytes(trained(size, model_type=kind))
    name = {"char": "character", "word": "word"}[kind]
    with pytest.raises(ModelError, match=f"SentencePiece {name} model, and only Unigram"):
        Tokenizer.load(path)


GOOD = ("a", -1.0, NORMAL)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (made([GOOD, GOOD]), "occurs twice"),
        (made([GOOD, ("b", float("nan"), NORMAL)]), "score"),
        (made([GOOD, ("b", float("-inf"), NORMAL)]), "score"),
        (made([GOOD, ("b", -1e30, NORMAL)]), "score"),
        (made([GOOD, ("", -1.0, NORMAL)]), "empty"),
        (made([GOOD, ("a\0b", -1.0, NORMAL)]), "NUL"),
        (made([GOOD, (b"\xff", -1.0, NORMAL)]), "UTF-8"),
        (made([GOOD, ("b", -1.0, 7)]), "type 7"),
        (made([GOOD, ("b", -1.0, 0)]), "type 0"),
        (made([GOOD, ("<u>", 0.0, UNKNOWN)]), "unknown tokens"),
        (made([("a", 0.0, CONTROL)]), "score"),
        (made([GOOD, *BYTES]), "byte pieces"),
        (made([GOOD, *BYTES[1:]], b"", integer(35, 1)), "byte pieces"),
        (made([GOOD, *BYTES], b"", integer(35, 1)), "three bytes"),
        (made([GOOD, ("<0xAG>", 0.0, 6)]), "no byte"),
        (made([GOOD], integer(5, 0)), "escape"),
        (made([GOOD], field(2, b"\1\2\3")), "charsmap"),
        (made([GOOD], field(2, (1024).to_bytes(4, "little") + b"\xff\xff\xff\x7f" * 256 + b"\0")),
         "charsmap"),
        (made([GOOD], integer(2, 5)), "damaged"),
        (made([GOOD], field(3, b"x")), "damaged"),
        (made([GOOD], b"", field(3, b"x")), "only Unigram"),
        (made([GOOD], b"", integer(46, 7)), "damaged"),
        (made([GOOD]) + integer(1, 5), "damaged"),
        (made([GOOD]) + field(1, field(2, b"1.5")), "damaged"),
        (made([GOOD]) + field(1, field(1, b"x") + float32(3, 1.0)), "damaged"),
        (made([GOOD]) + b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "end is missing"),
        (made([GOOD]) + b"\x0a" + b"\xff" * 20, "64 bits"),
        (made([GOOD]) + b"\x0b", "wire type 3"),
        (made([GOOD]) + b"\x00\x00", "no number"),
        (made([GOOD])[: -len(field(2, integer(3, 1)) + field(3, b""))], "end of this"),
        (made([("a" * 1025, -1.0, NORMAL)]), "1024"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_one_line(tmp_path, content, message):
    path = tmp_path / "bad.model"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as info:
        model_io.load(path)
    assert str(info.value).startswith(f"{path}: ")
    assert "\n" not in str(info.value)


def test_unknown_settings_change_nothing():
    more = integer(99, 1) + field(100_000, b"x")
    model = from_sentencepiece.from_bytes(made([GOOD], integer(99, 1), more))
    assert model == from_sentencepiece.from_bytes(made([GOOD]))


def loads_or_says_why(content):
    """Return whether a file holds a model. The only error allowed is a short ModelError."""
    try:
        model = from_sentencepiece.from_bytes(content)
    except ModelError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
    assert len(message) < 500
    if message:
        return False
    assert Tokenizer(model).encode("any text \u00bd") is not None
    return True


def test_files_that_are_cut_off_anywhere():
    pieces = [GOOD, ("▁", -1.0, NORMAL), ("bb", 0.0, USER), ("<s>", 0.0, CONTROL), *BYTES[:3]]
    content = made(pieces[:-3], field(1, b"identity"), integer(4, 5))
    assert loads_or_says_why(content)
    # Without the normalizer's settings, or without part of them, it is still a whole file.
    whole = [end for end in range(len(content)) if loads_or_says_why(content[:end])]
    assert all(end >= len(content) - len(field(3, field(1, b"identity"))) for end in whole)


def test_files_with_flipped_bits():
    content = bytearray(trained())
    rng = random.Random(1)
    start = bytes(content).index(b"\x12", 15000)
    for _ in range(400 if JIT else 20):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(start if rng.random() < 0.5 else len(content))
            damaged[place] ^= 1 << rng.randrange(8)
        loads_or_says_why(bytes(damaged))


def test_operations_on_such_a_model_are_refused(file, tmp_path):
    model = model_io.load(file)
    own = bytepiece.train(["the cat"] * 9, 262)
    for change in (
        lambda: bytepiece.merge(model, own),
        lambda: bytepiece.merge(own, model),
        lambda: model_io.save_original(model, tmp_path / "x"),
    ):
        with pytest.raises(ModelError, match="SentencePiece"):
            change()
    assert not (tmp_path / "x").exists()
