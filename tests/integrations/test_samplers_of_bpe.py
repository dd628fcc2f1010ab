"""The samplers "dropout" and "splitting" in each integration: the samples of `encode_batch`."""

import os
import pickle

import numpy as np
import pytest

from bytepiece import Model, TextRules, Tokenizer
from bytepiece.errors import ArgumentError
from bytepiece.integrations.batches import Encode
from bytepiece.rules.merges import Merges
from bytepiece.rules.words import WordCut

os.environ["HF_HUB_OFFLINE"] = "1"

MADE = [b"th", b"the", b" c", b" ca", b" cat", b"at", b" h", b" hat", b" an", b" and", b" the"]
PIECES = [*(bytes([byte]) for byte in range(256)), *MADE]
TEXTS = [f"the cat and the hat {i}, the cat" for i in range(60)]
SAMPLERS = {"dropout": 0.4, "splitting": 0.5}


@pytest.fixture(scope="module")
def bpe():
    rules = TextRules(segment="text", words=(WordCut(" ?[^ ]+| +"),))
    zeros, ids = np.zeros(len(PIECES)), np.arange(len(PIECES))
    ranks = [*[-1] * 256, *range(len(MADE))]
    return Tokenizer(Model(tuple(PIECES), zeros, ids, (), rules, merges=Merges(ranks=ranks)))


def packed(tok, **options):
    pytest.importorskip("torch", reason="pip install torch")
    from bytepiece.integrations.torch import PackedBlocks

    return PackedBlocks(tok, TEXTS, 16, add_eos=False, **options)


def for_transformers(tok, **options):
    pytest.importorskip("transformers", reason="pip install transformers")
    from bytepiece.integrations.transformers import BytePieceTokenizer

    return BytePieceTokenizer(tok, **options)


def in_rows(made):
    """Return the ids that an integration gives: rows, or blocks."""
    if isinstance(made, Encode):
        return [row.tolist() for row in made({"text": TEXTS}, range(len(TEXTS)))["input_ids"]]
    if hasattr(made, "state_dict"):
        return [block["input_ids"].tolist() for block in made]
    return made(TEXTS, doc_ids=range(len(TEXTS)))["input_ids"]


def expected(make, rows):
    """Return rows of ids in the form of an integration."""
    if make is not packed:
        return [row.tolist() for row in rows]
    return rows.ids[: len(rows.ids) // 16 * 16].reshape(-1, 16).tolist()


EVERYWHERE = pytest.mark.parametrize("make", [Encode, packed, for_transformers])


@EVERYWHERE
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("settings", [{}, {"sample_prob": 0.5, "epoch": 3}, {"alpha": (0.1, 0.9)}])
def test_samples_are_those_of_encode_batch(bpe, make, sampler, settings):
    options = {"alpha": SAMPLERS[sampler], "sampler": sampler, "seed": 5, **settings}
    made = make(bpe, **options)
    rows = bpe.encode_batch(TEXTS, **options)
    assert in_rows(made) == expected(make, rows)
    assert in_rows(pickle.loads(pickle.dumps(made))) == in_rows(made)
    assert in_rows(made) != in_rows(make(bpe))
    assert in_rows(made) != in_rows(make(bpe, **options | {"sampler": "perfect"}))


@EVERYWHERE
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_price_is_that_of_the_sampler(bpe, make, sampler):
    made = make(bpe, sampler=sampler, seed=5, more_tokens=0.2, price_texts=TEXTS)
    alpha = bpe.alpha_for_tokens(TEXTS, 1.2, sampler=sampler)
    assert in_rows(made) == in_rows(make(bpe, sampler=sampler, seed=5, alpha=alpha))


@EVERYWHERE
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("settings", [{}, {"sample_prob": 0.5}, {"alpha": (0.1, 0.9)}])
def test_a_sampler_must_fit_the_model(tok, bpe, make, sampler, settings):
    options = {"alpha": 0.5, "sampler": sampler, "seed": 5, **settings}
    with pytest.raises(ArgumentError, match=f'"{sampler}" is for BPE models') as told:
        make(tok, **options)
    assert "\n" not in str(told.value)
    with pytest.raises(ArgumentError, match="alpha must be at most"):
        make(bpe, **options | {"alpha": 17.0})
    with pytest.raises(ArgumentError, match="sampler must be one of"):
        make(bpe, **options | {"sampler": "drop"})


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_epochs_and_restarts_of_blocks(bpe, sampler):
    options = {"alpha": 0.5, "sampler": sampler, "seed": 5}
    blocks = packed(bpe, **options)
    blocks.set_epoch(2)
    rows = bpe.encode_batch(TEXTS, epoch=2, **options)
    assert in_rows(blocks) == expected(packed, rows)
    iterator = iter(blocks)
    first = [next(iterator)["input_ids"].tolist() for _ in range(5)]
    rest = packed(bpe, **options)
    rest.load_state_dict(blocks.state_dict())
    assert first + in_rows(rest) == in_rows(
        packed(bpe, alpha=0.5, sampler=sampler, epoch=2, seed=5)
    )
    with pytest.raises(ArgumentError, match="other settings"):
        packed(bpe, alpha=0.5, seed=5).load_state_dict(blocks.state_dict())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_in_transformers_a_call_or_a_copy_samples(bpe, sampler):
    plain, alpha = for_transformers(bpe), SAMPLERS[sampler]
    rows = [
        row.tolist()
        for row in bpe.encode_batch(TEXTS, alpha=alpha, sampler=sampler, seed=5, doc_ids="text")
    ]
    assert plain.sampled(alpha, sampler=sampler, seed=5)(TEXTS)["input_ids"] == rows
    assert plain(TEXTS, alpha=alpha, sampler=sampler, seed=5)["input_ids"] == rows
    assert plain(TEXTS)["input_ids"] != rows
    assert plain.sampled(alpha, sampler=sampler, seed=5).decode(rows[0]) == TEXTS[0]


def test_results_of_the_default_keep_their_names(bpe):
    """A fingerprint of `datasets` and a saved state are those of earlier releases."""
    assert "sampler" not in Encode(bpe, alpha=0.5).options
    state = packed(bpe, alpha=0.5).state_dict()
    assert packed(bpe, alpha=0.5, sampler="perfect").state_dict() == state
