"""Blocks for a `DataLoader`: they are the same for all workers, restarts and ranks."""

import os
import subprocess
import sys
from functools import partial
from itertools import chain, islice

import numpy as np
import pytest
from support import ROOT

torch = pytest.importorskip("torch", reason="pip install torch")

from torch.utils.data import DataLoader  # noqa: E402

from bytepiece import Model, errors, model_io  # noqa: E402
from bytepiece.encoding import documents  # noqa: E402
from bytepiece.integrations import torch as module  # noqa: E402
from bytepiece.integrations.torch import PackedBlocks  # noqa: E402

pytestmark = [
    # On a machine with few processors, torch warns.
    pytest.mark.filterwarnings("ignore:This DataLoader will create .* worker processes"),
    # From 3.12 on, Python warns when a loader forks, whichever library has threads.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

TEXTS = [f"the cat and the hat {i} " * (i % 5) + "今天天气" for i in range(70)]
SETTINGS = [
    {},
    {"alpha": 0.1, "seed": 3},
    {"alpha": (0.0, 1.0), "sample_prob": 0.5, "epoch": 2, "add_bos": True},
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Encode even these few texts in many steps."""
    monkeypatch.setattr(module, "_CHARS", 500)
    monkeypatch.setattr(module, "_SLICE", 7)


class IterableTexts:
    """Texts that can be iterated again but not indexed, like the lines of a file."""

    def __iter__(self):
        return iter(TEXTS)


def listed(blocks, **loading):
    """Return the ids of all blocks; with options, through a `DataLoader`."""
    loader = DataLoader(blocks, batch_size=None, **loading) if loading else blocks
    return [block["input_ids"].tolist() for block in loader]


def expected(tok, texts, length, seed=0, epoch=0, add_bos=False, numbers=None, **options):
    """Return the blocks by their definition, document by document."""
    ids = []
    for number, text in zip(numbers or range(len(texts)), texts, strict=True):
        row = tok.encode(
            text, add_bos=add_bos, add_eos=True, seed=seed, epoch=epoch, doc_id=number, **options
        )
        ids += row
    return [ids[i : i + length] for i in range(0, len(ids) - length + 1, length)]


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("source", [TEXTS, IterableTexts(), lambda: iter(TEXTS), IterableTexts])
@pytest.mark.parametrize("length", [7, 300])
def test_blocks_are_those_of_their_definition(tok, options, source, length):
    blocks = PackedBlocks(tok, source, length, **options)
    assert listed(blocks) == expected(tok, TEXTS, length, **options)
    assert listed(blocks) == listed(blocks)


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("workers", [1, 4])
def test_workers_change_nothing(tok, options, workers):
    blocks = PackedBlocks(tok, TEXTS, 16, **options)
    alone = DataLoader(blocks, batch_size=3)
    spread = DataLoader(blocks, batch_size=3, num_workers=workers)
    for first, second in zip(alone, spread, strict=True):
        assert torch.equal(first["input_ids"], second["input_ids"])
        assert torch.equal(first["labels"], second["labels"])
    assert listed(blocks, num_workers=workers) == listed(blocks)


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_fork_and_spawn(tok, context):
    if context not in torch.multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    list(tok.encode_batch(TEXTS, threads=2, alpha=0.1, seed=0))  # This process has used threads.
    blocks = PackedBlocks(tok, TEXTS, 16, alpha=0.1)
    assert listed(blocks, num_workers=2, multiprocessing_context=context) == listed(blocks)


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("source", [TEXTS, IterableTexts()])
def test_restart_at_every_position(tok, options, source):
    blocks = PackedBlocks(tok, source, 16, positions=True, **options)
    all_blocks = listed(blocks)
    iterator = iter(blocks)
    states = [blocks.state_dict()]
    for block in iterator:
        states.append(blocks.state_dict())
        assert blocks.state_at(block["position"]) == states[-1]
    assert len(states) == len(all_blocks) + 1
    assert len(repr(states[-1])) < 200
    for done, state in enumerate(states):
        again = PackedBlocks(tok, source, 16, **{**options, "epoch": 0})
        again.load_state_dict(state)
        assert again.state_dict() == state
        assert listed(again) == all_blocks[done:]


def test_restart_of_workers(tok):
    blocks = PackedBlocks(tok, TEXTS, 16, alpha=0.1, epoch=1, positions=True)
    loader = DataLoader(blocks, batch_size=4, num_workers=2)
    batches = list(loader)
    for done in (1, 3):
        again = PackedBlocks(tok, TEXTS, 16, alpha=0.1)
        again.load_state_dict(again.state_at(batches[done - 1]["position"]))
        for workers in (0, 2):
            rest = DataLoader(again, batch_size=4, num_workers=workers)
            for one, other in zip(rest, batches[done:], strict=True):
                assert torch.equal(one["input_ids"], other["input_ids"])


def test_a_worker_gets_its_own_state(tok, monkeypatch):
    blocks = PackedBlocks(tok, TEXTS, 16)
    iterator = iter(blocks)
    next(iterator)
    state = blocks.state_dict()

    class Worker:
        id, num_workers = 0, 2

    monkeypatch.setattr(module, "get_worker_info", lambda: Worker)
    blocks.load_state_dict(state)
    assert listed(blocks) == listed(PackedBlocks(tok, TEXTS, 16))[1:]
    Worker.id = 1
    assert listed(blocks) == []


def test_another_length_from_the_same_place(tok):
    blocks = PackedBlocks(tok, TEXTS, 10)
    ids = list(chain(*listed(blocks)))
    iterator = iter(blocks)
    next(iterator)
    longer = PackedBlocks(tok, TEXTS, 25)
    longer.load_state_dict(blocks.state_dict())
    assert list(chain(*listed(longer))) == ids[10 : 10 + (len(ids) - 10) // 25 * 25]


def test_epochs(tok):
    blocks = PackedBlocks(tok, TEXTS, 16, alpha=0.1)
    loader = DataLoader(blocks, batch_size=None, num_workers=2, persistent_workers=True)
    seen = []
    for epoch in range(3):
        blocks.set_epoch(epoch)
        seen.append([block["input_ids"].tolist() for block in loader])
        assert seen[-1] == listed(PackedBlocks(tok, TEXTS, 16, alpha=0.1, epoch=epoch))
    assert seen[0] != seen[1] != seen[2]
    # After a restart, the trainer sets the epoch. The place in that epoch stays.
    iterator = iter(blocks)
    next(iterator)
    again = PackedBlocks(tok, TEXTS, 16, alpha=0.1)
    again.load_state_dict(blocks.state_dict())
    again.set_epoch(2)
    assert listed(again) == seen[2][1:]
    again.set_epoch(0)
    assert listed(again) == seen[0]
    with pytest.raises(errors.ArgumentError, match="epoch"):
        again.set_epoch(-1)


def test_the_last_block(tok):
    ids = list(chain(*expected(tok, TEXTS, 1)))
    length = len(ids) - 5
    filled = PackedBlocks(tok, TEXTS, length, fill_last=True)
    for loader in (filled, DataLoader(filled, batch_size=None, num_workers=1)):
        first, last = list(loader)
        assert first["labels"].tolist() == first["input_ids"].tolist() == ids[:length]
        assert last["input_ids"].tolist() == ids[length:] + [0] * (length - 5)
        assert last["labels"].tolist() == ids[length:] + [-100] * (length - 5)
    state = filled.state_dict()
    assert state["document"] == len(TEXTS)
    filled.load_state_dict(state)
    assert listed(filled) == []
    assert listed(PackedBlocks(tok, [], 4, fill_last=True)) == []
    unpadded = Model(tok.model.pieces, tok.model.scores, special_tokens=())
    with pytest.raises(errors.ModelError, match="pad"):
        PackedBlocks(type(tok)(unpadded), TEXTS, 4, fill_last=True, add_eos=False)


@pytest.mark.parametrize("source", [TEXTS, IterableTexts()])
def test_ranks_share_the_documents(tok, source):
    for rank in range(3):
        numbers = list(range(rank, len(TEXTS), 3))
        share = expected(tok, TEXTS[rank::3], 8, alpha=0.1, seed=0, numbers=numbers)
        blocks = PackedBlocks(tok, source, 8, alpha=0.1, rank=rank, world_size=3)
        assert listed(blocks) == share
        assert listed(blocks, num_workers=2) == share
        list(islice(iter(blocks), 5))
        again = PackedBlocks(tok, source, 8, alpha=0.1, rank=rank, world_size=3)
        again.load_state_dict(blocks.state_dict())
        assert listed(again) == share[5:]


def test_lines_of_a_file(tok, tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(TEXTS) + "\n", "utf-8", newline="\n")
    blocks = PackedBlocks(tok, partial(open, path, encoding="utf-8"), 16)
    lines = [text + "\n" for text in TEXTS]
    assert listed(blocks) == expected(tok, lines, 16)
    assert listed(blocks, num_workers=2) == listed(blocks)
    next(iter(blocks))  # The file is closed: the suite turns warnings into errors.


def test_documents_of_a_dataset(tok):
    datasets = pytest.importorskip("datasets")
    column = datasets.Dataset.from_dict({"text": TEXTS})["text"]
    assert listed(PackedBlocks(tok, column, 16)) == expected(tok, TEXTS, 16)


def test_a_language_model_takes_a_batch(tok):
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=tok.vocab_size, n_positions=16, n_embd=8, n_layer=1, n_head=1
    )
    blocks = PackedBlocks(tok, TEXTS, 16, alpha=0.1)
    batch = next(iter(DataLoader(blocks, batch_size=2)))
    assert torch.isfinite(transformers.GPT2LMHeadModel(config)(**batch).loss)
    collated = transformers.default_data_collator(list(islice(blocks, 2)))
    assert torch.equal(collated["input_ids"], batch["input_ids"])


def test_bad_arguments(tok):
    for wrong, match in (
        ({"documents": "the cat"}, "must be texts"),
        ({"documents": iter(TEXTS)}, "only once"),
        ({"documents": 5}, "must be texts"),
        ({"length": 0}, "length"),
        ({"seed": None}, "seed"),
        ({"alpha": [0.1, 0.2]}, "range"),
        ({"alpha": -0.1, "sample_prob": 3}, "sample_prob"),
        ({"rank": 2, "world_size": 2}, "rank"),
        ({"epoch": -1}, "epoch"),
        ({"rank": 0.5}, "rank"),
        ({"world_size": 2.0}, "world_size"),
    ):
        with pytest.raises(errors.ArgumentError, match=match):
            PackedBlocks(tok, **{"documents": TEXTS, "length": 4, **wrong})


def test_numbers_of_numpy_are_the_same_settings(tok):
    state = PackedBlocks(tok, TEXTS, 16, alpha=0.25, seed=4, world_size=2, rank=1).state_dict()
    of_numpy = {"alpha": np.float64(0.25), "seed": np.int64(4), "epoch": np.uint64(0)}
    again = PackedBlocks(tok, TEXTS, 16, world_size=np.int8(2), rank=np.uint64(1), **of_numpy)
    assert again.state_dict() == state
    again.load_state_dict(state)


def test_a_state_of_other_settings_is_refused(tok):
    state = PackedBlocks(tok, TEXTS, 16, alpha=0.1).state_dict()
    for options in ({}, {"alpha": 0.2}, {"alpha": 0.1, "seed": 1}, {"alpha": 0.1, "world_size": 2}):
        with pytest.raises(errors.ArgumentError, match="this state is of another"):
            PackedBlocks(tok, TEXTS, 16, **options).load_state_dict(state)
    with pytest.raises(errors.ArgumentError, match="this state is of another"):
        PackedBlocks(tok, TEXTS, 16).load_state_dict({})


def test_a_state_does_not_depend_on_the_order_of_a_set(tok, tmp_path):
    model_io.save(tok.model, tmp_path / "m.model")
    script = (
        "from bytepiece import Tokenizer; from bytepiece.integrations.torch import PackedBlocks\n"
        f"tok = Tokenizer.load({str(tmp_path / 'm.model')!r})\n"
        "names = {token.name for token in tok.model.special_tokens}\n"
        "print(PackedBlocks(tok, [], 4, allowed_special=names).state_dict()['stream'])"
    )
    found = []
    for seed in "01":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", script]
        found.append(subprocess.check_output(command, cwd=ROOT, env=environment))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "doc_ids", ["text", [f"<urn:uuid:{i}>" for i in range(70)], range(-35, 35)]
)
def test_numbers_of_documents(tok, doc_ids):
    def make(documents, **options):
        return PackedBlocks(tok, documents, 16, alpha=0.1, doc_ids=doc_ids, **options)

    numbers = list(map(int, documents.document_numbers(0, doc_ids, TEXTS, sampled=True)))
    blocks = expected(tok, TEXTS, 16, numbers=numbers, alpha=0.1)
    assert listed(make(TEXTS)) == listed(make(IterableTexts())) == blocks
    assert listed(make(TEXTS), num_workers=2) == blocks
    parts = expected(tok, TEXTS[1::2], 16, numbers=numbers[1::2], alpha=0.1)
    assert listed(make(TEXTS, rank=1, world_size=2)) == parts
    state = make(TEXTS).state_dict()
    make(TEXTS).load_state_dict(state)
    with pytest.raises(errors.ArgumentError, match="other settings"):
        PackedBlocks(tok, TEXTS, 16, alpha=0.1).load_state_dict(state)


def test_too_few_numbers_are_an_error(tok):
    blocks = PackedBlocks(tok, TEXTS, 16, alpha=0.1, doc_ids=range(69))
    with pytest.raises(errors.ArgumentError, match="69 doc_ids, and more documents"):
        listed(blocks)
