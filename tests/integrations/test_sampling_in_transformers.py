"""The tokenizer for `transformers` samples: the same text, seed and number give the same ids."""

import os

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="pip install transformers")

from bytepiece import errors  # noqa: E402

IS_VERSION_5 = transformers.__version__.split(".")[0] != "4"


def test_sampling_is_a_pure_function(chat, tok):
    texts = [f"the cat and the hat {i} <|im_end|> 今天天气" for i in range(20)]
    sampler = chat.sampled(0.1, seed=7)
    rows = sampler(texts)["input_ids"]
    assert rows == [sampler.encode(text) for text in texts]
    assert rows == chat.sampled(0.1, seed=7)(texts[::-1])["input_ids"][::-1]
    assert rows == chat(texts, alpha=0.1, seed=7)["input_ids"]
    assert rows != chat.sampled(0.1, seed=8)(texts)["input_ids"]
    assert rows != chat.sampled(0.1, seed=7, epoch=1)(texts)["input_ids"]
    assert chat.decode(rows) == texts if IS_VERSION_5 else True
    assert chat(texts)["input_ids"] != rows  # The first tokenizer is unchanged.
    assert chat(texts)["input_ids"] == chat(texts)["input_ids"]
    # Equal texts with different numbers.
    same = sampler(["the cat and the hat"] * 9, doc_ids=range(9))["input_ids"]
    assert len({tuple(row) for row in same}) > 3
    one = tok.encode("the cat and the hat", alpha=0.1, seed=7, doc_id=5)
    assert same[5] == one == sampler("the cat and the hat", doc_ids=5)["input_ids"]
    assert len({tuple(row) for row in sampler(["the cat"] * 9)["input_ids"]}) == 1
    with pytest.raises(errors.ArgumentError, match="doc_ids"):
        sampler(texts, doc_ids=[1])


def test_numbers_of_documents_in_every_form(plain, tok):
    texts = [f"the cat and the hat {i}, 今天天气" for i in range(9)]
    sampler = plain.sampled(0.1, seed=7)
    names = [f"<urn:uuid:{i}>" for i in range(9)]
    for doc_ids in ("text", names, range(-5, 4)):
        expected = tok.encode_batch(texts, alpha=0.1, seed=7, doc_ids=doc_ids)
        assert sampler(texts, doc_ids=doc_ids)["input_ids"] == [row.tolist() for row in expected]
    assert sampler(texts)["input_ids"] == sampler(texts, doc_ids="text")["input_ids"]
    assert (
        sampler(texts[0], doc_ids=-5)["input_ids"]
        == sampler(texts, doc_ids=range(-5, 4))["input_ids"][0]
    )


def test_sample_prob_and_a_range_of_alphas(plain, tok):
    texts = [f"the cat and the hat {i}" for i in range(200)]
    best = plain(texts)["input_ids"]
    some = plain.sampled(0.0, seed=1, sample_prob=0.25)(texts)["input_ids"]
    assert 20 < sum(a != b for a, b in zip(best, some, strict=True)) < 80
    wide = plain.sampled((0.0, 0.5), seed=1)(texts, doc_ids=range(200))["input_ids"]
    expected = tok.encode_batch(texts, alpha=(0.0, 0.5), seed=1)
    assert wide == [row.tolist() for row in expected]


def test_pairs_and_words_are_sampled_apart(plain):
    sampler = plain.sampled(0.0, seed=1)
    text = "the cat and the hat " * 3
    first = sampler.encode(text, doc_ids=[4])
    both = sampler(text, text, doc_ids=[4])["input_ids"]
    assert both[: len(first)] == first
    assert both[len(first) :] != first
    words = sampler([text, text], is_split_into_words=True)["input_ids"]
    assert plain.decode(words) == text * 2
