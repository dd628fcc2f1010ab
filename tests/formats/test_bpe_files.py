"""BPE models of other libraries: once read, they encode and decode like the libraries."""

import base64
import json
import math
import random
import sys
from functools import cache

import pytest
from hypothesis import given, settings
from support import reference_bpe
from support.huggingface_files import added, byte_level, metaspace, replace, sequence
from support.reading import (
    LINES,
    ODD,
    TEXTS,
    fuzzed,
    kept_and_pickled,
)
from support.strategies import JIT
from support.tokenizers_library import LIBRARY, TheirTokenizer, before_1

from bytepiece import Tokenizer, model_io
from bytepiece.errors import ModelError
from bytepiece.formats import from_tiktoken
from bytepiece.rules import searched_patterns
from bytepiece.rules.words import CL100K, GPT2, O200K, QWEN2

BLOOM = " ?[^(\\s|[.,!?…。，、।۔،])]+"
DEEPSEEK = (
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
    " ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
)


def split(pattern, behavior="Isolated", invert=False):
    pattern = pattern if isinstance(pattern, dict) else {"Regex": pattern}
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def before_bytes(*steps):
    return sequence(*steps, byte_level(), of="pretokenizers")


SEARCHED = r"(?i:the|que)\b|\w+?(?=[aeiou])|(?<!\d)\d{1,2}|\s+|[^\s\w]{1,3}|."
"""A pattern that only the package regex reads."""
DIGITS = {"type": "Digits", "individual_digits": True}
PUNCTUATION = {"type": "Punctuation", "behavior": "Contiguous"}
LLAMA = {
    "normalizer": sequence({"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")),
    "pre_tokenizer": None,
}
KINDS = {
    "gpt2": {"pre_tokenizer": byte_level(use_regex=True)},
    "gpt2, prefix": {"pre_tokenizer": byte_level(use_regex=True, add_prefix_space=True)},
    "cl100k": {"pre_tokenizer": before_bytes(split(CL100K)), "ignore_merges": True},
    "o200k": {"pre_tokenizer": before_bytes(split(O200K))},
    "qwen": {"pre_tokenizer": before_bytes(split(QWEN2)), "normalizer": {"type": "NFC"}},
    "deepseek": {
        "pre_tokenizer": before_bytes(
            split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK)
        )
    },
    "bloom": {"pre_tokenizer": before_bytes(split(BLOOM))},
    "digits": {"pre_tokenizer": before_bytes(DIGITS, split(GPT2))},
    "groups": {"pre_tokenizer": before_bytes({**DIGITS, "individual_digits": False}, PUNCTUATION)},
    "merged": {
        "pre_tokenizer": before_bytes(
            split({"String": " "}, "MergedWithNext"),
            split({"Regex": "[.,]+"}, "MergedWithPrevious"),
            split("[a-z]+", "Contiguous", True),
        )
    },
    "falcon": {
        "pre_tokenizer": sequence(
            PUNCTUATION,
            byte_level(use_regex=True),
            {**DIGITS, "individual_digits": False},
            split("[0-9][0-9][0-9]"),
            of="pretokenizers",
        )
    },
    "searched": {"pre_tokenizer": before_bytes(split(SEARCHED), split(r"(?<=z)\d$", "Contiguous"))},
    "searched, merged": {"pre_tokenizer": before_bytes(split(r"\b\w", "MergedWithPrevious"))},
    "text": {"pre_tokenizer": byte_level()},
    "llama": {**LLAMA, "byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"},
    "llama, unknown": {**LLAMA, "fuse_unk": True, "unk_token": "<unk>"},
    "metaspace": {
        "pre_tokenizer": metaspace("first"),
        "byte_fallback": True,
        "unk_token": "<unk>",
    },
    "metaspace, whole": {
        "pre_tokenizer": metaspace("always", False),
        "fuse_unk": True,
        "unk_token": "<unk>",
    },
    "gemma": {
        "normalizer": replace({"String": " "}, "▁"),
        "pre_tokenizer": split({"String": " "}, "MergedWithPrevious"),
        "byte_fallback": True,
        "unk_token": "<unk>",
    },
}
FALLBACK_DECODER = sequence(
    replace({"String": "▁"}, " "), {"type": "ByteFallback"}, {"type": "Fuse"}, of="decoders"
)
TOKENS = [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")]


@cache
def file_of(name):
    """Return a tokenizer.json whose merges the library learns from the sample."""
    kind = dict(KINDS[name])
    byte_fallback = kind.pop("byte_fallback", False)
    model = {n: kind.pop(n) for n in ("ignore_merges", "fuse_unk", "unk_token") if n in kind}
    over_bytes = "unk_token" not in model
    start = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "post_processor": None,
        "decoder": byte_level() if over_bytes else FALLBACK_DECODER,
        "model": {"type": "BPE", "vocab": {}, "merges": [], **model},
        **kind,
    }
    library = LIBRARY.Tokenizer.from_str(json.dumps(start))
    special = [token["content"] for token in TOKENS]
    named = [f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else []
    library.train_from_iterator(
        LINES[: 400 if JIT else 40],
        LIBRARY.trainers.BpeTrainer(
            vocab_size=900 + len(named),
            special_tokens=special + named,
            initial_alphabet=LIBRARY.pre_tokenizers.ByteLevel.alphabet() if over_bytes else ["▁"],
            limit_alphabet=10**6 if over_bytes else 120,
            show_progress=False,
        ),
    )
    file = json.loads(library.to_str())
    file["added_tokens"] = TOKENS
    file["model"]["byte_fallback"] = byte_fallback
    return file


@pytest.fixture(params=KINDS, scope="module")
def file(request):
    if not hasattr(LIBRARY, "models"):
        pytest.skip("tokenizers 1.0 does not train")
    if request.param.startswith("searched"):
        pytest.importorskip("regex", reason="regex is not installed")
    return file_of(request.param)


@pytest.fixture(scope="module")
def theirs(file):
    return TheirTokenizer(file, plain=True)


@pytest.fixture(scope="module")
def ours(file, tmp_path_factory):
    path = tmp_path_factory.mktemp("bpe") / "tokenizer.json"
    path.write_text(json.dumps(file), "utf-8")
    model, kind = model_io.load_with_format(path)
    assert kind == "huggingface"
    return Tokenizer(model)


def test_texts_have_the_ids_of_tokenizers(ours, theirs):
    texts = [*ODD, *LINES, "\n".join(LINES), *fuzzed(400)] if JIT else [*ODD[:20], *LINES[:9]]
    for text, row, expected in zip(
        texts, ours.encode_batch(texts), theirs.encode_batch(texts), strict=True
    ):
        assert row.tolist() == expected, text


@settings(max_examples=60)
@given(text=TEXTS)
def test_any_text_has_the_ids_of_tokenizers(ours, theirs, text):
    assert ours.encode(text) == theirs.encode(text)


def test_copies_encode_alike(ours, tmp_path):
    for copy in kept_and_pickled(ours, tmp_path):
        for text in ODD:
            assert copy.encode(text) == ours.encode(text)


def test_samples_spell_the_text_within_its_words(ours):
    text = "the hat, the cat 2024"
    best = ours.decode_bytes(ours.encode(text))
    for seed in range(20):
        assert ours.decode_bytes(ours.encode(text, alpha=0.0, seed=seed)) == best
    row = ours.encode_batch([text], alpha=0.0, seed=3, log_probs=True)
    assert row.log_probs[0] == pytest.approx(-math.log(ours.lattice(text, 0.0).n_paths()))


def test_deterministic_ids_are_canonical(ours):
    ids = ours.encode("the hat, the cat")
    assert ours.is_canonical(ids)


@pytest.fixture
def no_regex(monkeypatch):
    """The package regex is not installed."""
    monkeypatch.setitem(sys.modules, "regex", None)
    searched_patterns.searched.cache_clear()
    yield
    searched_patterns.searched.cache_clear()


@before_1
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropout": 0.5}, None),
        ({"end_of_word_suffix": "</w>"}, "end_of_word_suffix"),
        ({"continuing_subword_prefix": "##"}, "continuing_subword_prefix"),
        ({"merges": [["t", "zzz"]]}, "must be two pieces"),
        ({"merges": ["a b c"]}, "must be two pieces"),
        ({"merges": {}}, "list of merges"),
        ({"merges": [["é", "é"]]}, "which is not a piece"),
        ({"vocab": {"a": 5}}, "no piece covers the byte"),
        ({"vocab": {"a": 1.5}}, "piece and its id"),
        ({"vocab": {"a": 0, "b": 0}}, "same id"),
        ({"vocab": ["a"]}, "without a vocabulary"),
        ({"ignore_merges": 1}, "ignore_merges"),
    ],
)
def test_models_that_cannot_be_read_are_refused(changes, message, tmp_path):
    file = json.loads(json.dumps(file_of("gpt2")))
    file["model"] |= changes
    refused(json.dumps(file).encode(), message, tmp_path)


@before_1
@pytest.mark.parametrize(
    "step",
    [
        {"type": "Whitespace"},
        {"type": "BertPreTokenizer"},
        {"type": "WhitespaceSplit"},
        split("a", "Removed"),
        split("a", {}),
        split("a", []),
        split({"Regex": "a", "String": "b"}),
        split({"Regex": 5}),
        split({"String": ""}),
        split("a$"),
        split(r"\w+"),
        split("a{1,3}+"),
        split("a*"),
        {"type": "Digits", "individual_digits": "no"},
        {"type": "FixedLength", "length": 5},
    ],
)
def test_steps_that_cannot_be_read_are_refused(step, tmp_path, no_regex):
    file = json.loads(json.dumps(file_of("gpt2")))
    file["pre_tokenizer"] = sequence(step, byte_level(), of="pretokenizers")
    refused(json.dumps(file).encode(), ".", tmp_path)
    file["pre_tokenizer"] = sequence(byte_level(), metaspace("always"), of="pretokenizers")
    refused(json.dumps(file).encode(), "Metaspace", tmp_path)


@pytest.mark.parametrize("id_", [-1, 1 << 24, 10**30])
def test_an_id_out_of_range_is_refused(id_, tmp_path):
    file = json.loads(json.dumps(file_of("gpt2")))
    file["model"]["vocab"]["another"] = id_
    refused(json.dumps(file).encode(), "ids must be in 0", tmp_path)


def test_an_unknown_token_for_each_character_is_refused(tmp_path):
    vocabulary = {"<unk>": 0, "▁": 1, "a": 2}
    file = {"model": {"type": "BPE", "vocab": vocabulary, "merges": [], "unk_token": "<unk>"}}
    refused(json.dumps(file).encode(), "fuse_unk", tmp_path)
    del file["model"]["unk_token"]
    refused(json.dumps(file).encode(), "unk_token", tmp_path)


def refused(content, message, folder):
    """Check that a file is refused in one line; a message of None means that it is read."""
    path = folder / "some.json"
    path.write_bytes(content)
    if message is None:
        model_io.load(path)
        return
    with pytest.raises(ModelError, match=message) as error:
        model_io.load(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


# ---- ranks


def ranks_of_the_sample():
    """Return the ranks of bytes and of some frequent strings; some are made by no pair."""
    rng = random.Random(1)
    text = "\n".join(LINES).encode()
    strings = {text[i : i + rng.randrange(2, 8)] for i in rng.sample(range(len(text) - 8), 500)}
    pieces = [*(bytes([byte]) for byte in range(256)), *sorted(strings, key=len)]
    return {piece: rank for rank, piece in enumerate(pieces)}


RANKS = ranks_of_the_sample()
LINES_OF_RANKS = b"".join(
    base64.b64encode(piece) + b" %d\n" % rank for piece, rank in RANKS.items()
)


def twin_of_ranks(text, pattern):
    regex = pytest.importorskip("regex", reason="regex is not installed")
    words = [found[0].encode() for found in regex.finditer(pattern, text)]
    return [RANKS[p] for w in words for p in reference_bpe.word_of_bytes(w, RANKS, whole=RANKS)]


@pytest.mark.parametrize(
    ("name", "pattern"), [("gpt2", GPT2), ("cl100k", CL100K), ("x+|[^x]", "x+|[^x]")]
)
def test_ranks(name, pattern, tmp_path):
    path = tmp_path / "some.tiktoken"
    path.write_bytes(LINES_OF_RANKS)
    tok = Tokenizer.load(path, name)
    for text in [*ODD[:20], *LINES[:40], *fuzzed(100 if JIT else 5)]:
        assert tok.encode(text) == twin_of_ranks(text, pattern)
        assert tok.decode_bytes(tok.encode(text)) == text.encode()


def test_tiktoken_gives_the_same_ids(tmp_path):
    tiktoken = pytest.importorskip("tiktoken", reason="tiktoken is not installed")
    path = tmp_path / "some.tiktoken"
    path.write_bytes(LINES_OF_RANKS)
    theirs = tiktoken.Encoding("x", pat_str=O200K, mergeable_ranks=RANKS, special_tokens={})
    tok = Tokenizer.load(path, "o200k")
    for text in [*ODD, *LINES, *fuzzed(300)]:
        assert tok.encode(text) == theirs.encode_ordinary(text)


def test_a_file_of_ranks_needs_a_pattern(tmp_path, no_regex):
    path = tmp_path / "some.tiktoken"
    path.write_bytes(LINES_OF_RANKS)
    with pytest.raises(ModelError, match="give the pattern: gpt2, cl100k"):
        model_io.load(path)
    with pytest.raises(ModelError, match="is not known"):
        model_io.load(path, r"\w+")
    for content, message in [
        (LINES_OF_RANKS + b"!!! 5\n", "line 757|line"),
        (LINES_OF_RANKS + LINES_OF_RANKS[:9], "occurs twice"),
        (LINES_OF_RANKS + b"YWJjYWJj 5\n", "given twice"),
        (LINES_OF_RANKS + b"YWJjYWJj 99999999\n", "rank 99999999"),
        (LINES_OF_RANKS + b"YWJjYWJj x\n", "Base64 and a rank"),
        (LINES_OF_RANKS[3000:], "is not a model|single bytes|rank"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ModelError, match=message) as error:
            model_io.load(path, "gpt2")
        assert "\n" not in str(error.value)


def test_dollars_are_the_end_of_the_text():
    assert from_tiktoken._with_ends(r"^a[^b]\^") == r"\Aa[^b]\^"
    cases = {r"a$|\$[$\]]$": r"a\z|\$[$\]]\z", "[^]$]$": r"[^]$]\z", "a": "a"}
    for pattern, expected in cases.items():
        assert from_tiktoken._with_ends(pattern) == expected


# ---- tekken.json


def tekken(**changes):
    entries = [
        {"rank": rank, "token_bytes": base64.b64encode(piece).decode(), "token_str": None}
        for piece, rank in RANKS.items()
    ]
    config = {
        "pattern": GPT2,
        "num_vocab_tokens": len(entries),
        "default_vocab_size": len(entries) + 90,
        "default_num_special_tokens": 100,
        "version": "v3",
    }
    return {"config": config, "vocab": entries, **changes}


def test_tekken(tmp_path):
    path = tmp_path / "tekken.json"
    path.write_text(json.dumps(tekken()), "utf-8")
    model, kind = model_io.load_with_format(path)
    tok = Tokenizer(model)
    assert kind == "tekken"
    assert tok.vocab_size == len(RANKS) + 90
    assert tok.encode("a", True, True) == [1, RANKS[b"a"] + 100, 2]
    assert tok.piece_to_id("<SPECIAL_99>") == 99
    for text in LINES[:30]:
        expected = [id_ + 100 for id_ in twin_of_ranks(text, GPT2)]
        assert tok.encode(text) == expected or max(expected) >= tok.vocab_size
    named = tekken(special_tokens=[{"rank": 1, "token_str": "<begin>", "is_control": True}])
    path.write_text(json.dumps(named), "utf-8")
    assert Tokenizer.load(path).piece_to_id("<begin>") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab": {}}, "list of at least"),
        ({"vocab": [5] * 800}, "token_bytes"),
        ({"special_tokens": {}}, "special_tokens"),
        ({"special_tokens": [{"rank": 100, "token_str": "x"}]}, "token_str and a rank"),
        ({"special_tokens": [{"rank": 1, "token_str": "x"}] * 2}, "have the rank 1"),
        (
            {"config": {"pattern": 5, "default_vocab_size": 1, "default_num_special_tokens": 0}},
            "text",
        ),
        ({"config": {"pattern": "a"}}, "default_vocab_size"),
        (
            {"vocab": [{**entry, "rank": 2**63 + entry["rank"]} for entry in tekken()["vocab"]]},
            "rank",
        ),
        (
            {"vocab": [{**entry, "rank": 10**400 + entry["rank"]} for entry in tekken()["vocab"]]},
            "rank",
        ),
    ],
)
def test_a_damaged_tekken_is_refused(changes, message, tmp_path):
    refused(json.dumps(tekken(**changes)).encode(), message, tmp_path)
