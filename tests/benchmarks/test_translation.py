"""The comparison of translators: its network, its search, its plan."""

import itertools
import json
import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sacrebleu")

from benchmarks import bench_translation  # noqa: E402
from benchmarks.translation import report, systems  # noqa: E402
from benchmarks.translation.counts import chrf_of, packed, unpacked  # noqa: E402
from benchmarks.translation.decoding import padded, translated  # noqa: E402
from benchmarks.translation.network import BOS, EOS, NetworkSize, Translator  # noqa: E402

TINY = NetworkSize(width=8, layers=2, heads=2, inner=16, dropout=0.0)
SOURCES = [[5, 4, 3, EOS], [3, EOS], [4, 4, EOS]]
TARGETS = [[BOS, 3, EOS], [BOS, 5, 4, 5, 3, EOS], [BOS, EOS]]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(seed):
    torch.manual_seed(seed)
    network = Translator(6, TINY, 12)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=1.5)
    return network.eval()


def test_padding_changes_no_loss():
    network = made(0)
    alone = [
        network.loss(padded([source]), padded([target])).item()
        for source, target in zip(SOURCES, TARGETS, strict=True)
    ]
    together = network.loss(padded(SOURCES), padded(TARGETS)).item()
    assert together == pytest.approx(sum(alone), rel=1e-5)


def by_force(network, source, longest):
    """Return the text with the largest log-probability per token of all texts that are allowed."""
    texts = [
        [*text] for length in range(longest) for text in itertools.product((3, 4, 5), repeat=length)
    ]

    def score(text):
        loss = network.loss(padded([source]), padded([[BOS, *text, EOS]])).item()
        return -loss / (len(text) + 1)

    return max(texts, key=score)


@torch.no_grad()
def test_a_wide_beam_finds_the_best_of_all_texts():
    lengths = set()
    for seed in (0, 3, 11):
        network = made(seed)
        found = translated(network, SOURCES, 200, 4)
        assert found == [by_force(network, source, 4) for source in SOURCES]
        lengths |= set(map(len, found))
    assert len(lengths) > 2


@torch.no_grad()
def test_a_beam_of_one_takes_the_likeliest_id_each_time():
    lengths = set()
    for seed in (0, 3, 11):
        network = made(seed)
        for source, found in zip(SOURCES, translated(network, SOURCES, 1, 6), strict=True):
            ids = [BOS]
            while ids[-1] != EOS and len(ids) < 6:
                losses = {
                    one: network.loss(padded([source]), padded([[*ids, one]])).item()
                    for one in (EOS, 3, 4, 5)
                }
                ids.append(min(losses, key=losses.get))
            assert found == [one for one in ids[1:] if one != EOS]
            lengths.add(len(found))
    assert len(lengths) > 1


def test_dropout_keeps_the_mean_and_rests_in_evaluation():
    network = Translator(6, NetworkSize(8, 1, 2, 16, dropout=0.25), 4)
    ones = torch.ones(400, 100)
    dropped = network.train().dropout(ones)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert network.eval().dropout(ones) is ones


def test_counts_come_back_and_give_the_score():
    from sacrebleu.metrics import CHRF

    metric = CHRF()
    found, wanted = ["the cat sat", "a dog"], ["the cat sits", "the dog"]
    counts = metric._extract_corpus_statistics(found, [wanted])
    back = unpacked(packed(counts), 2)
    assert back.tolist() == counts
    assert chrf_of(back.sum(axis=0)) == pytest.approx(metric.corpus_score(found, [wanted]).score)


OTHER_DRAWS = [(2, 2, 1), (1, 3, 1), (1, 2, 0)]
"""Another seed, another epoch, the other side."""


@pytest.mark.parametrize("system", ["perfect", "viterbi", "nbest", "sentencepiece-sampling"])
def test_an_alpha_has_the_wanted_price(system, tmp_path):
    texts = ["the cat sat on the mat", "a dog sat on the cat", "the hat of the cat"] * 200
    vocabulary = systems.vocabulary(system, texts, 300, tmp_path)
    alpha = systems.alpha_of(system, vocabulary, texts, 0.1)
    least, more = (sum(map(len, vocabulary.encode(texts, a, 0, 0, 0))) for a in (None, alpha))
    assert more / least == pytest.approx(1.1, abs=0.004)
    once = vocabulary.encode(texts, alpha, 1, 2, 1)
    assert vocabulary.decode(once) == texts
    assert vocabulary.encode(texts, alpha, 1, 2, 1) == once
    assert once not in [vocabulary.encode(texts, alpha, *other) for other in OTHER_DRAWS]


def test_the_quick_path_resumes_and_reports(tmp_path, capsys):
    lines = [f"the number {n}\tluku {n} on\n" for n in range(60)]
    (tmp_path / "pairs.tsv").write_text("".join(lines), "utf-8")
    results = tmp_path / "results.jsonl"
    files = [str(tmp_path / "pairs.tsv")] * 3
    call = ["--quick", "--pair", "en-fi", *files, "--results", str(results)]
    bench_translation.main(call)
    whole = results.read_text("utf-8").splitlines()
    lines = [json.loads(line) for line in whole]
    assert {line["part"] for line in lines} == {"dev", "test"}
    assert all(math.isfinite(line["dev"]["chrf"]) for line in lines)
    # a process that was killed leaves a part of a line: its run is done again, with equal figures
    results.write_text("\n".join([*whole[:-1], whole[-1][:50]]), "utf-8")
    bench_translation.main(call)
    again = results.read_text("utf-8").splitlines()
    assert len(again) == len(whole) + 1
    assert json.loads(again[-1])["greedy"]["chrf"] == lines[-1]["greedy"]["chrf"]
    capsys.readouterr()
    bench_translation.main([*call, "--report"])
    assert "not significant" in capsys.readouterr().out
    assert results.read_text("utf-8").splitlines() == again


def test_the_difference_of_equal_systems_is_not_significant():
    import numpy as np

    counts = np.random.default_rng(1).integers(1, 9, (3, 50, 18))
    assert report.difference(counts, counts) == (0, 0, 0)
