# ruff: noqa: E402
"""Language models on tokenizers: the text they read, their compute, their bits, the intervals."""

import random
import sys

import numpy as np
import pytest
from support import ROOT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

torch = pytest.importorskip("torch", reason="the language models need it")

from support.strategies import JIT

from benchmarks import bench_lm
from benchmarks.language_models import plan, probes, runs, tables, texts
from benchmarks.language_models.cuts import bits_after_cuts
from benchmarks.language_models.evaluation import bits_of_documents
from benchmarks.language_models.sampling import SampledTraining, Segmenter
from benchmarks.language_models.training import Batches, train
from benchmarks.language_models.transformer import Shape, Transformer, rows_for
from benchmarks.language_models.vocabularies import NAMES
from benchmarks.support import intervals, result_lines
from benchmarks.support.commands import FailedError
from bytepiece import Model, Tokenizer, model_io
from bytepiece.adapters.ours import Ours
from bytepiece.rules.merges import Merges
from bytepiece.rules.text_rules import TextRules
from bytepiece.rules.words import GPT2, WordCut

torch.set_num_threads(1)  # two threads that wait for each other take minutes on a busy machine
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
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
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
    assert bits < 60


def test_intervals_hold_the_truth():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(40):
        documents = random.gamma(4, 100, size=50)
        seeds = random.normal(1, 0.01, size=(3, 1))
        sizes = np.full((3, 50), 100.0)
        one = documents * seeds * random.normal(1, 0.05, size=(3, 50))
        other = 1.02 * documents * seeds * random.normal(1, 0.01, size=(3, 1))
        found = intervals.relative(other, sizes, one, sizes)
        held += found.low <= 2 <= found.high
    assert held >= 36
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


def test_the_report_compares_with_the_reference():
    lines = [line("sp-bpe", seed, 1.1) for seed in (1, 2, 3)]
    lines += [line("merge", seed, 1.0) for seed in (1, 2)]
    lines.append({**line("bnlm", 1, 1), "reason": "no memory"})
    del lines[-1]["texts"]
    shown = tables.report(lines)
    assert "## 8,000 ids, after the same compute" in shown
    assert "SentencePiece BPE, across spaces | 3 " in shown
    assert "+9.9" in shown
    assert "- bnlm, 8,000 ids: no memory" in shown
    assert shown.index("ours, merges, across spaces") < shown.index("SentencePiece")


def test_a_file_of_results_without_its_last_newline_is_read(tmp_path):
    path = tmp_path / "lines"
    result_lines.append(path, {"a": 1})
    with path.open("a") as file:
        file.write('{"b"')
    assert list(result_lines.lines_of(path)) == [{"a": 1}]


def test_bits_after_a_cut_count_all_ways_to_spell_the_bytes():
    model = Transformer(SHAPE, 257, 0)
    torch.nn.init.zeros_(model.embedding.weight)
    tokenizer = Tokenizer(Model([bytes([b]) for b in range(256)], [-6.0] * 256))
    found = bits_after_cuts(model, tokenizer, ["a" * 50, "b" * 300], 5, 259)
    assert len(found) == 3
    for text in found.values():
        assert text["bits"] == pytest.approx([4 * np.log2(rows_for(257))] * 3, abs=0.01)


def test_noise_leaves_the_second_half_and_the_word_before_it():
    lines = [
        f"some words that are clean {i} long before the words that are noisy" for i in range(50)
    ]
    found = probes.noisy([*lines, "short"], 40)
    assert {len(one) for one in found.values()} == {25}
    assert [probe.text for probe in found["after clean text"]] == lines[::2]
    for name, one in found.items():
        for probe in one:
            assert probe.text.encode()[probe.start :] == b" long before the words that are noisy"
            assert probe.text.encode()[: probe.start][-1:].isdigit()
        changed = sum(a != b for a, b in zip(one, found["after clean text"], strict=True))
        assert (changed > 10) == (name != "after clean text")
    assert probes.typos("the cat", random.Random(3)) != probes.typos("the cat", random.Random(4))


def test_a_token_that_reaches_into_the_counted_part_counts_whole(tmp_path):
    model = Transformer(SHAPE, 300, 0)
    experiment = runs.Experiment(tmp_path, {}, 1, tmp_path)
    found = experiment._tested(model, ADAPTER, [probes.Probe("xx the", 4), probes.Probe("xx")], 16)
    assert found["sizes"] == [4, 2]
    assert found["tokens"] == 5


@pytest.mark.parametrize("sampler", ["perfect", "viterbi"])
def test_samples_have_their_price_until_the_schedule_ends(tmp_path, sampler):
    path = tmp_path / "model"
    pieces = [bytes([b]) for b in range(256)] + [b"the", b" the", b"he", b"th", b"cat", b"at"]
    model = Model(pieces, [-4.0] * len(pieces))
    model_io.save(model, path)
    adapter = Ours(Tokenizer(model))
    lines = ["the cat the cat the cat"] * 400
    sampling = SampledTraining.parse(f"{sampler} +20% until=0.5")
    segmenter = Segmenter(path, adapter, lines, sampling, 1)
    best = texts.stream_of(adapter, lines, len(pieces) + 3)
    every = segmenter.stream().token_ends[-1] - 400
    assert every / (best.token_ends[-1] - 400) == pytest.approx(1.2, abs=0.02)
    half = segmenter.stream(read=24 * 400, sequences=2)
    lengths = np.diff(half.token_ends, prepend=0)
    shortest = int(best.token_ends[0])
    assert (lengths[100:200] == shortest).all()
    assert (lengths[300:] == shortest).all()
    assert lengths[:100].mean() > shortest + 0.5
    with pytest.raises(FailedError, match="no strength costs"):
        Segmenter(path, adapter, lines, SampledTraining.parse(f"{sampler} +900%"), 1)
    with pytest.raises(ValueError, match="not of the form"):
        SampledTraining.parse("perfect")


@pytest.mark.parametrize("sampler", ["perfect", "dropout", "splitting"])
def test_samples_of_bpe_have_their_price(tmp_path, sampler):
    path = tmp_path / "model"
    pieces = [bytes([b]) for b in range(256)] + [b"th", b"the", b" the", b"at", b"cat"]
    merges = Merges(ranks=np.maximum(np.arange(len(pieces)) - 256, -1))
    rules = TextRules(segment="text", words=(WordCut(GPT2),))
    model = Model(pieces, [-4.0] * len(pieces), rules=rules, merges=merges)
    model_io.save(model, path)
    lines = ["the cat the cat the cat", "a hat, the rat"] * 300
    sampling = SampledTraining.parse(f"{sampler} +10%")
    segmenter = Segmenter(path, Ours(Tokenizer(model)), lines, sampling, 1)
    assert len(segmenter._drawn[0]) / len(segmenter.best[0]) == pytest.approx(1.1, abs=0.02)


def test_the_best_are_known_when_the_grid_is_complete():
    lines = [line(key, seed, 1 + i / 100) for i, key in enumerate(NAMES) for seed in (1, 2, 3)]
    before, after = plan.runs(lines[:-1]), plan.runs(lines)
    assert before[0].tokenizer == "merge"
    assert len(set(after)) == len(after)
    further = [run for run in after if run not in before]
    assert {run.tokenizer for run in further if run.vocabulary == 32000} == set(list(NAMES)[:3])
    assert {run.seed for run in further if run.vocabulary == 8000} == {4, 5}


@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
def test_a_run_is_not_repeated(tmp_path, capfd, monkeypatch):
    run = runs.Run("merge", 1000, "compute", 2, "perfect +10% until=0.75")
    monkeypatch.setattr(plan, "quick_runs", lambda lines: [run])
    results = tmp_path / "lm.jsonl"
    arguments = ["--quick", "--results", str(results), "--kept", str(tmp_path)]
    bench_lm.main(arguments)
    first = results.read_text()
    found, further = result_lines.lines_of(results)
    text = found["texts"]["sample.txt"]
    assert 3 < sum(text["bits"]) / sum(text["sizes"]) < 9
    assert "after typos" in further["further"]
    bench_lm.main(arguments)
    assert results.read_text() == first
    bench_lm.main(["--report", "--results", str(results)])
    assert "ours, merges, across spaces, perfect +10%" in capfd.readouterr().out
