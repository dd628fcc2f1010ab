"""Files for SentencePiece's Lite runtime: SentencePiece converts them; pieces keep their ids."""

import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT, SAMPLE
from support.strategies import BYTES, make_model, models

import bytepiece
from bytepiece import SpecialToken, TextRules, Tokenizer, conversion, model_io
from bytepiece.adapters.sentencepiece_lite import SentencePieceLite
from bytepiece.formats import to_sentencepiece
from bytepiece.model import STANDARD_SPECIAL_TOKENS
from bytepiece.parity import comparison as parity

with warnings.catch_warnings():
    # In newer Pythons, its bindings warn when they are imported.
    warnings.simplefilter("ignore")
    import sentencepiece

pytestmark = pytest.mark.skipif(
    not hasattr(sentencepiece, "convert_to_flatbuffer"),
    reason="sentencepiece before 0.2.3 converts no models for its Lite runtime",
)

SPECIALS = [f"<|{name}|>" for name in ("system", "user", "end of turn")]


def special_tokens():
    return bytepiece.train(SAMPLE, vocab_size=1000, special_tokens=SPECIALS, reserved=40)


def odd_pieces():
    """Return a model with pieces and special tokens that are hard to name in SentencePiece."""
    pieces = [b"\0\0", b"\t\t", b"a\n", b"\n\nb", b"<0x41>", b"<s>", b"\xe4\xbb", "▁a".encode()]
    specials = (SpecialToken("n" * 5000, 300, "control"), SpecialToken("ab", 301, "control"))
    return make_model(
        dict.fromkeys([*pieces, b"x" * 1024, b" " * 1024, b"ab"], -2.0),
        special_tokens=(*STANDARD_SPECIAL_TOKENS, *specials),
        ids=[*range(3, 258), *range(310, 322)],
    )


def shuffled_bytes():
    """Return a model whose single bytes have ids in no order."""
    return make_model({b"ab": -2.0}, ids=[3 + (id_ * 47) % 257 for id_ in range(257)])


def extended(trained):
    return bytepiece.extend(trained["merge"], ["el gato y el pato\n"] * 30, 2100).model


KINDS = {
    **{
        kind: lambda trained, kind=kind: trained[kind] for kind in ("merge", "whole", "bnlm", "nfc")
    },
    "special and reserved tokens": lambda _: special_tokens(),
    "extended": extended,
    "merged": lambda trained: bytepiece.merge(trained["merge"], special_tokens()).model,
    "pruned": lambda trained: bytepiece.prune(trained["whole"], 1000).model,
    "the original library's": lambda _: model_io.load(ROOT / "tests/golden/original.model"),
    "isolated digits": lambda _: bytepiece.train(SAMPLE, vocab_size=1000, digits="each"),
    "odd pieces": lambda _: odd_pieces(),
    "shuffled bytes": lambda _: shuffled_bytes(),
}
"""Every kind of model that can be exported. Each function gets the models of `trained`."""


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """Return a function that exports a kind of model: the model, and the file."""
    folder = tmp_path_factory.mktemp("exported")
    done = {}

    def export(kind):
        if kind not in done:
            path = folder / f"{len(done)}.model"
            model = KINDS[kind](trained)
            conversion.write(model, path, "sentencepiece-lite")
            done[kind] = (model, path)
        return done[kind]

    return export


def lines_of(model):
    lines = [*SAMPLE.read_text("utf-8").split("\n"), "\t", "\n\n\tif", "\x7f\x01 é\r\n"]
    drawn = (line.decode("utf-8", "replace") for line in conversion.drawn(model))
    return [*filter(None, lines), *drawn]


@pytest.mark.parametrize("kind", KINDS)
def test_sentencepiece_converts_every_kind_of_model(kind, exported):
    _, path = exported(kind)
    assert len(sentencepiece.convert_to_flatbuffer(model_file=str(path))) > 1000


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_keep_their_ids(kind, exported, tmp_path):
    model, path = exported(kind)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        to_sentencepiece.save(model, tmp_path / "same ids.model")
    same = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "same ids.model"))
    size = model.vocab_size
    assert theirs.vocab_size() == size + 256
    added = [theirs.id_to_piece(id_) for id_ in range(size, size + 256)]
    assert added == [f"<0x{byte:02X}>" for byte in range(256)]
    for id_ in range(size):
        if same.is_byte(id_):
            byte = int(same.id_to_piece(id_)[3:5], 16)
            assert theirs.is_unused(id_) == (byte == 0 or byte >= 0x80)
            assert theirs.is_unused(id_) or theirs.id_to_piece(id_) == chr(byte)
        elif not theirs.is_unused(id_):
            assert theirs.id_to_piece(id_) == same.id_to_piece(id_)
            assert theirs.get_score(id_) == same.get_score(id_)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_in_sentencepiece_are_ours(kind, exported):
    model, path = exported(kind)
    lines = [line.encode() for line in lines_of(model)]
    found = conversion.check(model, path, "sentencepiece-lite", [lines], "lines")
    assert parity.OTHER not in found.causes
    before = path.with_suffix(".same")
    conversion.write(model, before, "sentencepiece")
    least = conversion.check(model, before, "sentencepiece", [lines], "lines").identical
    # More lines are alike than with the same ids, because control characters keep their scores.
    assert found.identical >= least


@pytest.mark.parametrize("kind", KINDS)
def test_the_lite_runtime_finds_the_ids_of_sentencepiece(kind, exported):
    if reason := SentencePieceLite.missing():
        pytest.skip(f"the Lite runtime is {reason}")
    model, path = exported(kind)
    lines = lines_of(model)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(path)).encode(lines)
    lite = SentencePieceLite(path)
    assert lite.rows(lite.encode_batch(lines).result) == theirs
    lite.close()


def test_a_file_that_is_read_back_has_the_same_ids_in_all_libraries(exported):
    model, path = exported("whole")
    lines = [line for line in lines_of(model) if "\ufffd" not in line]
    again = Tokenizer.load(path)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(path)).encode(lines)
    assert [row.tolist() for row in again.encode_batch(lines)] == theirs
    assert [again.decode(row) for row in theirs] == [line.replace("▁", " ") for line in lines]


def test_control_characters_are_pieces_and_other_bytes_follow(exported):
    model, path = exported("whole")
    ours = Tokenizer(model)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(path))
    size = model.vocab_size
    assert theirs.encode("a\n\U0001f9a5") == [
        *ours.encode("a\n"),
        *(size + byte for byte in "\U0001f9a5".encode()),
    ]
    assert theirs.decode(theirs.encode("\0\t\r\n\x7f")) == "\0\t\r\n\x7f"


def test_the_note_says_which_ids_differ(tmp_path):
    model = make_model({b"ab": -2.0}, rules=TextRules(normalization=("NFC",)))
    notes = conversion.write(model, tmp_path / "sp.model", "sentencepiece-lite")
    assert notes == [
        "NUL and the bytes 0x80 to 0xFF have other ids than in the model: byte b has 260 + b",
        "SentencePiece gets texts as they are: normalize them (NFC) before",
    ]


def test_the_files_with_the_same_ids_are_refused(tmp_path):
    """If this fails, the Lite runtime no longer needs files of its own."""
    Tokenizer(make_model({b"ab": -2.0})).convert_to_sentencepiece(tmp_path / "sp.model")
    with pytest.raises(ValueError, match="Converted FlatBuffers model is invalid"):
        sentencepiece.convert_to_flatbuffer(model_file=str(tmp_path / "sp.model"))


@given(models(), st.lists(BYTES, max_size=4))
def test_every_difference_has_a_cause(model, texts):
    specials = tuple(SpecialToken(t.name, t.id + 3, t.role) for t in model.special_tokens)
    model = bytepiece.Model(
        model.pieces, model.scores, model.ids + 3, special_tokens=specials, record=model.record
    )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "sp.model"
        conversion.write(model, path, "sentencepiece-lite")
        sentencepiece.convert_to_flatbuffer(model_file=str(path))
        found = conversion.check(model, path, "sentencepiece-lite", [texts], "texts")
    assert parity.OTHER not in found.causes
