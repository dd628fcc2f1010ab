"""The machinery of the benchmarks, and the adapters of the installed libraries."""

import json
import subprocess
import sys

import pytest
from support import ROOT
from support.strategies import JIT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

from benchmarks import bench_training
from benchmarks.peers.kitoken import Kitoken
from benchmarks.peers.tiktoken import Tiktoken
from benchmarks.peers.tokie import Tokie
from benchmarks.support import commands, harness, killed_runs
from benchmarks.support.commands import Taken
from benchmarks.support.corpora import FreshTexts, copies_of, odd_texts, part_of
from benchmarks.support.harness import Lane
from benchmarks.support.targets import Target
from benchmarks.support.trainers import Trained
from bytepiece.adapters.base import Adapter, NotPossibleError, TimedResult
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.rules.byte_level import alphabet

needs_wait4 = pytest.mark.skipif(not commands.measurable(), reason="needs os.wait4")
TEXTS = ["the cat and the hat", "今天天气 é", "tab\tand  spaces ", "👍 \u2028"]


class Fake(Adapter):
    """A library whose calls take the given seconds, one after another."""

    name, module, distribution = "fake", "sys", "fake"

    def __init__(self, seconds):
        self.seconds = iter(seconds)
        self.seen = []

    def encode_batch(self, texts):
        self.seen.append(texts)
        return TimedResult(None, next(self.seconds))


class Absent(Adapter):
    name, module, distribution = "absent", "a_module_that_nobody_has", "absent-library"


def entrant(adapter):
    return harness.Entrant("fake", "none", adapter)


def race(entrants, texts, repeats, task=lambda adapter, texts: adapter.encode_batch(texts)):
    return harness.race(entrants, task, lambda: next(texts), repeats)


def test_entrants_of_a_race_take_turns_on_the_same_texts():
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


def test_a_library_that_cannot_run_is_reported_with_the_reason():
    absent = harness.enter(Absent, "none", Absent)
    unable = harness.enter(Fake, "none", lambda: Fake.from_model(None))
    lanes = race([entrant(Fake([1, 1])), absent, unable], iter([["a"], ["b"]]), repeats=1)
    assert "not installed; pip install absent-library" in lanes[1].note
    assert "cannot hold" in lanes[2].note
    shown = harness.markdown(harness.columns("MB/s"), harness.rows_of(lanes))
    assert "not installed" in shown
    assert len({len(line) for line in shown.splitlines()}) == 1


def test_a_library_that_cannot_do_the_task_is_reported():
    lanes = race(
        [entrant(Fake([]))],
        iter([["a"], ["b"]]),
        repeats=1,
        task=lambda adapter, texts: adapter.sample_batch(texts, 0.1),
    )
    assert lanes[0] == Lane("fake", "none", note="fake has no sampling with an exponent")


def test_targets_are_met_or_missed():
    most = Target("time", False, 0.25, " s")
    assert most.line(0.2) == "bar time: ≤ 0.25 s, measured 0.2, met"
    assert "MISSED" in most.line(0.3)
    assert Target("ratio", True, 3, " ×").met(3)


def test_no_line_is_handed_out_twice(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(f"line {i % 50} é" for i in range(100)) + "\n\n", "utf-8")
    fresh = FreshTexts([corpus])
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
        FreshTexts([tmp_path / "empty"])


def test_the_command_line_shows_its_help():
    command = [sys.executable, "-m", "benchmarks", "--help"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert "--quick" in run.stdout


@pytest.mark.parametrize("kind", [Ours, SentencePiece, HuggingFace])
def test_the_pieces_of_an_adapter_join_to_the_text(kind, model):
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


def test_the_byte_alphabet_has_a_character_for_each_byte():
    assert len(set(alphabet())) == 256
    assert alphabet()[ord("a")] == "a"
    assert alphabet()[ord(" ")] == "\u0120"


def python(script, *arguments):
    return [sys.executable, "-c", script, *map(str, arguments)]


@needs_wait4
def test_the_memory_of_a_command_is_measured_without_the_caller():
    block = bytearray(400_000_000)
    block[::4096] = b"\1" * len(
        block[::4096]
    )  # writing to each page makes the system really assign it
    taken = commands.run(python("print(sum(bytearray(b'1') * 50_000_000))"))
    assert 50e6 < taken.peak < 300e6
    assert 0 < taken.seconds < 60
    assert taken.compiling == 0


@needs_wait4
def test_compiling_is_measured_apart_and_the_input_arrives():
    say = "import sys, time; time.sleep(0.6); sys.stderr.write(input())"
    taken = commands.run(python(say), "trained in 2 s, 0.5 s of it compiling\n")
    assert taken.compiling == 0.5
    assert 0.1 <= taken.seconds < 60


@needs_wait4
def test_the_error_of_a_command_is_its_last_line():
    with pytest.raises(commands.FailedError, match=r"^too small$"):
        commands.run(python("import sys; sys.exit('first line\\nsource.cc(1) [x] too small')"))


TRAINING = """
import sys, time
from pathlib import Path
folder, resumed, early = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
model = folder / "model"
if early:
    model.write_text(early)
with (folder / "starts").open("a") as file:
    file.write("x")
for step in range(10):
    if not (folder / str(step)).exists():
        time.sleep(0.15)
        (folder / str(step)).touch()
model.write_text("model" if len((folder / "starts").read_text()) == 1 else resumed)
"""


def training(resumed="model", early=""):
    """Return a maker of commands that take 1.5 s in ten steps.

    A command that resumes a killed one writes `resumed`. With `early`, each command writes a model
    at its start as well.
    """
    return lambda folder: python(TRAINING, folder, resumed, early)


def test_kills_are_spread_over_the_run():
    moments = killed_runs.moments(20, 40.0)
    assert [int(moment / 2) for moment in moments] == list(range(20))
    assert moments == killed_runs.moments(20, 40.0)


def test_a_killed_run_is_resumed():
    undisturbed = killed_runs.run(training())
    assert undisturbed.kills == []
    assert len(undisturbed.digests) == 1
    outcome = killed_runs.run(training(), [0.7, 0.8])
    assert outcome.kills == [0.7, 0.8]
    assert outcome.seconds > 1.5
    assert outcome.digests == undisturbed.digests
    assert len(killed_runs.run(training(), [0.7, 60, 0.1]).kills) == 1


def test_one_kill_always_comes_before_the_end():
    [moment] = killed_runs.run_killed_once(training(), 3.0).kills
    assert moment < 3.0


def test_a_model_that_a_kill_changes_is_seen():
    undisturbed = killed_runs.run(training()).digests
    assert killed_runs.run(training(resumed="other"), [1.0]).digests != undisturbed
    assert len(killed_runs.run(training(early="half"), [1.0]).digests) == 2
    with pytest.raises(commands.FailedError, match="no such folder"):
        killed_runs.run(lambda folder: python("raise SystemExit('no such folder')"))


def test_copies_are_altered_and_parts_are_spread_over_the_file(tmp_path):
    text = "".join(f"line {i} 今天天气 é👍\n" for i in range(50_000))
    path = tmp_path / "text"
    path.write_text(text, "utf-8", newline="\n")
    copies_of(path, 2, tmp_path / "copies")
    copies = (tmp_path / "copies").read_text("utf-8")
    first, second = copies[: len(text)], copies[len(text) :]
    assert len({first, second, text}) == 3
    for copy in (first, second):
        assert sorted(copy) == sorted(text)
        assert copy.count("\n") == 50_000
        lines = list(zip(text.split("\n"), copy.split("\n"), strict=True))
        assert all(sorted(a) == sorted(b) for a, b in lines)
        assert 0.3 < sum(a != b for a, b in lines) / len(lines) < 0.6
    part_of(path, 0.1, tmp_path / "part")
    part = (tmp_path / "part").read_text("utf-8").splitlines()
    assert 0.09 < len(part) / 50_000 < 0.11
    assert part[0] == text.splitlines()[0]
    assert int(part[-1].split()[1]) > 25_000


def test_our_figure_is_divided_by_the_best_rivals():
    def trained(seconds, *figures):
        return Trained("", 300, Taken(seconds, 0.0, seconds, 1), figures)

    found = {
        "merge": trained(2.0, 4.0, 1.0, 4.0),
        "bnlm": trained(1.0, 9.0, 9.0, 9.0),
        "bpe": trained(4.0, 3.0, 2.0, 8.0),
        "unigram": trained(3.0, 3.2, 9.0, 1.0),
        "words": Trained("", 300, None, note="not installed"),
    }
    assert bench_training.over_best(found, bench_training.held_out) == 4.0 / 3.2
    assert bench_training.over_best(found, bench_training.mean_of_others) == pytest.approx(0.5)
    assert bench_training.seconds_over(found, "bpe", "merge") == 2.0
    assert bench_training.seconds_over(found, "words", "merge") is None
    assert bench_training.seconds_over(found, "bytes", "merge") is None
    assert bench_training.over_best({"merge": found["merge"]}, bench_training.held_out) is None


@needs_wait4
@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
def test_one_command_compares_trainers(tmp_path):
    parts = ["compression", "kill", "--quick", "--rivals", "bpe", "bytes"]
    command = [sys.executable, "-m", "benchmarks.bench_training", *parts, "--output", tmp_path]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    kept = json.loads((tmp_path / "training.json").read_text("utf-8"))
    assert list(kept) == ["compression", "kill"]
    trained = kept["compression"]["tables"][0]["trained"]
    ours = ["default", "our-unigram", "merge", "merge-words", "merge-superwords", "bnlm"]
    assert list(trained) == [*ours, "bpe", "bytes"]
    for one in trained.values():
        assert one["bytes_per_token"][0] > 1 if one["taken"] else "not installed" in one["note"]
    assert {row["same model"] for row in kept["kill"]["tables"][0]["rows"]} == {"yes"}
    assert "bar models that are not the undisturbed run's: ≤ 0, measured 0, met" in run.stdout
