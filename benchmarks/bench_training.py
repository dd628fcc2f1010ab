r"""Training: compression of the vocabularies, time, memory, kills, and threads.

    python -m benchmarks.bench_training --small-corpus mix10.txt --large-corpus mix100.txt \
        --held-out heldout_mix.txt --other german.txt poems.txt --output benchmarks/results

All parts run unless some are named. The parts and their arguments are:
    compression  --small-corpus --held-out   32 k pieces, ours and every rival's: bytes per token,
                 [--other]                   seconds, memory. Several minutes for 10 MB
    large        --large-corpus --held-out   the same. An hour for 100 MB, nearly all of it for
                 [--other]                   SentencePiece's Unigram and the original;
                                             --rivals bpe takes minutes
    larger       --large-corpus --held-out   100 k pieces, ours and SentencePiece's across spaces;
                 [--other]                   also an hour
    memory       --large-corpus              peaks, also on 20 altered copies of the corpus, which
                                             are written to a temporary file; time by size
    kill         --small-corpus              SIGKILL at random moments, and the same command again
    threads      --small-corpus              model files of 1, 2 and 4 threads
                 [--large-corpus]
A part is left out if its corpus is missing. Each training runs in a process of its own, with two
threads unless the table says otherwise. Its seconds go from the start of the process to its end,
without compiling. Its memory is the memory of its largest process. Install the rivals as
`python -m benchmarks --help` says; the tables name each missing library.

--quick shows in a minute that everything runs, on data/sample.txt with few pieces and two kills;
its figures mean nothing. --output writes training.json and keeps the parts that are not run.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.support import SAMPLE, killed_runs, trainers
from benchmarks.support.commands import Taken, measurable, run
from benchmarks.support.corpora import copies_of, part_of
from benchmarks.support.harness import BenchmarkReport, write_json
from benchmarks.support.trainers import BNLM, MERGE, OURS, RIVALS, SMALL_MEMORY, UNIGRAM, Trained

_ON_SMALL = [key for key in OURS if key != "merge-512M"]
_COPIES = 20
_THREADS = (1, 2, 4)
_UNDISTURBED = 3
"""Runs without kills; their median is the usual time."""


@dataclass(frozen=True)
class TrainingBenchmarkSettings:
    """The corpora, the texts and the rivals of the comparison of trainers.

    Args:
        small: the corpus of --small-corpus.
        large: the corpus of --large-corpus.
        held_out: a text of the same kinds as the corpora.
        others: texts of other kinds.
        rivals: keys of `trainers.RIVALS`.
        quick: whether to take few pieces and few kills.
        directory: a folder for temporary files.
    """

    small: Path | None
    large: Path | None
    held_out: Path | None
    others: Sequence[Path]
    rivals: Sequence[str]
    quick: bool
    directory: Path

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes of the vocabularies, by their names in the tables."""
        return {"32 k": 2000, "100 k": 4000} if self.quick else {"32 k": 32_000, "100 k": 100_000}

    @property
    def kills(self) -> int:
        """The number of kills."""
        return 2 if self.quick else 20


def compression(report: BenchmarkReport, settings: TrainingBenchmarkSettings) -> None:
    """Compare every trainer on the small corpus."""
    found = _trained(report, settings, settings.small, "32 k", [*_ON_SMALL, *settings.rivals])
    report.target("small", over_best(found, held_out))
    if settings.others:
        report.target("others", over_best(found, mean_of_others))
        texts = range(1, 1 + len(settings.others))
        ratios = [over_best(found, lambda trained, i=i: trained.bytes_per_token[i]) for i in texts]
        report.target("worst other", min(filter(None, ratios), default=None))
    report.target("small unigram", seconds_over(found, "unigram", "merge"))
    report.target("superwords time", seconds_over(found, "merge-superwords", "merge"))
    rival, ours = found.get("gigabpe"), found["merge-words"]
    if rival and rival.taken and ours.taken:
        report.target("words", held_out(ours) / held_out(rival))
        report.target("words time", ours.taken.seconds / (1.5 * rival.taken.seconds + 1))


def large(report: BenchmarkReport, settings: TrainingBenchmarkSettings) -> None:
    """Compare every trainer on the large corpus."""
    found = _trained(report, settings, settings.large, "32 k", [*OURS, *settings.rivals])
    report.target("large 32 k", over_best(found, held_out))
    report.target("large unigram", seconds_over(found, "unigram", "merge"))
    report.target("large bpe", seconds_over(found, "merge", "bpe"))
    report.target("large bnlm", seconds_over(found, "original", "bnlm"))


def larger(report: BenchmarkReport, settings: TrainingBenchmarkSettings) -> None:
    """Train many pieces on the large corpus, with the trainers whose compression is near ours."""
    near = [key for key in ("bpe", "unigram") if key in settings.rivals]
    found = _trained(report, settings, settings.large, "100 k", ["merge", *near])
    report.target("large 100 k", over_best(found, held_out))


def _trained(
    report: BenchmarkReport,
    settings: TrainingBenchmarkSettings,
    corpus: Path,
    called: str,
    keys: Sequence[str],
) -> dict[str, Trained]:
    """Train with several trainers, and print a table of their costs and their compression."""
    texts = trainers.texts_of([settings.held_out, *settings.others])
    size = settings.sizes[called]
    output = settings.directory / "compared.model"
    found = {key: trainers.train(key, corpus, size, output, texts) for key in keys}
    means = ["others, mean"] if settings.others else []
    rows = []
    for trained in found.values():
        cells = ["—"] * len([*texts, *means, *_COSTS])
        if taken := trained.taken:
            figures = [*trained.bytes_per_token, *(mean_of_others(trained) for _ in means)]
            cells = [*(f"{figure:.3f}" for figure in figures), *_costs(taken)]
        rows.append([trained.name, *cells, trained.note])
    report.table(
        f"{size:,} pieces from {corpus.name}, {_megabytes(corpus):.3g} MB; bytes per token",
        ["trainer", *texts, *means, *_COSTS, "note"],
        rows,
        trained={
            key: {**trained._asdict(), "taken": trained.taken and trained.taken._asdict()}
            for key, trained in found.items()
        },
    )
    return found


def held_out(trained: Trained) -> float:
    """Return the bytes per token of the text of the same kinds as the corpus."""
    return trained.bytes_per_token[0]


def mean_of_others(trained: Trained) -> float:
    """Return the geometric mean of the bytes per token of the other texts."""
    return statistics.geometric_mean(trained.bytes_per_token[1:])


def over_best(found: Mapping[str, Trained], figure: Callable[[Trained], float]) -> float | None:
    """Return our figure over the best rival's; None if no rival has a model."""
    rivals = [figure(one) for key, one in found.items() if key in RIVALS and one.taken]
    return figure(found["merge"]) / max(rivals) if rivals else None


def seconds_over(found: Mapping[str, Trained], one: str, other: str) -> float | None:
    """Return the seconds of one trainer over another's; None if one of them has no model."""
    taken = [found[key].taken for key in (one, other) if key in found]
    return taken[0].seconds / taken[1].seconds if len(taken) == 2 and all(taken) else None


_COSTS = ("seconds", "CPU s", "peak MB")


def _costs(taken: Taken) -> list[str]:
    return [f"{taken.seconds:.1f}", f"{taken.cpu:.1f}", f"{taken.peak / 1e6:.0f}"]


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


def memory(report: BenchmarkReport, settings: TrainingBenchmarkSettings) -> None:
    """Measure the merge trainer on corpora of several sizes, also with less memory."""
    corpus = settings.directory / "corpus.txt"
    runs: list[tuple[str, Sequence[str], float, Taken]] = []

    def measure(path: Path, said: str, options: Sequence[str] = ()) -> None:
        output = settings.directory / "large.model"
        taken = run(trainers.ours(path, settings.sizes["32 k"], output, (*MERGE, *options)))
        runs.append((said, options, _megabytes(path), taken))

    for part in (0.1, 0.3):
        part_of(settings.large, part, corpus)
        measure(corpus, f"{100 * part:.0f} % of {settings.large.name}")
    measure(settings.large, settings.large.name)
    measure(settings.large, settings.large.name, SMALL_MEMORY)
    copies_of(settings.large, _COPIES, corpus)
    measure(corpus, f"{_COPIES} altered copies of it", SMALL_MEMORY)
    corpus.unlink()
    rows = [
        [said, " ".join(options), f"{size:.4g}", *_costs(taken), f"{taken.seconds / size:.3f}"]
        for said, options, size, taken in runs
    ]
    heads = ["corpus", "options", "MB", *_COSTS, "seconds per MB"]
    report.table("Memory, and time by size", heads, rows)
    targets = ("training memory", "512 MB", "512 MB, 2 GB")
    for target, (*_, taken) in zip(targets, runs[-len(targets) :], strict=True):
        report.target(target, taken.peak / 1e6)
    rates = [(options, taken.seconds / size) for _, options, size, taken in runs]
    growth = [after / rate for (a, rate), (b, after) in pairwise(rates) if a == b]
    report.target("linear", max(growth))


def kill(report: BenchmarkReport, settings: TrainingBenchmarkSettings) -> None:
    """Kill training once, at moments from its start to its end, then kill one run many times."""

    def plain(folder: Path) -> list[str]:
        return trainers.ours(settings.small, settings.sizes["32 k"], folder / "model")

    def command(folder: Path) -> list[str]:
        return [*plain(folder), "--checkpoint", str(folder / "checkpoint")]

    without = killed_runs.run(plain)
    undisturbed = [killed_runs.run(command) for _ in range(_UNDISTURBED)]
    usual = statistics.median(outcome.seconds for outcome in undisturbed)
    killed = [
        killed_runs.run_killed_once(command, moment)
        for moment in killed_runs.moments(settings.kills, usual)
    ]
    often = killed_runs.run(command, killed_runs.moments(settings.kills, usual / 2))
    rows = []
    for said, outcome in [
        ("no checkpoints", without),
        *(("undisturbed", outcome) for outcome in undisturbed),
        *(("killed once", outcome) for outcome in killed),
        ("killed often", often),
    ]:
        moments = ", ".join(f"{moment:.2f}" for moment in outcome.kills)
        same = "yes" if outcome.digests == without.digests else "NO"
        longer = f"{outcome.seconds - usual:+.1f}"
        rows.append([said, moments, f"{outcome.seconds:.1f}", longer, same])
    heads = ["run", "killed after seconds", "seconds", "longer by", "same model"]
    longer = [outcome.seconds - usual for outcome in killed]
    report.table(
        f"SIGKILL, and the same command again, {settings.small.name}; one kill costs "
        f"{statistics.median(longer):.1f} s (median), {max(longer):.1f} s at most",
        heads,
        rows,
    )
    others = [*undisturbed, *killed, often]
    report.target("kills", sum(outcome.digests != without.digests for outcome in others))


def threads(report: BenchmarkReport, settings: TrainingBenchmarkSettings) -> None:
    """Compare the models that several numbers of threads make, for each corpus and options."""
    tasks = [(settings.small, options) for options in ((), MERGE, UNIGRAM, BNLM)]
    if settings.large:
        tasks.append((settings.large, (*MERGE, *SMALL_MEMORY)))
    rows = []
    different = 0
    for corpus, options in tasks:
        digests = []
        for count in _THREADS:
            output = settings.directory / f"{len(rows)}.model"
            taken = run(trainers.ours(corpus, settings.sizes["32 k"], output, options, count))
            digests.append(killed_runs.digest(output))
            rows.append(
                [corpus.name, " ".join(options), str(count), *_costs(taken), digests[-1][:16]]
            )
        different += sum(digest != digests[0] for digest in digests)
    heads = ["corpus", "options", "threads", *_COSTS, "SHA-256 of the model"]
    report.table("Threads", heads, rows)
    report.target("training threads", different)


PARTS: dict[
    str, tuple[Callable[[BenchmarkReport, TrainingBenchmarkSettings], None], tuple[str, ...]]
] = {
    "compression": (compression, ("small", "held_out")),
    "large": (large, ("large", "held_out")),
    "larger": (larger, ("large", "held_out")),
    "memory": (memory, ("large",)),
    "kill": (kill, ("small",)),
    "threads": (threads, ("small",)),
}
"""By the part's name: its function, and the arguments that it needs."""


def warm_up(settings: TrainingBenchmarkSettings) -> None:
    """Train on little text, so that all kernels are compiled before the measurements."""
    output = settings.directory / "warm.model"
    checkpoint = ("--checkpoint", str(settings.directory / "warm"))
    for options in ((), MERGE, UNIGRAM, BNLM, SMALL_MEMORY, checkpoint):
        run(trainers.ours(SAMPLE, 1000, output, options))


def main() -> None:
    """Run the chosen parts, if their arguments are given."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--small-corpus", dest="small", type=_file)
    parser.add_argument("--large-corpus", dest="large", type=_file)
    parser.add_argument("--held-out", type=_file, help="a text of the same kinds as the corpora")
    parser.add_argument(
        "--other", dest="others", type=_file, nargs="+", default=[], help="texts of other kinds"
    )
    parser.add_argument("--rivals", nargs="*", choices=[*RIVALS], default=[*RIVALS])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path, help="folder for training.json")
    arguments = vars(parser.parse_args())
    parts, output = arguments.pop("parts"), arguments.pop("output")
    if not measurable():
        parser.error("this system does not report the time and the memory of a process")
    if arguments["quick"]:
        defaults = {"small": SAMPLE, "large": SAMPLE, "held_out": SAMPLE}
        arguments |= {name: arguments[name] or path for name, path in defaults.items()}
    names = [path.name for path in (arguments["held_out"], *arguments["others"]) if path]
    if len(set(names)) < len(names):
        parser.error("--held-out and --other: two files have the same name")
    with tempfile.TemporaryDirectory() as name:
        settings = TrainingBenchmarkSettings(**arguments, directory=Path(name))
        warm_up(settings)
        reports = {}
        for part in PARTS if "all" in parts else parts:
            measure, needed = PARTS[part]
            if not all(getattr(settings, need) for need in needed):
                print(f"{part} is left out: it needs more files, see --help", file=sys.stderr)
                continue
            reports[part] = BenchmarkReport(part)
            measure(reports[part], settings)
            if output:
                _keep(part, reports[part], output / "training.json")
    print("# bars\n")
    for report in reports.values():
        print("\n".join(report.verdicts))


def _file(name: str) -> Path:
    path = Path(name).resolve()  # the commands run in another folder
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{name} is no file")
    return path


def _keep(part: str, report: BenchmarkReport, path: Path) -> None:
    """Write a part's results into a file, and keep the results of other parts in it."""
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    kept[part] = report.content()
    write_json(path, {name: kept[name] for name in PARTS if name in kept})


if __name__ == "__main__":
    main()
