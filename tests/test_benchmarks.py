"""The benchmarks' own arithmetic, and the adapters of the libraries that are installed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))  # benchmarks/ is no part of the package

from benchmarks import harness  # noqa: E402
from benchmarks.bars import Bar  # noqa: E402
from benchmarks.corpora import Fresh, odd_texts  # noqa: E402
from benchmarks.harness import Lane  # noqa: E402
from benchmarks.peers.kitoken import Kitoken  # noqa: E402
from benchmarks.peers.tiktoken import Tiktoken  # noqa: E402
from benchmarks.peers.tokie import Tokie  # noqa: E402
from bytepiece.audit.adapters.base import Adapter, NotPossibleError, Run  # noqa: E402
from bytepiece.audit.adapters.huggingface import HuggingFace  # noqa: E402
from bytepiece.audit.adapters.ours import Ours  # noqa: E402
from bytepiece.audit.adapters.sentencepiece import SentencePiece  # noqa: E402
from bytepiece.audit.adapters.spelling import alphabet  # noqa: E402

TEXTS = ["the cat and the hat", "今天天气 é", "tab\tand  spaces ", "👍 \u2028"]


class Fake(Adapter):
    """Takes as long as it is told."""

    name, module, distribution = "fake", "sys", "fake"

    def __init__(self, seconds):
        self.seconds = iter(seconds)
        self.seen = []

    def encode_batch(self, texts):
        self.seen.append(texts)
        return Run(None, next(self.seconds))


class Absent(Adapter):
    name, module, distribution = "absent", "a_module_that_nobody_has", "absent-library"


def entrant(adapter):
    return harness.Entrant("fake", "none", adapter)


def race(entrants, texts, repeats, task=lambda adapter, texts: adapter.encode_batch(texts)):
    return harness.race(entrants, task, lambda: next(texts), repeats)


def test_race_takes_turns_on_the_same_texts():
    ours, theirs = Fake([9, 1, 2, 1]), Fake([9, 4, 4, 6])
    texts = iter([[letter * 1_000_000] for letter in "abcd"])
    lanes = race([entrant(ours), entrant(theirs)], texts, repeats=3)
    assert ours.seen == theirs.seen
    assert len(ours.seen) == 4
    assert lanes[0].rates == [1.0, 0.5, 1.0]
    assert harness.ratios(*lanes) == [4.0, 2.0, 6.0]
    assert harness.spread(lanes[0].rates) == 0.5
    rows = harness.rows_of(lanes)
    assert rows[0][2:5] == ["1", "1", "50 %"]
    assert rows[1][2:4] == ["0.25", "0.25"]
    assert rows[1][6] == "4.00 (2.00…6.00)"


def test_who_cannot_run_is_reported_and_why():
    absent = harness.enter(Absent, "none", Absent)
    unable = harness.enter(Fake, "none", lambda: Fake.from_model(None))
    lanes = race([entrant(Fake([1, 1])), absent, unable], iter([["a"], ["b"]]), repeats=1)
    assert "not installed; pip install absent-library" in lanes[1].note
    assert "cannot hold" in lanes[2].note
    shown = harness.markdown(harness.columns("MB/s"), harness.rows_of(lanes))
    assert "not installed" in shown
    assert len({len(line) for line in shown.splitlines()}) == 1


def test_who_cannot_do_the_task_is_reported():
    lanes = race(
        [entrant(Fake([]))],
        iter([["a"], ["b"]]),
        repeats=1,
        task=lambda adapter, texts: adapter.sample_batch(texts, 0.1),
    )
    assert lanes[0] == Lane("fake", "none", note="fake has no sampling with an exponent")


def test_bars():
    most = Bar("time", False, 0.25, " s")
    assert most.line(0.2) == "bar time: ≤ 0.25 s, measured 0.2, met"
    assert "MISSED" in most.line(0.3)
    assert Bar("ratio", True, 3, " ×").met(3)


def test_slices_are_fresh(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(f"line {i % 50} é" for i in range(100)) + "\n\n", "utf-8")
    fresh = Fresh([corpus])
    assert fresh.size == 40 * 10 + 10 * 9
    slices = [fresh.take(100) for _ in range(20)]
    lines = [line for part in slices for line in part]
    assert len(set(lines)) == len(lines)
    assert fresh.passes >= 1
    assert all(100 <= sum(len(s.encode()) for s in part) < 120 for part in slices)
    assert {len(text.encode()) for text in fresh.short(7)} <= {98, 99, 100}
    assert "\n" not in fresh.text(1000)
    assert len(fresh.beginning(25)) == 2
    assert [len(text) for text in odd_texts(fresh, 1000).values()][:2] == [1000, 1000]


def test_a_corpus_without_text_is_refused(tmp_path):
    (tmp_path / "empty").write_text("\n\n", "utf-8")
    with pytest.raises(SystemExit, match="no text"):
        Fresh([tmp_path / "empty"])


def test_command_line():
    command = [sys.executable, "-m", "benchmarks", "--help"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert "--quick" in run.stdout


@pytest.mark.parametrize("kind", [Ours, SentencePiece, HuggingFace])
def test_adapters_give_the_pieces_of_the_text_back(kind, model):
    if reason := kind.missing():
        pytest.skip(reason)
    adapter = kind.from_model(model)
    assert kind.version()
    wanted = [text.encode() for text in TEXTS]
    for run in (
        adapter.encode_batch(TEXTS),
        adapter.encode_each(TEXTS),
        adapter.sample_batch(TEXTS, 0.5),
        adapter.encode_each(TEXTS, 0.5),
    ):
        assert run.seconds > 0
        assert [b"".join(pieces) for pieces in adapter.pieces(run.result)] == wanted
    drawn = adapter.pieces(adapter.sample_batch(TEXTS[:1] * 50, 0.1).result)
    assert len(set(map(tuple, drawn))) > 2
    adapter.close()


@pytest.mark.parametrize("kind", [Tokie, Kitoken, Tiktoken])
def test_peers_cannot_sample(kind):
    with pytest.raises(NotPossibleError, match="no sampling"):
        kind.sample_batch(kind.__new__(kind), ["a"], 0.1)


def test_byte_alphabet():
    assert len(set(alphabet())) == 256
    assert alphabet()[ord("a")] == "a"
    assert alphabet()[ord(" ")] == "\u0120"
