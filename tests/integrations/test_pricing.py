"""`more_tokens` and `price_texts`: each integration finds its alpha once, when it is made."""

import logging
import os
import pickle

import pytest

from bytepiece.errors import ArgumentError
from bytepiece.integrations.datasets import Encode

os.environ["HF_HUB_OFFLINE"] = "1"

TEXTS = [f"the cat and the hat {i}, 今天天气" for i in range(50)]
TEN = {"more_tokens": 0.1, "price_texts": TEXTS}


@pytest.fixture
def alpha(tok):
    return tok.alpha_for_tokens(TEXTS, 1.1)


def packed(tok, **options):
    pytest.importorskip("torch", reason="pip install torch")
    from bytepiece.integrations.torch import PackedBlocks

    return PackedBlocks(tok, TEXTS, 16, **options)


def for_transformers(tok, **options):
    pytest.importorskip("transformers", reason="pip install transformers")
    from bytepiece.integrations.transformers import BytePieceTokenizer

    return BytePieceTokenizer(tok, **options)


def rows_of(made):
    """Return the ids that an integration gives."""
    if isinstance(made, Encode):
        return [row.tolist() for row in made({"text": TEXTS}, range(len(TEXTS)))["input_ids"]]
    if hasattr(made, "state_dict"):
        return [block["input_ids"].tolist() for block in made]
    return made(TEXTS)["input_ids"]


@pytest.mark.parametrize("make", [Encode, packed, for_transformers])
def test_the_alpha_is_found_once(tok, alpha, make, caplog):
    with caplog.at_level(logging.INFO, "bytepiece"):
        made = make(tok, seed=5, **TEN)
        expected = rows_of(make(tok, seed=5, alpha=alpha))
        assert rows_of(made) == expected
        assert rows_of(pickle.loads(pickle.dumps(made))) == expected
    told = [record.getMessage() for record in caplog.records if "alpha" in record.getMessage()]
    assert len(told) == 1
    assert repr(alpha) in told[0]


@pytest.mark.parametrize("make", [Encode, packed, for_transformers])
def test_the_price_counts_documents_that_are_not_sampled(tok, make):
    alpha = tok.alpha_for_tokens(TEXTS, 1.2)
    made = make(tok, seed=5, sample_prob=0.5, **TEN)
    near = tok.alpha_for_tokens(TEXTS, 1.1, sample_prob=0.5)
    assert near == pytest.approx(alpha, rel=1e-4)
    assert rows_of(made) == rows_of(make(tok, seed=5, sample_prob=0.5, alpha=near))


@pytest.mark.parametrize("make", [Encode, packed, for_transformers])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**TEN, "alpha": 0.1}, "leave alpha out"),
        ({"more_tokens": 0.1}, "belong together"),
        ({"price_texts": TEXTS}, "belong together"),
        ({**TEN, "more_tokens": "10%"}, "more_tokens must be a number such as 0.1"),
        ({**TEN, "more_tokens": True}, "more_tokens must be a number such as 0.1"),
        ({**TEN, "more_tokens": 99}, "a price of 100 is out of reach"),
    ],
)
def test_wrong_settings(tok, make, options, words):
    with pytest.raises(ArgumentError, match=words):
        make(tok, **options)


@pytest.mark.parametrize("make", [Encode, packed, for_transformers])
def test_no_more_tokens_are_the_best_paths(tok, make):
    made = make(tok, more_tokens=0, price_texts=TEXTS)
    assert rows_of(made) == rows_of(make(tok))


def test_a_state_of_blocks_fits_the_same_alpha(tok, alpha):
    state = packed(tok, **TEN).state_dict()
    packed(tok, alpha=alpha).load_state_dict(state)
    with pytest.raises(ArgumentError, match="other settings"):
        packed(tok, alpha=alpha / 2).load_state_dict(state)


def test_a_sampler_in_transformers(tok, alpha, tmp_path):
    plain = for_transformers(tok)
    expected = plain.sampled(alpha, seed=5)(TEXTS)["input_ids"]
    assert plain.sampled(seed=5, **TEN)(TEXTS)["input_ids"] == expected
    plain.save_pretrained(tmp_path)
    again = type(plain).from_pretrained(tmp_path, seed=5, **TEN)
    assert again(TEXTS)["input_ids"] == expected
    again.save_pretrained(tmp_path)
    assert "price_texts" not in (tmp_path / "tokenizer_config.json").read_text("utf-8")
