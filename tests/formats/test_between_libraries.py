"""Models over characters, written in the format of their own library and of the other one."""

import json
import warnings

import pytest
from support import huggingface_files
from support.reading import (
    BYTES,
    LINES,
    NORMAL,
    ODD,
    UNUSED,
    USER,
    made,
    processor,
    trained,
)
from support.strategies import JIT, make_model
from support.tokenizers_library import TheirTokenizer

from bytepiece import TextRules, Tokenizer, model_io
from bytepiece.errors import ModelError
from bytepiece.formats import from_huggingface, from_sentencepiece, to_huggingface, to_sentencepiece
from bytepiece.formats.character_vocabulary import is_over_characters
from bytepiece.rules.foreign import HuggingFaceRules
from bytepiece.rules.protobuf import field, integer

pytestmark = pytest.mark.filterwarnings("ignore:Hugging Face tokenizers|SentencePiece")

SETTINGS = {
    "identity": {"normalization_rule_name": "identity"},
    "nmt_nfkc": {"normalization_rule_name": "nmt_nfkc"},
    "bytes": {"normalization_rule_name": "nmt_nfkc", "byte_fallback": True},
    "symbols": {
        "normalization_rule_name": "identity",
        "byte_fallback": True,
        "user_defined_symbols": "<user>,é",
        "control_symbols": "<sep>,<mask>",
        "pad_id": 3,
        "vocab_size": 1300,
    },
    "spaces kept": {
        "normalization_rule_name": "identity",
        "byte_fallback": True,
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
    },
    "spaces and prefix": {"remove_extra_whitespaces": False},
    "no prefix": {"add_dummy_prefix": False},
    "across words": {"split_by_whitespace": False, "split_by_unicode_script": False},
}
TEXTS = [*LINES[: 200 if JIT else 30], *(text[: 400 if JIT else 80] for text in ODD)]
SPELLED = "<s> </s> <unk> <0x41>"
"""A text of names, which tokenizers takes for tokens."""
MARKS = ("e\u0301\u0302 ｱﾊﾟｰﾄ", "no\r\nend")
"""Texts that tokenizers normalizes otherwise, because it looks up whole grapheme clusters."""


def ids_of_tokenizers(file, texts):
    return TheirTokenizer(file, plain=True).encode_batch(texts)


def written(model, folder):
    """Return the bytes of a .model file."""
    to_sentencepiece.save(model, folder / "m.model")
    return (folder / "m.model").read_bytes()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_sentencepiece_model_is_written_as_it_was_read(name, tmp_path):
    content = trained(**SETTINGS[name])
    model = from_sentencepiece.from_bytes(content)
    again = written(model, tmp_path)
    assert from_sentencepiece.from_bytes(again) == model
    assert processor(again).encode(TEXTS) == processor(content).encode(TEXTS)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_sentencepiece_model_as_a_tokenizer_json(name):
    content = trained(**SETTINGS[name])
    model = from_sentencepiece.from_bytes(content)
    file = to_huggingface.to_json(model)
    known = (SPELLED, *(MARKS if model.rules.library.charsmap else ()))
    texts = [text for text in TEXTS if text not in known]
    assert ids_of_tokenizers(file, texts) == processor(content).encode(texts)
    theirs, tok = TheirTokenizer(file), Tokenizer(model)
    for text in texts[:60]:
        ids = tok.encode(text)
        if model.rules.unknown == "bytes":
            assert theirs.decode(ids, skip_special_tokens=False) == tok.decode(ids)
    assert len(json.loads(file)["model"]["vocab"]) == model.vocab_size


@pytest.mark.parametrize("name", huggingface_files.files())
def test_a_tokenizer_json_is_written_again(name):
    file = huggingface_files.files()[name]
    model = from_huggingface.from_document(file)
    if not is_over_characters(model):
        pytest.skip("its pieces are made of bytes")
    again = to_huggingface.to_json(model)
    assert ids_of_tokenizers(again, TEXTS) == ids_of_tokenizers(json.dumps(file), TEXTS)
    assert from_huggingface.from_document(json.loads(again)) == model


@pytest.mark.parametrize("name", ["nmt_nfkc", "prepended", "characters"])
def test_a_tokenizer_json_as_a_sentencepiece_model(name, tmp_path):
    model = from_huggingface.from_document(huggingface_files.files()[name])
    theirs, tok = processor(written(model, tmp_path)), Tokenizer(model)
    known = ["\u200b\ufeff\x85\xa0", *MARKS]
    texts = [t for t in TEXTS if t not in known and (model.rules.library or "▁" not in t)]
    assert theirs.encode(texts) == [tok.encode(text) for text in texts]
    again = from_sentencepiece.from_bytes(theirs.serialized_model_proto())
    assert again.pieces == model.pieces
    assert again.ids.tolist() == model.ids.tolist()
    assert again.scores == pytest.approx(model.scores, rel=1e-6)
    roles = {token.name: token.role for token in again.special_tokens}
    assert roles == {token.name: token.role for token in model.special_tokens}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("identity", "Strip, which removes tabs"),
        ("never", "to remove some extra spaces and to keep others"),
        ("no normalizer", "a space in front only of texts that begin without one"),
        ("forms", "NFKC"),
    ],
)
def test_steps_that_sentencepiece_cannot_express(name, what, tmp_path):
    model = from_huggingface.from_document(huggingface_files.files()[name])
    with pytest.raises(ModelError, match=what):
        written(model, tmp_path)
    assert not (tmp_path / "m.model").exists()


@pytest.mark.parametrize("name", ["nmt_nfkc", "characters"])
def test_notes_on_a_sentencepiece_model(name, tmp_path):
    model = from_huggingface.from_document(huggingface_files.files()[name])
    with pytest.warns(UserWarning, match=r"U\+0085|U\+2581"):
        written(model, tmp_path)


SPACE = ("▁", -2.0, NORMAL)
KEPT = integer(3, False) + integer(4, False)


def small(*pieces, fallback=False, normalizer=KEPT, trainer=b""):
    entries = [SPACE, ("a", -3.0, NORMAL), *pieces, *(BYTES if fallback else [])]
    content = made(entries, normalizer, integer(35, fallback) + trainer)
    return from_sentencepiece.from_bytes(content)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (small(trainer=integer(24, True)), "behind a text"),
        (small(("▁▁", 0.0, USER), normalizer=b""), "'▁▁', which must not be normalized"),
    ],
)
def test_rules_that_a_tokenizer_json_cannot_express(model, what):
    with pytest.raises(ModelError, match=what):
        to_huggingface.to_json(model)


def test_unused_entries_and_ids_without_an_entry(tmp_path):
    model = small(("aa", -9.0, UNUSED), ("a a", 0.0, USER), ("b", -4.0, NORMAL), fallback=True)
    again = from_sentencepiece.from_bytes(written(model, tmp_path))
    assert again == model
    assert again.rules.library.symbols == ("a a",)
    with pytest.warns(UserWarning, match="does not decode 1 ids"):
        file = to_huggingface.to_json(model)
    read = from_huggingface.from_document(json.loads(file))
    assert read.pieces == model.pieces
    assert read.vocab_size == model.vocab_size
    assert ids_of_tokenizers(file, ["aabb"]) == [Tokenizer(model).encode("aabb")]


def test_scores_of_unknown_characters_must_fit(tmp_path):
    vocab = [["<unk>", -50.0], ["▁", -2.0], ["ab", -3.0]]
    spaced = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    file = {"model": {"type": "Unigram", "unk_id": 0, "vocab": vocab}, "normalizer": spaced}
    model = from_huggingface.from_document(file)
    with pytest.raises(ModelError, match="score -60; SentencePiece would give it -13"):
        written(model, tmp_path)
    again = from_huggingface.from_document(json.loads(to_huggingface.to_json(model)))
    assert again == model


def test_models_over_bytes_are_refused(tmp_path):
    model = from_huggingface.from_document(huggingface_files.files()["bytes, prefix"])
    for write in (to_huggingface.save, to_sentencepiece.save):
        with pytest.raises(ModelError, match="another library"):
            write(model, tmp_path / "m")
    rules = TextRules(unknown="bytes", library=HuggingFaceRules())
    with pytest.raises(ModelError, match="over bytes"):
        to_huggingface.to_json(make_model({b"\xe4\xbb": -2.0}, rules=rules))


def test_names_that_clash_are_refused(tmp_path):
    model = small(("<s>", -5.0, NORMAL))
    vocab = [["<unk>", 0.0], [" ", -2.0], ["▁", -3.0]]
    literal = from_huggingface.from_document(
        {"model": {"type": "Unigram", "unk_id": 0, "vocab": vocab}}
    )
    with pytest.raises(ModelError, match="cannot hold the piece '▁'"):
        written(literal, tmp_path)
    assert written(model, tmp_path)


def test_our_own_file_keeps_everything(tmp_path):
    model = from_sentencepiece.from_bytes(trained(**SETTINGS["symbols"]))
    model_io.save(model, tmp_path / "ours.model")
    assert written(model_io.load(tmp_path / "ours.model"), tmp_path) == written(model, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert to_huggingface.to_json(model)
    assert field(1, b"<user>") in written(model, tmp_path)


@pytest.mark.parametrize("name", ["nmt_nfkc", "bytes"])
def test_files_for_the_lite_runtime_keep_all_ids(name, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece", minversion="0.2.3")
    model = from_sentencepiece.from_bytes(trained(**SETTINGS[name]))
    to_sentencepiece.save(model, tmp_path / "lite.model", lite=True)
    assert (tmp_path / "lite.model").read_bytes() == written(model, tmp_path)
    assert sentencepiece.convert_to_flatbuffer(model_file=str(tmp_path / "lite.model"))


def test_byte_ids_that_the_lite_runtime_refuses(tmp_path):
    content = made([*BYTES[:9], SPACE, ("a", -3.0, NORMAL), *BYTES[9:]], KEPT, integer(35, True))
    model = from_sentencepiece.from_bytes(content)
    with pytest.raises(ModelError, match="consecutive ids"):
        to_sentencepiece.save(model, tmp_path / "lite.model", lite=True)
