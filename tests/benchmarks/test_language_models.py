# ruff: noqa: E402
"""Language models on tokenizers: the text they read, their compute, their bits, the intervals."""

import sys

import numpy as np
import pytest
from support import ROOT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

torch = pytest.importorskip("torch", reason="the language models need it")

from support.strategies import JIT

from benchmarks import bench_lm
from benchmarks.language_models import intervals, runs, tables, texts
from benchmarks.language_models.evaluation import bits_of_documents
from benchmarks.language_models.training import Batches, train
from benchmarks.language_models.transformer import Shape, Transformer, rows_for
from bytepiece import Model, Tokenizer
from bytepiece.adapters.ours import Ours

SHAPE = Shape(32, 2, 2)
PIECES = [bytes([b]) for b in range(256)] + [b"the", b" the", b"he", b"\xe4\xbb\x8a"]
ADAPTER = Ours(Tokenizer(Model(PIECES, [-9.0] * len(PIECES))))
NEWLINE = len(ADAPTER.vocabulary())
LINES = ["the cat", "", "今天 the", "x" * 30]


def test_the_stream_has_one_token_for_each_newline():
    stream = texts.stream_of(ADAPTER, LINES, NEWLINE)
    pieces = [*ADAPTER.vocabulary(), b"\n"]
    joined = b"".join(pieces[one] for one in stream.ids)
    assert joined.decode() == "".join(f"{line}\n" for line in LINES)
    assert stream.ends.tolist()[-1] == len(joined)
    assert stream.token_ends.tolist()[-1] == len(stream.ids)
    assert [stream.ids[end - 1] for end in stream.token_ends] == [NEWLINE] * 4
    assert stream.bytes_of(int(stream.token_ends[2])) == stream.ends[2]


def test_documents_are_whole_lines_and_cut_only_where_a_line_is_too_long():
    every = texts.documents_of(LINES, 16, 10_000)
    assert "".join(every) == "".join(f"{line}\n" for line in LINES)
    assert every[:2] == ["the cat\n\n", "今天 the\n"]
    assert max(len(document.encode()) for document in every) <= 16
    assert "".join(texts.documents_of(["今" * 9], 10, 99)) == "今" * 9 + "\n"
    spread = texts.documents_of([str(i) for i in range(100)], 2, 60)
    assert len(spread) < 40
    assert spread[0] == "0\n"
    tokens = texts.tokens_of(ADAPTER, every, NEWLINE)
    assert np.concatenate(tokens).tolist() == texts.stream_of(ADAPTER, LINES, NEWLINE).ids.tolist()


def test_a_seed_moves_stretches_and_keeps_the_lines(tmp_path):
    path = tmp_path / "text"
    path.write_text("".join(f"line {i}\n" for i in range(30_000)), "utf-8", newline="\n")
    one, other = texts.shuffled(path, 1), texts.shuffled(path, 2)
    assert one != other
    assert one == texts.shuffled(path, 1)
    assert sorted(one) == sorted(other) == sorted(f"line {i}" for i in range(30_000))


def test_batches_read_each_token_once():
    batches = Batches(context=4, sequences=3, steps=5)
    stream = np.arange(batches.tokens + 1, dtype=np.int32)
    read = [batches.of(stream, step) for step in range(5)]
    assert sorted(torch.cat([ids for ids, _ in read]).flatten().tolist()) == list(range(60))
    assert all(bool((targets == ids + 1).all()) for ids, targets in read)


def test_the_operations_are_those_that_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    model = Transformer(SHAPE, 300, 0)
    ids = torch.zeros((2, 16), dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        model.loss(ids, ids).backward()
    # The counter takes the products over all pairs of positions; half of them are masked.
    masked = 3 * SHAPE.layers * 2 * 2 * SHAPE.width * (16 - 17 / 2)
    assert counter.get_total_flops() == 32 * (SHAPE.training_flops(rows_for(300), 16) + masked)


def test_the_loss_and_its_gradients_are_those_of_cross_entropy():
    model = Transformer(SHAPE, 300, 0)
    ids = torch.arange(40).reshape(2, 20)
    found = model.loss(ids, ids + 1)
    found.backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    logits = model(ids).flatten(0, 1) @ model.embedding.weight.t()
    wanted = torch.nn.functional.cross_entropy(logits, (ids + 1).flatten())
    wanted.backward()
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)
    for gradient, parameter in zip(gradients, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-4, atol=1e-6)


def test_a_later_token_changes_nothing_before_it():
    model = Transformer(SHAPE, 300, 0)
    ids = torch.arange(20)[None]
    changed = ids.clone()
    changed[0, 12] = 99
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :12], after[:, :12])
    assert not torch.allclose(before[:, 12:], after[:, 12:])


def test_equal_probabilities_cost_the_logarithm_of_their_number():
    model = Transformer(SHAPE, 300, 0)
    torch.nn.init.zeros_(model.embedding.weight)
    documents = texts.tokens_of(ADAPTER, texts.documents_of(LINES, 40, 999), NEWLINE)
    bits = bits_of_documents(model, documents, NEWLINE, context=8)
    assert bits == pytest.approx([len(x) * np.log2(rows_for(300)) for x in documents], abs=0.01)


def test_long_documents_are_read_in_windows_of_the_context():
    model = Transformer(SHAPE, 300, 0)
    document = np.arange(21, dtype=np.int32)
    tokens = [NEWLINE, *range(21)]
    wanted = 0.0
    for start, skipped in [(0, 0), (4, 4), (8, 4), (12, 4), (16, 4)]:
        window = torch.tensor([tokens[start : start + 9]])
        wanted += float(model.bits(window[:, :-1], window[:, 1:])[0, skipped:].sum())
    assert bits_of_documents(model, [document], NEWLINE, 8) == [pytest.approx(wanted, abs=0.01)]
    alone = bits_of_documents(model, [document[:5]], NEWLINE, 8)
    together = bits_of_documents(model, [document, document[:5]], NEWLINE, 8)
    assert together[1] == pytest.approx(alone[0], abs=0.01)


@pytest.mark.filterwarnings("ignore")
def test_training_learns():
    stream = np.tile(np.arange(50, dtype=np.int32), 400)
    model = train(stream, 50, Batches(16, 8, 60), SHAPE, 0)
    [bits] = bits_of_documents(model, [stream[1:17]], 0, 16)
    assert bits < 16


def test_intervals_hold_the_truth():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        documents = random.gamma(4, 100, size=50)
        seeds = random.normal(1, 0.01, size=(3, 1))
        sizes = np.full((3, 50), 100.0)
        one = documents * seeds * random.normal(1, 0.05, size=(3, 50))
        other = 1.02 * documents * seeds * random.normal(1, 0.01, size=(3, 1))
        found = intervals.relative(other, sizes, one, sizes)
        held += found.low <= 2 <= found.high
    assert held >= 90
    figure = intervals.bits_per_byte(np.full((1, 50), 300.0), np.full((1, 50), 100.0))
    assert figure == (3.0, 3.0, 3.0)
    assert intervals.Interval(1.5, 1, 2).shown("+.1f") == "+1.5 ± 0.5"
    assert intervals.Interval(1.5, 1, 2).is_apart
    assert not intervals.Interval(0.5, -1, 2).is_apart


def line(tokenizer, seed, factor):
    run = {"tokenizer": tokenizer, "vocabulary": 8000, "budget": "compute", "seed": seed}
    return {
        "run": run | {"sampling": ""},
        "experiment": {"bytes": 5e6, "corpus": "mix", "shape": {"layers": 4, "width": 256}},
        "rows": 8064,
        "bytes per token": 3.7,
        "bytes": 5e6,
        "flops": 4e13,
        "seconds": 100.0,
        "peak memory": 5e8,
        "texts": {
            "new": {
                "sizes": [100, 200, 100],
                "bits": [300 * factor, 600.0 * factor, 299.0 * factor + seed],
            }
        },
    }


def test_the_report_compares_with_our_default():
    lines = [line("sp-bpe", seed, 1.1) for seed in (1, 2, 3)]
    lines += [line("merge", seed, 1.0) for seed in (1, 2)]
    lines.append({**line("bnlm", 1, 1), "reason": "no memory"})
    del lines[-1]["texts"]
    shown = tables.report(lines)
    assert "## 8,000 ids, after the same compute" in shown
    assert "SentencePiece BPE, across spaces | 3 " in shown
    assert "+9.9" in shown
    assert "- bnlm, 8,000 ids: no memory" in shown
    assert shown.index("ours, across spaces") < shown.index("SentencePiece")


def test_a_file_of_results_without_its_last_newline_is_read(tmp_path):
    path = tmp_path / "lines"
    runs.append(path, {"a": 1})
    with path.open("a") as file:
        file.write('{"b"')
    assert list(runs.lines_of(path)) == [{"a": 1}]


@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
def test_the_quick_run_is_not_repeated(tmp_path, capfd):
    results = tmp_path / "lm.jsonl"
    arguments = ["--quick", "--tokenizers", "merge", "--results", str(results)]
    bench_lm.main([*arguments, "--kept", str(tmp_path)])
    first = results.read_text()
    found, further = runs.lines_of(results)
    text = found["texts"]["sample.txt"]
    assert 3 < sum(text["bits"]) / sum(text["sizes"]) < 9
    assert "after typos" in further["further"]
    assert "after a cut, 1 back" in further["further"]
    bench_lm.main([*arguments, "--kept", str(tmp_path)])
    assert results.read_text() == first
    bench_lm.main(["--report", "--results", str(results)])
    assert "ours, across spaces" in capfd.readouterr().out
