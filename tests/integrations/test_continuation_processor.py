"""Generation with `transformers` that continues from the middle of a token."""

import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT
from support.documents import run_examples
from support.strategies import make_model

from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError, ModelError

torch = pytest.importorskip("torch", reason="the logits processor works on its tensors")
pytest.importorskip("transformers", reason="the processor is made for it")

from support.language_models import tiny_gpt2  # noqa: E402

from bytepiece.integrations.continuation import (  # noqa: E402
    ContinuationProcessor,
    log_probs_of,
    prepare,
)

PROMPTS = ["the cat and the ha", "th", "... 今", "\n", "the hat, the cat..\n"]


@pytest.fixture(scope="module")
def language_model(tok):
    """A small untrained language model with a few more ids than the vocabulary."""
    return tiny_gpt2(tok.vocab_size + 7, 1, n_positions=64, n_head=2, initializer_range=0.5)


GENERATION_OPTIONS = [
    {},
    {"do_sample": True, "num_return_sequences": 3},
    {"num_beams": 4, "num_return_sequences": 2},
    {"num_beams": 3, "do_sample": True},
]


@pytest.mark.parametrize("options", GENERATION_OPTIONS, ids=str)
@pytest.mark.parametrize("exact", [False, True], ids=["masked", "exact"])
@pytest.mark.parametrize("backtrack", [0, 1, 3])
def test_generated_texts_begin_with_their_prompts(tok, language_model, options, backtrack, exact):
    torch.manual_seed(2)
    log_probs = log_probs_of(language_model) if exact else None
    prepared = prepare(tok, PROMPTS, backtrack, add_bos=True, log_probs=log_probs)
    rows = language_model.generate(
        **prepared.inputs, logits_processor=[prepared.processor], max_new_tokens=24, **options
    )
    each = options.get("num_return_sequences", 1)
    texts = [tok.decode_bytes(id_ for id_ in row if id_ < tok.vocab_size) for row in rows.tolist()]
    assert len(texts) == each * len(PROMPTS)
    for number, text in enumerate(texts):
        assert text.startswith(PROMPTS[number // each].encode())


def test_one_token_back_allows_the_tokens_that_begin_with_its_bytes(tok, language_model):
    prepared = prepare(tok, ["the cat th"], add_bos=True)
    width = prepared.inputs["input_ids"].shape[1]
    scores = language_model(**prepared.inputs).logits[:, -1].detach()
    masked = prepared.processor(prepared.inputs["input_ids"], scores)
    cover = tok.continuations("the cat th")[1].cover
    assert torch.isfinite(masked[0]).nonzero()[:, 0].tolist() == sorted(cover.completing.tolist())
    assert torch.equal(masked[0, cover.completing], scores[0, cover.completing])
    row = prepared.inputs["input_ids"][0].tolist()
    assert row == [1, *tok.continuations("the cat th")[1].kept]

    [_, shorter] = tok.continuations(tok.encode("the cat th", add_bos=True), tokens=1)
    law = shorter.distribution(log_probs_of(language_model))
    stepwise = masked[0].log_softmax(-1)
    for ids, log_prob in zip(law.ids, law.log_probs, strict=True):
        assert float(stepwise[ids[0]]) == pytest.approx(log_prob, abs=1e-5)
    assert len(prepared.processor(torch.zeros((1, width + 2), dtype=torch.int64), scores)) == 1


def test_with_the_language_model_the_law_is_exact(tok, language_model):
    """The probabilities of the steps multiply to the probability of the whole cover."""
    prompts = ["the cat and the", "at"]
    prepared = prepare(tok, prompts, 2, add_bos=True, log_probs=log_probs_of(language_model))
    ids = prepared.inputs["input_ids"]
    for number, prompt in enumerate(prompts):
        end = tok.continuations(tok.encode(prompt, add_bos=True), 2)[-1]
        law = end.distribution(log_probs_of(language_model))
        assert any(len(cover) > 2 for cover in law.ids) or number
        for cover, log_prob in zip(law.ids, law.log_probs, strict=True):
            total = 0.0
            for step, id_ in enumerate(cover):
                row = torch.cat([ids, torch.tensor([cover[:step]] * 2, dtype=torch.int64)], 1)
                scores = torch.zeros((2, tok.vocab_size + 7), dtype=torch.float64)
                found = prepared.processor(row, scores)[number]
                assert float(found.exp().sum()) == pytest.approx(1.0)
                total += float(found[id_])
            assert total == pytest.approx(log_prob, abs=1e-5)
            row = torch.cat([ids, torch.tensor([cover] * 2, dtype=torch.int64)], 1)
            assert not prepared.processor(row, scores)[number].any()


@given(st.data())
def test_any_rows_of_any_prompts(tok, data):
    """For any logits, only pieces that cover the bytes taken back are allowed until the end."""
    texts = data.draw(st.lists(st.sampled_from(PROMPTS), min_size=1, max_size=4))
    backtrack = data.draw(st.integers(0, 4))
    prepared = prepare(tok, texts, backtrack, add_bos=True)
    each = data.draw(st.integers(1, 3))
    ids = prepared.inputs["input_ids"].repeat_interleave(each, 0)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    for _ in range(8):
        scores = torch.from_numpy(rng.normal(size=(len(ids), tok.vocab_size)))
        before = scores.clone()
        masked = prepared.processor(ids, scores)
        assert torch.equal(scores, before)
        assert torch.isfinite(masked).any(1).all()
        ids = torch.cat([ids, masked.softmax(-1).multinomial(1)], 1)
    for number, row in enumerate(ids.tolist()):
        assert tok.decode_bytes(row).startswith(texts[number // each].encode())


def test_padding_and_mask(tok):
    prepared = prepare(tok, ["the cat and the ha", "th"], add_bos=True)
    ids, mask = prepared.inputs["input_ids"], prepared.inputs["attention_mask"]
    assert ids.shape == mask.shape
    assert ids.dtype == torch.int64
    assert ids[1].tolist() == [0] * (ids.shape[1] - 1) + [1]
    assert torch.equal(mask.bool(), ids != 0)


def test_the_pad_token_is_only_needed_for_padding():
    tok = Tokenizer(make_model({b"ab": -1.0}, special_tokens=()))
    assert prepare(tok, ["xab", "yb"]).inputs["attention_mask"].tolist() == [[1], [1]]
    with pytest.raises(ModelError, match="pad"):
        prepare(tok, ["xab", "xyb"])


def test_a_processor_pickles(tok):
    prepared = prepare(tok, ["the"], add_bos=True)
    copy = pickle.loads(pickle.dumps(prepared.processor))
    scores = torch.zeros((1, tok.vocab_size))
    ids = prepared.inputs["input_ids"]
    assert torch.equal(copy(ids, scores), prepared.processor(ids, scores))


def test_errors(tok):
    with pytest.raises(ArgumentError, match="prompt 1: nothing is left"):
        prepare(tok, ["the cat", "the"])
    with pytest.raises(ArgumentError, match="a list of them"):
        prepare(tok, "the cat")
    with pytest.raises(ArgumentError, match="no prompts"):
        prepare(tok, [])
    prepared = prepare(tok, ["the", "at"], add_bos=True)
    ids = torch.ones((2, 1), dtype=torch.int64)
    with pytest.raises(ArgumentError, match="3 rows of 1 ids do not go on from 2 prompts"):
        prepared.processor(torch.ones((3, 1), dtype=torch.int64), torch.zeros((3, 300)))
    with pytest.raises(ArgumentError, match="do not go on"):
        prepared.processor(ids[:, :0], torch.zeros((2, 300)))
    with pytest.raises(ArgumentError, match="5 logits for a vocabulary"):
        prepared.processor(ids, torch.zeros((2, 5)))
    with pytest.raises(ArgumentError, match="do not go on"):
        ContinuationProcessor([], 1)(ids, torch.zeros((2, 300)))


def test_without_torch_the_error_says_what_to_install(tok, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'bytepiece\[huggingface,torch\]'"):
        prepare(tok, ["the"], add_bos=True)


def test_examples_of_the_page():
    run_examples(ROOT / "docs" / "continuation.md", "python transformers")
