"""Rules of other libraries: their checks, models and files that hold them, and the commands."""

import json
import math
import pickle
import subprocess
import sys
import zlib
from base64 import b64encode
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from support.reading import BYTES, NORMAL, made, trained
from support.strategies import make_model

from bytepiece import Model, SpecialToken, TextRules, Tokenizer, model_io
from bytepiece.encoding.encoded import Encoded, without_runs
from bytepiece.errors import ModelError
from bytepiece.formats import from_sentencepiece
from bytepiece.rules.character_map import check_charsmap
from bytepiece.rules.foreign import HuggingFaceRules, SentencePieceRules
from bytepiece.rules.protobuf import fields

SPACES = SentencePieceRules()
TABLE = dict(fields(dict(fields(trained(normalization_rule_name="nmt_nfkc")))[3]))[2]


@pytest.mark.parametrize(
    ("rules", "settings"),
    [
        (SentencePieceRules, {"charsmap": "text"}),
        (SentencePieceRules, {"charsmap": TABLE[:-1]}),
        (SentencePieceRules, {"charsmap": TABLE[:1000]}),
        (SentencePieceRules, {"charsmap": TABLE[:4] + b"\0\0\0\x7f" + TABLE[8:]}),
        (SentencePieceRules, {"charsmap": b"\0" * ((1 << 24) + 1)}),
        (SentencePieceRules, {"add_dummy_prefix": 1}),
        (SentencePieceRules, {"symbols": ["a"]}),
        (SentencePieceRules, {"symbols": ("a", "a")}),
        (SentencePieceRules, {"symbols": ("",)}),
        (SentencePieceRules, {"symbols": ("a\0",)}),
        (SentencePieceRules, {"symbols": (b"a",)}),
        (SentencePieceRules, {"symbols": ("\ud800",)}),
        (HuggingFaceRules, {"steps": [("NFC",)]}),
        (HuggingFaceRules, {"steps": (["NFC"],)}),
        (HuggingFaceRules, {"steps": ((),)}),
        (HuggingFaceRules, {"steps": (("lower",),)}),
        (HuggingFaceRules, {"steps": (("NFC", 1),)}),
        (HuggingFaceRules, {"steps": (("replace", "", "a"),)}),
        (HuggingFaceRules, {"steps": (("replace", "a", "\ud800"),)}),
        (HuggingFaceRules, {"steps": (("charsmap", b"abc"),)}),
        (HuggingFaceRules, {"steps": (("NFC",),) * 65}),
        (HuggingFaceRules, {"steps": (("replace", "a", "aa"),) * 11}),
        (HuggingFaceRules, {"steps": (("squeeze", "a" * 2050),)}),
        (HuggingFaceRules, {"prefix": "often"}),
        (HuggingFaceRules, {"prefix": []}),
        (HuggingFaceRules, {"spaces": 1}),
        (HuggingFaceRules, {"strips": "all"}),
        (TextRules, {"library": "sentencepiece"}),
        (TextRules, {"library": SPACES, "normalization": ("NFC",)}),
        (TextRules, {"segment": "text", "digits": "each"}),
        (TextRules, {"segment": "word"}),
        (TextRules, {"unknown": "any"}),
    ],
)
def test_rules_that_are_wrong(rules, settings):
    with pytest.raises(ModelError) as info:
        rules(**settings)
    assert "\n" not in str(info.value)
    assert len(str(info.value)) < 300


def test_a_valid_character_map():
    check_charsmap(TABLE)
    check_charsmap(b"")
    rules = SentencePieceRules(TABLE, symbols=("½",))
    assert rules.normalize(["½ ¼  Ａ".encode(), b"", "Ａ ".encode()]) == [
        " ½ 1⁄4 A".encode(),
        b"",
        b"A",
    ]
    assert rules.normalize([b"", b"a"]) == [b"", b" a"]
    assert rules.normalize([b""]) == [b""]
    assert str(len(TABLE)) in repr(rules)
    assert len(repr(rules)) < 200


def test_rules_pickle_small_and_compare():
    rules = SentencePieceRules(add_dummy_prefix=False)
    rules.normalize([b"a"])  # Now it holds normalizers, which a pickle leaves out.
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert len(pickle.dumps(rules)) < 300
    assert rules != SPACES
    assert rules.fingerprint != SPACES.fingerprint
    other = HuggingFaceRules((("strip", True, False),), "first")
    assert pickle.loads(pickle.dumps(other)) == other
    assert hash(other) != hash(HuggingFaceRules())


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("always", [b" a", b" b"]),
        ("first", [b" a", b"b"]),
        ("never", [b"a", b"b"]),
    ],
)
def test_where_a_space_is_added(prefix, expected):
    rules = HuggingFaceRules(prefix=prefix)
    assert rules.normalize([b"a", b"b"]) == expected
    assert rules.normalize([b" a", b""]) == [b" a", b""]
    assert rules.normalize([b"", b"a"])[1] == (b" a" if prefix == "always" else b"a")


def test_steps():
    steps = (
        ("NFKC",),
        ("charsmap", TABLE),
        ("strip", True, True),
        ("squeeze", "▁"),
        ("replace", "x", "yy"),
        ("prepend", "▁"),
    )
    rules = HuggingFaceRules(steps)
    assert rules.normalize(["\x85Ａ   x\u3000".encode()]) == [b" A yy"]
    assert rules.normalize([b"  "]) == [b""]
    assert HuggingFaceRules().normalize([b"\xff"]) == ["\ufffd".encode()]


def with_unknown_token(**settings):
    unknown = SpecialToken("<unk>", 0, "unknown")
    return make_model({b"ab": -2.0}, special_tokens=(unknown,), **settings)


def test_models_with_aliases():
    model = with_unknown_token(aliases={1000: b"ab", 300: b"a\xff"})
    assert model.vocab_size == 1001
    assert list(model.aliases) == [300, 1000]
    assert model != with_unknown_token()
    assert model != with_unknown_token(aliases={1000: b"ab", 300: b"a\xfe"})
    assert pickle.loads(pickle.dumps(model)) == model
    assert replace(model, aliases={}) == with_unknown_token()
    tok = Tokenizer(model)
    assert tok.decode_bytes([1000, 300, 0]) == b"aba\xff"
    assert tok.piece_to_id(b"ab") == tok.encode("ab")[0] < 300
    with pytest.raises(TypeError):
        model.aliases[5] = b"a"


@pytest.mark.parametrize(
    "aliases",
    [{0: b"a"}, {5: b"a"}, {-1: b"a"}, {1 << 24: b"a"}, {"7": b"a"}, {700: "a"}, {700: b""},
     {700: b"a" * 1025}, {True: b"a"}],
)  # fmt: skip
def test_aliases_that_are_wrong(aliases):
    with pytest.raises(ModelError):
        with_unknown_token(aliases=aliases)


def with_unknown_bytes(**settings):
    """Return a model in which the bytes from 0x80 on are unknown."""
    model = with_unknown_token()
    ids = np.where(
        [len(p) == 1 and p >= b"\x80" for p in model.pieces], np.int32(0), model.ids
    ).astype(np.int32)
    return Model(
        model.pieces,
        model.scores,
        ids,
        model.special_tokens,
        **{"rules": TextRules(unknown="token"), **settings},
    )


def test_an_unknown_token():
    tok = Tokenizer(with_unknown_bytes())
    assert tok.encode("aéé\néb") == [*tok.encode("a"), 0, *tok.encode("\n"), 0, *tok.encode("b")]
    assert tok.decode([0]) == ""
    assert tok.encode_batch(["é", "é"], samples=2).ids.tolist() == [0] * 4
    with pytest.raises(ModelError, match="given twice"):
        with_unknown_bytes(rules=TextRules())
    with pytest.raises(ModelError, match="unknown token"):
        replace(with_unknown_token(), special_tokens=(), rules=TextRules(unknown="token"))
    model = with_unknown_token()
    with pytest.raises(ModelError, match="more than one byte"):
        Model(
            model.pieces,
            model.scores,
            np.where([p == b"ab" for p in model.pieces], 0, model.ids),
            model.special_tokens,
            TextRules(unknown="token"),
        )


def test_bytes_with_pieces_of_their_own_are_sampled():
    """In a model over bytes, a known byte is an ordinary piece, even if other bytes are unknown."""
    model = with_unknown_token()
    ids = np.where([p == b"\xff" for p in model.pieces], np.int32(0), model.ids).astype(np.int32)
    model = Model(
        [*model.pieces, "é".encode()],
        [*model.scores, -2.0],
        [*ids, 1000],
        model.special_tokens,
        TextRules(unknown="token"),
    )
    rows = Tokenizer(model).encode_batch(["é"] * 200, alpha=0.0, seed=1)
    assert {len(row) for row in rows} == {1, 2}


def test_runs_of_one_id():
    rows = Encoded(np.array([0, 0, 1, 0, 0, 0, 2], np.int32), np.array([0, 2, 2, 4, 7]))
    less = without_runs(rows, 0)
    assert [row.tolist() for row in less] == [[0], [], [1, 0], [0, 2]]
    empty = Encoded(np.zeros(0, np.int32), np.zeros(1, np.int64))
    assert len(without_runs(empty, 0)) == 0


def test_a_text_can_be_one_segment():
    pieces = {b"a\nb": -1.0, b"\n\n": -3.0}
    line, text = (
        Tokenizer(make_model(pieces, rules=TextRules(segment=s))) for s in ("line", "text")
    )
    assert line.tokenize("a\nb") == [b"a", b"\n", b"b"]
    assert text.tokenize("a\nb") == [b"a\nb"]
    rows = text.encode_batch(["a\nb", "", "\n"], add_bos=True)
    assert [len(row) for row in rows] == [2, 1, 2]
    assert text.tokenize("") == []
    assert text.lattice("a\nb").n_paths() == 2


FILE = {
    "add_dummy_prefix": True,
    "charsmap": "eNoDAAAAAAE=",
    "name": "sentencepiece",
    "remove_extra_whitespaces": True,
    "symbols": [],
    "treat_whitespace_as_suffix": False,
}


def test_a_model_has_the_oldest_version_that_holds_it(tmp_path):
    path = tmp_path / "m.model"
    for settings, version in (
        ({}, 1),
        ({"rules": TextRules(("NFC",), "each")}, 1),
        ({"rules": TextRules(("NFC",), "groups-of-three")}, 3),
        ({"rules": TextRules(segment="text")}, 2),
        ({"rules": TextRules(library=SPACES)}, 2),
        ({"rules": TextRules(library=HuggingFaceRules((("charsmap", TABLE), ("NFC",))))}, 2),
        ({"aliases": {400: b"\xff\xfe", 500: b"text"}}, 2),
    ):
        model = make_model({b"ab": -2.0}, **settings)
        model_io.save(model, path)
        assert json.loads(path.read_text("utf-8"))["version"] == version
        assert model_io.load(path) == model
        assert model_io.load(path).rules == model.rules
    model_io.save(with_unknown_bytes(), path)
    assert model_io.load(path) == with_unknown_bytes()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("aliases", {}),
        ("aliases", [[400]]),
        ("aliases", [["400", "a"]]),
        ("aliases", [[400, 5]]),
        ("aliases", [[400, {"hex": "zz"}]]),
        ("aliases", [[400, "a"], [400, "b"]]),
        ("aliases", [[5, "a"]]),
        ("library", "sentencepiece"),
        ("library", []),
        ("library", {"name": "other"}),
        ("library", {"name": "sentencepiece"}),
        ("library", {**FILE, "symbols": "abc"}),
        ("library", {**FILE, "symbols": [5]}),
        ("library", {**FILE, "symbols": [[]]}),
        ("library", {**FILE, "charsmap": 5}),
        ("library", {**FILE, "charsmap": "%"}),
        ("library", {**FILE, "charsmap": "AAAA"}),
        ("library", {**FILE, "charsmap": "eNoDAAAAAAE=AAAA"}),
        ("library", {**FILE, "charsmap": "eNpLTEoGAAJNASc="}),
        ("library", {**FILE, "add_dummy_prefix": None}),
        ("library", {"name": "huggingface", "steps": {}, "prefix": "first", "spaces": True,
                     "strips": "never"}),
        ("library", {"name": "huggingface", "steps": [5], "prefix": "first", "spaces": True,
                     "strips": "never"}),
        ("library", {"name": "huggingface", "steps": [["charsmap", 5]], "prefix": "first",
                     "spaces": True, "strips": "never"}),
        ("library", {"name": "huggingface", "steps": [], "prefix": {}, "spaces": True,
                     "strips": "never"}),
        ("unknown", "token"),
        ("segment", "word"),
        ("extra", 1),
    ],
)  # fmt: skip
def test_fields_that_are_wrong(tmp_path, name, value):
    path = tmp_path / "m.model"
    model_io.save(make_model({b"ab": -2.0}, rules=TextRules(library=SPACES)), path)
    document = json.loads(path.read_text("utf-8"))
    document[name] = value
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError) as info:
        model_io.load(path)
    assert str(info.value).startswith(f"{path}: ")
    assert "\n" not in str(info.value)
    assert len(str(info.value)) < 500


def test_a_charsmap_that_would_fill_memory(tmp_path):
    path = tmp_path / "m.model"
    model_io.save(make_model({b"ab": -2.0}, rules=TextRules(library=SPACES)), path)
    document = json.loads(path.read_text("utf-8"))
    document["library"]["charsmap"] = b64encode(zlib.compress(bytes(1 << 28))).decode()
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="charsmap"):
        model_io.load(path)


@pytest.mark.parametrize("fallback", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_samples_follow_the_law_of_the_librarys_own_segmentations(fallback, alpha):
    """Characters with a piece are never spelled in bytes, even at a small alpha."""
    pieces = [("a", -1.0, NORMAL), ("▁", -2.0, NORMAL), ("▁a", -2.5, NORMAL), ("é", -30.0, NORMAL)]
    pieces += BYTES if fallback else []
    tok = Tokenizer(
        from_sentencepiece.from_bytes(made(pieces, trainer=b"\x98\x02\x01" if fallback else b""))
    )
    count = 20_000
    rows = tok.encode_batch(["aé☃é"], alpha=alpha, seed=1, samples=count)
    drawn = Counter(tuple(row.tolist()) for row in rows)
    rest = tuple(tok.encode("aé☃é")[1:])
    joined, apart = [(tok.piece_to_id(b" a"), *rest)], [tok.piece_to_id(p) for p in (b" ", b"a")]
    assert set(drawn) == {*joined, (*apart, *rest)}
    share = 1 / (1 + math.exp(alpha * (-3.0 + 2.5)))
    assert abs(drawn[joined[0]] / count - share) < 4 * math.sqrt(share * (1 - share) / count)
    others = {"alpha": 0.1, "seed": 1, "samples": 500}
    for sampler in ("nbest", "viterbi"):
        rows = tok.encode_batch(["aé☃é"], sampler=sampler, **others)
        assert {tuple(row.tolist()) for row in rows} == set(drawn)


def command(*arguments, stdin=""):
    done = subprocess.run(
        [sys.executable, "-m", "bytepiece", *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def test_commands_accept_their_files(tmp_path):
    path = tmp_path / "their.model"
    path.write_bytes(trained(byte_fallback=True))
    text = "the market and the harbour\na ☃\n"
    ids = command("encode", "-m", str(path), stdin=text)
    assert command("decode", "-m", str(path), stdin=ids) == text
    facts = json.loads(command("info", "--json", str(path)))
    assert facts["format"] == "sentencepiece"
    assert "SentencePiece" in facts["library"]
    assert facts["unknown"] == "bytes"
    assert facts["aliases"] > 0
    shown = command("info", str(path))
    assert "rules of        SentencePiece" in shown
    assert "aliases" in shown


def test_other_models_do_not_import_sentencepiece():
    script = (
        "import sys, bytepiece\n"
        "model = bytepiece.Model([bytes([b]) for b in range(256)], [-5.0] * 256)\n"
        "tok = bytepiece.Tokenizer(model)\n"
        "assert tok.decode(tok.encode('a')) == 'a'\n"
        "print('sentencepiece' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]
