"""Tokenizers and models as objects: made, compared, copied, and never changed."""

import dataclasses
import pickle
from base64 import b64encode

import numpy as np
import pytest
from support.strategies import make_model

from bytepiece import Encoded, Model, SpecialToken, TextRules, Tokenizer, model_io
from bytepiece.errors import ModelError

BOS, EOS = 1, 2
BYTES = [bytes([b]) for b in range(256)]


def test_a_tokenizer_is_made_of_many_things(tmp_path, model, tok):
    path = tmp_path / "some.model"
    model_io.save(model, path)
    for other in (Tokenizer(path), Tokenizer(str(path)), Tokenizer.load(path)):
        assert other.model == model
        assert other.encode("the cat") == tok.encode("the cat")


def test_a_tokenizer_is_made_of_the_originals_dict():
    entries = {b64encode(piece).decode(): [i + 3, "", 1] for i, piece in enumerate(BYTES)}
    entries[b64encode(b"ab").decode()] = [259, "ab", 44]
    tok = Tokenizer(entries)
    assert tok.encode("ab") == [259]
    assert tok.model.rules == TextRules(normalization=("NFC",))
    assert tok.model.scores[-1] == np.log(44.0) - np.log(300.0)
    with pytest.raises(ModelError):
        Tokenizer({})


def test_models_and_tokenizers_can_be_pickled(model, tok):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(model, protocol)) == model
        other = pickle.loads(pickle.dumps(tok, protocol))
        assert other.model == model
        assert not other.model.scores.flags.writeable


def test_models_and_tokenizers_cannot_be_changed(model, tok):
    engine = tok._encoder
    for array in (model.scores, model.ids, *engine.automaton[:-1], engine.scores, engine.ids):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    for name in ("pieces", "scores", "rules"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(model, name, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.rules.digits = "each"
    with pytest.raises(AttributeError):
        tok.model = model
    with pytest.raises((TypeError, AttributeError)):
        model.record["x"] = 1


def test_a_model_keeps_copies(model):
    scores = np.full(256, -5.0)
    ids = np.arange(3, 259)
    record = {"a": 1}
    made = Model(BYTES, scores, ids, record=record)
    scores[0], ids[0], record["a"] = 0.0, 99, 2
    assert made.scores[0] == -5.0
    assert made.ids[0] == 3
    assert made.record == {"a": 1}


def test_the_columns_of_a_model_are_ordered_by_id():
    made = Model(
        [*BYTES, b"ab"],
        [-float(b) for b in range(257)],
        list(range(259, 2, -1)),
        counts=range(1, 258),
    )
    assert made.ids.tolist() == list(range(3, 260))
    assert made.pieces[0] == b"ab"
    assert made.scores[0] == -256.0
    assert made.counts.tolist() == list(range(257, 0, -1))


def test_a_piece_of_the_largest_length_is_found():
    tok = Tokenizer(make_model({b"ab" * 512: -1.0}))
    assert tok.tokenize(b"ab" * 1024 + b"a") == [b"ab" * 512] * 2 + [b"a"]


def test_models_are_equal_if_they_encode_alike(model):
    fields = {
        name: getattr(model, name)
        for name in ("pieces", "scores", "ids", "special_tokens", "rules")
    }
    same = Model(**fields, record={"made": "elsewhere"})
    assert same == model
    assert hash(same) == hash(model)
    assert len(model.fingerprint) == 64
    for change in (
        {"scores": np.nextafter(model.scores, 0)},
        {"ids": model.ids + 1},
        {"rules": TextRules(digits="each")},
        {"rules": TextRules(digits="groups-of-three")},
        {"special_tokens": model.special_tokens[:2]},
        {"pieces": [*model.pieces[:-1], b"changed"]},
    ):
        assert Model(**fields | change) != model
    assert model != 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pieces": BYTES[:-1], "scores": [-6.0] * 255}, "0xff"),
        ({"pieces": [*BYTES, b""]}, "empty"),
        ({"pieces": [*BYTES, b"a"]}, "twice"),
        ({"pieces": [*BYTES, b"a" * 1025]}, "1025"),
        ({"pieces": [*BYTES, "ab"]}, "bytes"),
        ({"scores": [-6.0]}, "scores"),
        ({"scores": [float("nan")] * 257}, "finite"),
        ({"scores": [float("-inf")] * 257}, "finite"),
        ({"scores": [2.0**21] * 257}, "finite"),
        ({"scores": ["x"] * 257}, "numbers"),
        ({"scores": [[-6.0], *[-6.0] * 256]}, "scores"),
        ({"ids": [0, *range(4, 260)]}, "twice"),
        ({"ids": [-1, *range(4, 260)]}, "ids"),
        ({"ids": [1 << 24, *range(4, 260)]}, "id"),
        ({"ids": [1 << 70, *range(4, 260)]}, "ids"),
        ({"ids": [3.0, *range(4, 260)]}, "ids"),
        ({"counts": [0] * 257}, "count"),
        ({"counts": [1.5] * 257}, "counts"),
        ({"special_tokens": (SpecialToken("", 0, "pad"),)}, "name"),
        ({"special_tokens": (SpecialToken("\ud800", 0, "pad"),)}, "Unicode"),
        ({"special_tokens": (SpecialToken("<a>", -1, "pad"),)}, "id"),
        ({"special_tokens": (SpecialToken("<a>", True, "pad"),)}, "id"),
        ({"special_tokens": (SpecialToken("<a>", 0, "boss"),)}, "role"),
        ({"special_tokens": (SpecialToken("a", 0, "bos"), SpecialToken("b", 1, "bos"))}, "role"),
        ({"special_tokens": (SpecialToken("a", 0, "bos"), SpecialToken("a", 1, "eos"))}, "name"),
        (
            {"special_tokens": (SpecialToken("a", 0, "control"), SpecialToken("b", 0, "control"))},
            "twice",
        ),
    ],
)
def test_invalid_models_are_refused(fields, message):
    valid = {"pieces": [*BYTES, b"ab"], "scores": [-6.0] * 257}
    with pytest.raises(ModelError, match=message):
        Model(**valid | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"normalization": ("NFX",)},
        {"normalization": ["NFC"]},
        {"digits": "both"},
        {"segment": "word"},
        {"unknown": "<unk>"},
    ],
)
def test_unknown_text_rules_are_refused(fields):
    with pytest.raises(ModelError):
        TextRules(**fields)


def test_reprs_are_short_and_name_the_type(model, tok):
    assert repr(tok).startswith("<bytepiece.Tokenizer: vocab_size")
    assert repr(model).startswith("<bytepiece.Model: 274 pieces")
    assert max(len(repr(tok)), len(repr(model))) < 200


def test_encoded_batches_are_equal_if_their_ids_are(tok):
    first, second = (tok.encode_batch(["the cat", "a"]) for _ in range(2))
    assert isinstance(first, Encoded)
    assert first == second
    assert first != tok.encode_batch(["the cat", "b"])
