"""Tokens of models in `transformers`: ids of characters, special tokens, and stop strings."""

import os

import pytest
from support import SAMPLE, reading

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="stop strings are matched with its tensors")
transformers = pytest.importorskip("transformers", reason="pip install transformers")

import bytepiece  # noqa: E402
from bytepiece.formats import from_sentencepiece  # noqa: E402
from bytepiece.integrations.transformers import BytePieceTokenizer, fast  # noqa: E402
from bytepiece.rules.protobuf import integer  # noqa: E402

STOP_STRINGS = [
    *(
        "naïve",
        "é",
        "\n\n",
        "###",
        "User:",
        "Пользователь:",
        "ユーザー:",
        "「",
        "</s>",
        "今天",
        "```",
    ),
    *(
        "Question:",
        "Q:",
        "\n",
        "---",
        "<|end|>",
        "👍",
        "…",
        "à la",
        "\u00a0",
        "END",
        "答：",
        "ß.",
        "}",
    ),
    "Ж",
]


def read(pieces, byte_fallback=False):
    """Return a tokenizer for a SentencePiece model made by hand."""
    content = reading.made(pieces, trainer=integer(35, byte_fallback))
    return BytePieceTokenizer(from_sentencepiece.from_bytes(content))


@pytest.mark.parametrize("fallback", [[], reading.BYTES])
def test_single_characters_have_the_ids_that_texts_get(fallback):
    """Not the ids of aliases, which no text gets."""
    characters = "▁AZaz059"
    pieces = [*fallback, *((char, -3.0, reading.NORMAL) for char in characters)]
    tokenizer = read(pieces, bool(fallback))
    ids = dict(zip(characters, range(1 + len(fallback), 99999), strict=False))
    for char in characters[1:]:
        assert tokenizer.convert_tokens_to_ids(char) == ids[char]
        assert tokenizer.tokenize(char) == ["Ġ", char]
        assert tokenizer.encode(char, add_special_tokens=False) == [ids["▁"], ids[char]]


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("☃ the cat", "<unk> the cat"),
        ("☃ ☃ cat", "<unk> <unk> cat"),
        ("the ☃", "the <unk>"),
        (" cat", "cat"),
    ],
)
def test_words_stay_apart_after_an_unknown_token(text, decoded):
    pieces = [(piece, -3.0, reading.NORMAL) for piece in ("▁", "▁the", "▁cat")]
    tokenizer = read(pieces)
    assert tokenizer.decode(tokenizer.encode(text)) == decoded


def test_the_models_own_special_tokens_stay_special():
    """Also after other ones were added in their place."""
    model = bytepiece.train(["the cat"] * 9, 300, special_tokens=["<|im_end|>"])
    tokenizer = BytePieceTokenizer(model)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<x>"]})
    ids = tokenizer.encode("the<|im_end|><x>")
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the"
    mask = tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
    assert mask[-2:] == [1, 1]
    assert not any(mask[:-2])


@pytest.fixture(scope="module")
def small():
    sample = bytepiece.Files([SAMPLE])
    return bytepiece.train(sample, 1000, special_tokens=["<|im_end|>"])


@pytest.mark.skipif(transformers.__version__.startswith("4"), reason="compares characters")
@pytest.mark.parametrize("make", [BytePieceTokenizer, fast])
@pytest.mark.parametrize("stop", STOP_STRINGS)
def test_stop_strings_are_found(small, make, stop):
    """Also in the middle of tokens, and when tokens are parts of characters."""
    tokenizer = make(small)
    criteria = transformers.StopStringCriteria(tokenizer, [stop])

    def stops(text):
        ids = tokenizer.encode(text, add_special_tokens=False)
        return bool(criteria(torch.tensor([ids]), None)[0])

    assert stops("so " + stop)
    assert stops(stop)
    assert not stops("so " + stop + " and more")
    assert not stops("nothing here")


@pytest.mark.skipif(transformers.__version__.startswith("4"), reason="compares characters")
def test_stop_strings_are_found_with_byte_fallback():
    content = reading.trained(byte_fallback=True, normalization_rule_name="identity")
    tokenizer = BytePieceTokenizer(from_sentencepiece.from_bytes(content))
    for stop in STOP_STRINGS:
        criteria = transformers.StopStringCriteria(tokenizer, [stop])
        for text, stops in ((f"so {stop}", True), (f"so {stop} and more", False)):
            ids = torch.tensor([tokenizer.encode(text)])
            assert bool(criteria(ids, None)[0]) == stops, stop


def test_the_fast_tokenizer_has_the_same_ids(small):
    tokenizer = fast(small, model_max_length=77)
    tok = bytepiece.Tokenizer(small)
    for text in reading.LINES[:80]:
        assert tokenizer.encode(text) == tok.encode(text)
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.model_max_length == 77
    assert tokenizer.convert_tokens_to_ids(["<|im_end|>", tokenizer.eos_token]) == [3, 2]
    assert "<|im_end|>" in tokenizer.all_special_tokens


def test_many_added_tokens(small):
    """They are found and decoded as in the fast tokenizer."""
    tokenizer, other = BytePieceTokenizer(small), fast(small)
    for number in range(300):
        kind = {"special_tokens": number % 3 == 0}
        added = [one.add_tokens(f"<t{number}>", **kind) for one in (tokenizer, other)]
        assert added == [1, 1]
    many = [f"<m{number}>" for number in range(20_000)]
    assert tokenizer.add_tokens(many) == other.add_tokens(many) == len(many)
    assert len(tokenizer) == len(other) == len(tokenizer.get_vocab())
    text = "".join(f"the <t{number}><m{number * 60}> cat" for number in range(300))
    ids = tokenizer.encode(text)
    assert ids == other.encode(text)
    for skip in (False, True):
        decoded = tokenizer.decode(ids, skip_special_tokens=skip)
        assert decoded == other.decode(ids, skip_special_tokens=skip)
    assert tokenizer.decode([small.vocab_size + 1], skip_special_tokens=True) == "<t1>"


def test_special_tokens_follow_the_attributes(small):
    tokenizer = BytePieceTokenizer(small)
    ids = tokenizer.encode("the<|im_end|>")
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the"
    tokenizer.add_tokens(["<a>", "<b>"])
    tokenizer.pad_token = "<a>"
    assert tokenizer.decode(tokenizer.encode("<a><b>"), skip_special_tokens=True) == "<b>"
    tokenizer.add_special_tokens({"additional_special_tokens": ["<b>", "<c>"]})
    twin = tokenizer.sampled(None)
    assert twin.add_special_tokens({"mask_token": "<mask>"}) == 1
    text = "<a><b><c><mask>the"
    assert twin.decode(twin.encode(text), skip_special_tokens=True) == "the"
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == "<mask>the"
    tokenizer.add_special_tokens({"additional_special_tokens": ["<c>"]})
    specials = [small.special_tokens[0].name, "<a>", "<c>", "<|im_end|>"]
    assert {*specials[1:]} <= {*tokenizer.all_special_tokens}
    assert len({*tokenizer.all_special_ids}) == len(tokenizer.all_special_tokens)


def test_adding_a_token_does_not_go_through_the_vocabulary(small, monkeypatch):
    tokenizer = BytePieceTokenizer(small)
    size = len(tokenizer)
    monkeypatch.setattr(tokenizer, "get_vocab", pytest.fail)
    assert tokenizer.add_tokens("<a>") == tokenizer.add_tokens("<b>", special_tokens=True) == 1
    assert tokenizer.add_tokens(["<a>", transformers.AddedToken("<b>")]) == 0
    assert len(tokenizer) == size + 2
