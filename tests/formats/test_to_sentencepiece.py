"""Files written for SentencePiece, read by SentencePiece itself."""

import random
import struct
import warnings
from collections import Counter

import pytest
from support import SAMPLE
from support.strategies import make_model

from bytepiece import SpecialToken, TextRules, Tokenizer
from bytepiece.errors import ModelError
from bytepiece.formats import to_sentencepiece
from bytepiece.model import STANDARD_SPECIAL_TOKENS

with warnings.catch_warnings():
    # In newer Pythons, its bindings warn when they are imported.
    warnings.simplefilter("ignore")
    import sentencepiece


def float32(value):
    """Round a score to float32, so that both libraries have the same score."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


@pytest.fixture(scope="module")
def lines():
    """Lines of visible characters and spaces, without U+2581, SentencePiece's space."""
    found = SAMPLE.read_text(encoding="utf-8").split("\n")
    return [line for line in found if line and line.isprintable() and "\u2581" not in line]


@pytest.fixture(scope="module")
def tok(lines):
    """Pieces: all characters of these lines, and the most frequent strings of 2 to 4 of them."""
    random_ = random.Random(3)
    longer = Counter(
        line[i : i + n] for line in lines for n in (2, 3, 4) for i in range(len(line) - n + 1)
    )
    strings = {char for line in lines for char in line}
    strings |= {string for string, _ in longer.most_common(3000)}
    scores = {
        string.encode(): float32(-3 - 5 * random_.random() - 2 / len(string))
        for string in sorted(strings)
    }
    return Tokenizer(make_model(scores))


def load(tok, path):
    tok.convert_to_sentencepiece(path)
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def test_sentencepiece_finds_the_same_pieces(tok, lines, tmp_path):
    assert len(lines) > 200
    theirs = load(tok, tmp_path / "sp.model")
    for line in lines:
        pieces = [piece.decode() for piece in tok.tokenize(line)]
        assert theirs.encode(line, out_type=str) == [p.replace(" ", "\u2581") for p in pieces]
        assert theirs.encode(line) == tok.encode(line)
        assert theirs.decode(theirs.encode(line)) == line


def test_ids_stay_and_byte_pieces_follow(tok, tmp_path):
    theirs = load(tok, tmp_path / "sp.model")
    assert [theirs.id_to_piece(id_) for id_ in (0, 1, 2)] == ["<unk>", "<s>", "</s>"]
    assert theirs.piece_to_id("a") == tok.piece_to_id(b"a")
    assert theirs.id_to_piece(tok.piece_to_id(b"\n")) == "<0x0A>"
    assert theirs.is_byte(tok.piece_to_id(b"\xff"))
    added = [theirs.id_to_piece(id_) for id_ in range(tok.vocab_size, theirs.vocab_size())]
    assert added == [f"<0x{byte:02X}>" for byte in range(0x20, 0x7F)]


def test_characters_without_a_piece_become_bytes(tok, tmp_path):
    theirs = load(tok, tmp_path / "sp.model")
    text = "a\u1234\n"
    assert theirs.encode(text, out_type=str) == ["a", "<0xE1>", "<0x88>", "<0xB4>", "<0x0A>"]
    assert theirs.encode(text) == tok.pieces_to_ids([b"a", b"\xe1", b"\x88", b"\xb4", b"\n"])
    assert theirs.decode(theirs.encode(text)) == text


def test_pieces_that_sentencepiece_cannot_represent_are_unused(tmp_path):
    pieces = {b"\xe4\xbb": -2.0, b"a\x00": -2.0, "▁a".encode(): -2.0, b"ab": -2.0}
    tok = Tokenizer(make_model(pieces))
    with pytest.warns(UserWarning, match="3 pieces"):
        theirs = load(tok, tmp_path / "sp.model")
    unused = [id_ for id_ in range(theirs.vocab_size()) if theirs.is_unused(id_)]
    assert unused == tok.pieces_to_ids(list(pieces)[:3])
    assert theirs.encode("ab") == tok.encode("ab")


def test_a_failed_write_leaves_nothing(tok, tmp_path):
    with pytest.raises(OSError, match="missing"):
        tok.convert_to_sentencepiece(tmp_path / "missing" / "sp.model")
    assert list(tmp_path.iterdir()) == []


def test_models_whose_ids_sentencepiece_cannot_keep(tmp_path):
    """SentencePiece uses the ids 0, 1 and 2; a byte with such an id must not be lost silently."""
    tok = Tokenizer(make_model({b"ab": -2.0}, special_tokens=()))
    try:
        theirs = load(tok, tmp_path / "sp.model")
    except ModelError:
        return
    assert theirs.decode(theirs.encode("\x00\x01\x02ab")) == "\x00\x01\x02ab"


def test_further_special_tokens_keep_their_names(tmp_path):
    specials = (*STANDARD_SPECIAL_TOKENS, SpecialToken("<|user|>", 300, "control"))
    tok = Tokenizer(make_model({b"ab": -2.0}, special_tokens=specials, ids=range(10, 267)))
    theirs = load(tok, tmp_path / "sp.model")
    assert theirs.piece_to_id("<|user|>") == 300
    assert theirs.is_control(300)
    assert theirs.encode("<|user|>ab") == tok.encode("<|user|>ab")
    assert theirs.is_unused(5)


@pytest.mark.parametrize("lite", [False, True])
def test_groups_of_digits_are_refused(lite, tmp_path):
    model = make_model({b"12": -1.0}, rules=TextRules(digits="groups-of-three"))
    with pytest.raises(ModelError, match="cannot cut digits into groups of three"):
        to_sentencepiece.save(model, tmp_path / "sp.model", lite)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("special", "warning"),
    [
        (SpecialToken("<user>", 1, "control"), "'<user>' is <s>"),
        (SpecialToken("ab", 300, "control"), "'ab', a name that it cannot have, is left unused"),
        (SpecialToken("<s>", 300, "control"), "'<s>', a name that it cannot have, is left unused"),
    ],
)
def test_a_warning_names_special_tokens_that_lose_their_names(special, warning, tmp_path):
    model = make_model({b"ab": -2.0}, special_tokens=(special,), ids=range(10, 267))
    tok = Tokenizer(model)
    with pytest.warns(UserWarning, match=f"the special token {warning}"):
        theirs = load(tok, tmp_path / "sp.model")
    assert theirs.encode("<user>ab<s>") == tok.encode("<user>ab<s>")


def test_no_path_crosses_the_end_of_a_segment(tmp_path):
    pieces = {b"a\nb": -1.0, b"b\n\n": -1.0, b"a7": -1.0, "٣\n".encode(): -1.0, b"77": -1.0}
    tok = Tokenizer(make_model(pieces, rules=TextRules(digits="each")))
    theirs = load(tok, tmp_path / "sp.model")
    for text in ["a\nb\n\nb", "b\na7\n77", "٣\n٣", "777"]:
        assert theirs.encode(text) == tok.encode(text)
