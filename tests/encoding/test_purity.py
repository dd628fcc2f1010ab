"""A random encoding depends on its arguments only, not on threads, processes or other texts."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import JIT, TEXTS

from bytepiece import Tokenizer
from bytepiece.encoding.options import LARGEST_ALPHAS, Sampler

# tests/encoding/test_bpe_samplers.py tests those that are for BPE models.
SAMPLERS = [name for name in get_args(Sampler) if name not in LARGEST_ALPHAS]
SAMPLING = [{"alpha": 0.2, "seed": 9, "epoch": 3, "sampler": sampler} for sampler in SAMPLERS]
WAYS = [{}, *SAMPLING]

TEXT = "the cat and the hat and that\n... 今天天气 👍\n\nthe end"
# The text has many choices, so that two draws are never the same.
LONG = TEXT * 20
LINES = ["the cat and the hat", "", "\n\n\n", TEXT, "今天天气" * 10, b"\xe4\xbb\xff\x00", "x"]


def rows(encoded):
    return [row.tolist() for row in encoded]


def encode_rows(tok, options):
    """Encode the lines; other processes can import this function."""
    return rows(tok.encode_batch(LINES, **options))


@pytest.fixture(params=[1, 7, 64], ids="chunks of {}".format)
def small_chunks(request, monkeypatch):
    monkeypatch.setattr("bytepiece.encoding.batches.CHUNK", request.param)
    monkeypatch.setattr("bytepiece.encoding.batches._LEAST", request.param)


@pytest.mark.parametrize("options", WAYS)
def test_encode_and_encode_batch_agree(tok, options):
    expected = [tok.encode(text, doc_id=i, **options) for i, text in enumerate(LINES)]
    assert rows(tok.encode_batch(LINES, **options)) == expected


@given(
    st.lists(TEXTS, max_size=8),
    st.sampled_from(WAYS),
    st.integers(0, 2**64 - 10),
    st.booleans(),
    st.sampled_from([1, 3]),
)
def test_any_batch_of_any_texts(tok, texts, options, first, edges, samples):
    marks = {"add_bos": edges, "add_eos": edges}
    batch = tok.encode_batch(texts, doc_id0=first, samples=samples, **marks, **options)
    assert rows(batch) == [
        tok.encode(text, doc_id=first + i, sample=j, **marks, **options)
        for i, text in enumerate(texts)
        for j in range(samples)
    ]


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.usefixtures("small_chunks")
def test_threads_and_chunks_change_nothing(tok, options, threads, samples):
    expected = [
        tok.encode(text, doc_id=i, sample=j, **options)
        for i, text in enumerate(LINES)
        for j in range(samples)
    ]
    assert rows(tok.encode_batch(LINES, threads=threads, samples=samples, **options)) == expected


@pytest.mark.parametrize("options", WAYS)
def test_many_segments_in_threads(tok, options):
    """With the default size of chunks, there are more chunks than threads, and more documents."""
    texts = [TEXT * 10] * (2000 if JIT else 5)
    one = tok.encode_batch(texts, threads=1, **options)
    four = tok.encode_batch(texts, threads=4, **options)
    assert np.array_equal(one.ids, four.ids)
    assert np.array_equal(one.offsets, four.offsets)


@pytest.mark.parametrize("options", SAMPLING)
def test_documents_may_be_batched_in_any_way(tok, options):
    whole = rows(tok.encode_batch(LINES, doc_id0=100, **options))
    for size in (1, 2, 3):
        parts = []
        for start in range(0, len(LINES), size):
            part = LINES[start : start + size]
            parts += rows(tok.encode_batch(part, doc_id0=100 + start, **options))
        assert parts == whole
    order = [4, 0, 6, 2, 1, 5, 3]
    shuffled = tok.encode_batch(
        [LINES[i] for i in order], doc_ids=[100 + i for i in order], **options
    )
    assert rows(shuffled) == [whole[i] for i in order]


@pytest.mark.parametrize(
    "doc_ids",
    [
        [3, 2**64 - 1],
        (3, 2**64 - 1),
        np.array([3, 2**64 - 1], dtype=np.uint64),
        np.array([3, 2**64 - 1], dtype=object),
        np.array([3, -1]),
    ],
    ids=["list", "tuple", "uint64", "object", "int64"],
)
def test_doc_ids_of_any_kind(tok, doc_ids):
    batch = tok.encode_batch([TEXT, TEXT], doc_ids=doc_ids, **SAMPLING[0])
    assert rows(batch) == [
        tok.encode(TEXT, doc_id=doc_id, **SAMPLING[0]) for doc_id in (3, 2**64 - 1)
    ]


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
def test_numbers_may_be_numpy_numbers(tok, dtype):
    options = {name: dtype(5) for name in ("seed", "epoch", "doc_id", "sample")}
    plain = dict.fromkeys(options, 5)
    assert tok.encode(TEXT, alpha=np.float32(0.5), **options) == tok.encode(
        TEXT, alpha=0.5, **plain
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("name", ["seed", "epoch", "doc_id", "sample"])
def test_every_number_matters(tok, sampler, name):
    place = {"seed": 1, "epoch": 1, "doc_id": 1, "sample": 1}
    draws = [
        tuple(tok.encode(LONG, alpha=0.1, sampler=sampler, **place | {name: value}))
        for value in (0, 1, 2, 2**32 - 1, *((2**32, 2**63) if name in ("seed", "doc_id") else ()))
    ]
    assert len(set(draws)) == len(draws)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_segments_of_a_text_are_drawn_independently(tok, sampler):
    line = "the cat and the hat\n"
    ids = tok.encode(line * 20, alpha=0.0, seed=1, sampler=sampler)
    pieces = tok.ids_to_pieces(ids)
    lines = b" ".join(pieces).replace(b"\n", b"\n|").split(b"|")
    assert len(set(lines)) > 10


def test_a_seed_of_none_is_fresh_for_every_call(tok):
    draws = {tuple(tok.encode(LONG, alpha=0.1)) for _ in range(10)}
    assert len(draws) == 10
    batch = tok.encode_batch([LONG] * 5, alpha=0.1, samples=2)
    assert len({tuple(row) for row in rows(batch)}) == 10


def test_the_global_generators_are_left_alone(tok):
    import random

    before = random.getstate(), np.random.get_state()[1].tolist()
    tok.encode(TEXT, alpha=0.1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


@pytest.mark.parametrize("options", WAYS)
def test_a_pickled_tokenizer_encodes_alike(tok, options):
    other = pickle.loads(pickle.dumps(tok))
    assert encode_rows(other, options) == encode_rows(tok, options)


@pytest.mark.parametrize("method", ["fork", "spawn"])
# Newer Pythons warn of forks in a process that has, or had, threads. The test does this on purpose.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_other_processes_encode_alike(tok, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    expected = [encode_rows(tok, {"threads": 2, **options}) for options in WAYS]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        work = partial(encode_rows, tok)
        assert list(pool.map(work, [{"threads": 2, **options} for options in WAYS])) == expected


def test_threads_may_share_a_tokenizer(model):
    """Each thread has an alpha of its own, and the tokenizer keeps a table for it."""
    tok = Tokenizer(model)
    alphas = [0.1, 0.2, 0.5, 1.0] * (10 if JIT else 2)
    expected = {alpha: Tokenizer(model).encode(TEXT, alpha=alpha, seed=1) for alpha in set(alphas)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda alpha: tok.encode(TEXT, alpha=alpha, seed=1), alphas))
    assert found == [expected[alpha] for alpha in alphas]
