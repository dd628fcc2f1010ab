"""The adapter of Hugging Face tokenizers, with any release of the library."""

import json

import pytest
from support.huggingface_files import added
from support.tokenizers_library import LIBRARY

from bytepiece.adapters.base import NotPossibleError
from bytepiece.adapters.huggingface import HuggingFace

TEXTS = ["the cat and the hat", "", "今天 é\n\n…", "<eos>"]


def test_a_model_of_ours(tok):
    adapter = HuggingFace.from_model(tok.model)
    result = adapter.encode_batch(TEXTS).result
    assert [list(row) for row in adapter.rows(result)] == [tok.encode(text) for text in TEXTS]
    assert adapter.pieces(result) == [tok.tokenize(text) for text in TEXTS]
    each = adapter.encode_each(TEXTS).result
    assert adapter.rows(each) == adapter.rows(result)
    assert adapter.algorithm == "Unigram"


def test_sampling_or_a_line_that_says_which_release_can(tok):
    adapter = HuggingFace.from_model(tok.model)
    if hasattr(LIBRARY, "models") and hasattr(LIBRARY.models.Unigram, "alpha"):
        [pieces] = adapter.pieces(adapter.sample_batch(["the cat"], 0.1).result)
        assert b"".join(pieces) == b"the cat"
        return
    for sample in (adapter.sample_batch, adapter.encode_each):
        with pytest.raises(
            NotPossibleError, match=r"cannot sample; pip install .tokenizers>=0\.23"
        ):
            sample(["the cat"], 0.1)


def test_the_vocabulary_of_a_file():
    vocabulary = [["<unk>", 0.0], ["▁", -2.0], ["a", -1.0], ["<0x41>", -9.0], ["▁aa", -9.0]]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
    file = {
        "version": "1.0",
        "added_tokens": [
            added(0, "<unk>"),
            added(5, "<mask>"),
            added(6, "word", special=False),
        ],
        "normalizer": None,
        "pre_tokenizer": metaspace,
        "post_processor": None,
        "decoder": metaspace,
        # The field "type" is missing, as in old files.
        "model": {"unk_id": 0, "vocab": vocabulary, "byte_fallback": False},
    }
    adapter = HuggingFace.from_json(json.dumps(file))
    assert adapter.vocabulary() == [b"", b" ", b"a", b"<0x41>", b" aa", b"", b"word"]
    assert adapter.algorithm == "Unigram"
    assert adapter.reachable() == [True, True, True, True, False, True, True]
    result = adapter.encode_batch(["a word", "<mask>"]).result
    assert adapter.rows(result)[0][-1] == 6
    assert 5 not in adapter.rows(result)[1]
    assert adapter.decode_batch(adapter.encode_batch(["a a"]).result) == [b"a a"]
