"""The flags of added tokens mean what they mean in tokenizers."""

import json
import random

import pytest
from support.huggingface_files import added, byte_level
from support.reading import kept_and_pickled
from support.strategies import JIT
from support.tokenizers_library import TheirTokenizer

from bytepiece import Model, SpecialToken, Tokenizer, model_io
from bytepiece.encoding.special import SpecialTokens
from bytepiece.errors import ModelError
from bytepiece.rules.byte_level import alphabet

LETTERS = sorted(alphabet())
FILE = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "normalizer": None,
    "pre_tokenizer": byte_level(use_regex=True),
    "post_processor": None,
    "decoder": byte_level(),
    "added_tokens": [
        added(0 + 258, "<l>", lstrip=True),
        added(1 + 258, "<r>", rstrip=True),
        added(2 + 258, "<b>", lstrip=True, rstrip=True),
        added(3 + 258, "word", single_word=True, special=False),
        added(4 + 258, "<w>", single_word=True, lstrip=True, rstrip=True),
        added(5 + 258, "<p>"),
    ],
    "model": {
        "type": "BPE",
        "vocab": {**{char: i for i, char in enumerate(LETTERS)}, "Ġa": 256, "wo": 257},
        "merges": [["Ġ", "a"], ["w", "o"]],
    },
}


@pytest.fixture(scope="module")
def tok(tmp_path_factory):
    path = tmp_path_factory.mktemp("added") / "tokenizer.json"
    path.write_text(json.dumps(FILE), "utf-8")
    return Tokenizer.load(path)


def texts(count):
    rng = random.Random(8)
    parts = ["<l>", "<r>", "<b>", "word", "<w>", "<p>", "a", "_", "é", "1", "²", "٣", "\u0301", "-"]
    parts += [" ", "  ", "\t\n", "\u00a0", "\u3000", "\u200b", "\u200d", "\x1c", "日", "‿", "Ⅷ"]
    return ["".join(rng.choices(parts, k=rng.randrange(9))) for _ in range(count)]


def test_flags_give_the_ids_of_tokenizers(tok):
    theirs = TheirTokenizer(FILE, plain=False)
    for text in texts(2000 if JIT else 100):
        assert tok.encode(text, allowed_special="all") == theirs.encode(text), text


def test_copies_keep_the_flags(tok, tmp_path):
    for copy in kept_and_pickled(tok, tmp_path):
        assert copy.model.special_tokens == tok.model.special_tokens
        assert copy.encode("a <l>", allowed_special="all") == [tok.encode("a")[0], 258]
    model = Model(
        [bytes([b]) for b in range(256)],
        [0.0] * 256,
        None,
        (SpecialToken("<l>", 9, "control", ("lstrip",)),),
    )
    model_io.save(model, tmp_path / "own.model")
    assert model_io.load(tmp_path / "own.model") == model


def test_tokens_have_the_white_space_that_they_take_in(tok):
    text = "a \t<b>  word."
    ids = tok.encode(text, allowed_special="all")
    alignment = tok.align(text, ids, "all")
    shown = [text[low:high] for low, high in alignment.char_spans.tolist()]
    assert shown == ["a", " \t<b>  ", "word", "."]


def test_calls_choose_tokens_by_name(tok):
    assert tok.encode(" <l> <b>", allowed_special=["<l>"])[0] == 258
    assert tok.encode(" <l>", allowed_special={"<l>": 999}) == [999]
    assert SpecialTokens({"<l>": 5}).split(b" <l>") == ([b" ", b""], [b"<l>"])


def test_unknown_flags_are_refused():
    token = SpecialToken("<x>", 9, "control", ("up",))
    with pytest.raises(ModelError, match="flags"):
        Model([bytes([b]) for b in range(256)], [0.0] * 256, None, (token,))
