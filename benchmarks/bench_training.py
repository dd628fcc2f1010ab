r"""Training: how well the vocabularies compress, time, memory, being killed, and threads.

    python -m benchmarks.bench_training --small-corpus mix10.txt --large-corpus mix100.txt \
        --held-out heldout_mix.txt --other german.txt poems.txt --output benchmarks/results

Parts, all of them unless some are named, and what they need:
    compression  --small-corpus --held-out   32 k pieces, ours and every rival's: bytes per token,
                 [--other]                   seconds, memory. Some minutes for 10 MB
    large        --large-corpus --held-out   the same. An hour for 100 MB, nearly all of it
                 [--other]                   SentencePiece's Unigram and the original;
                                             --rivals bpe takes minutes
    larger       --large-corpus --held-out   100 k pieces, ours and SentencePiece's across spaces;
                 [--other]                   as long
    memory       --large-corpus              peaks, also on 20 altered copies of the corpus, which
                                             are written to a temporary file; time by size
    kill         --small-corpus              SIGKILL at random moments, and the same command again
    threads      --small-corpus              model files of 1, 2 and 4 threads
                 [--large-corpus]
A part whose corpus is missing is left out. Each training is a process of its own, with two threads
unless it says otherwise; its seconds are those from its start to its end, without compiling, and
its memory is that of its largest process. Install the rivals as `python -m benchmarks --help`
says; one that is missing is reported so.

--quick shows in a minute that everything runs, on data/sample.txt with few pieces and two kills;
its figures mean nothing. --output writes training.json; parts that are not run stay in it.
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

from benchmarks import kills, trainers
from benchmarks.corpora import SAMPLE, copies_of, part_of
from benchmarks.harness import Report, write_json
from benchmarks.processes import Taken, measurable, run
from benchmarks.trainers import BNLM, OURS, RIVALS, SMALL_MEMORY, Trained

_COPIES = 20
_THREADS = (1, 2, 4)
_UNDISTURBED = 3
"""Runs; the one in the middle says how long it takes."""


@dataclass(frozen=True)
class Setting:
    """What to measure on, and with whom."""

    small: Path | None
    large: Path | None
    held_out: Path | None
    others: Sequence[Path]
    rivals: Sequence[str]
    quick: bool
    directory: Path

    @property
    def sizes(self) -> dict[str, int]:
        """Sizes of vocabularies, by what they are called."""
        return {"32 k": 2000, "100 k": 4000} if self.quick else {"32 k": 32_000, "100 k": 100_000}

    @property
    def kills(self) -> int:
        """How often training is killed."""
        return 2 if self.quick else 20


def compression(report: Report, setting: Setting) -> None:
    """Every trainer on the small corpus."""
    found = _trained(report, setting, setting.small, "32 k", ["merge", "bnlm", *setting.rivals])
    report.bar("small", over_best(found, held_out))
    if setting.others:
        report.bar("others", over_best(found, mean_of_others))
        texts = range(1, 1 + len(setting.others))
        ratios = [over_best(found, lambda trained, i=i: trained.bytes_per_token[i]) for i in texts]
        report.bar("worst other", min(filter(None, ratios), default=None))
    report.bar("small unigram", seconds_over(found, "unigram", "merge"))


def large(report: Report, setting: Setting) -> None:
    """Every trainer on the large corpus."""
    found = _trained(report, setting, setting.large, "32 k", [*OURS, *setting.rivals])
    report.bar("large 32 k", over_best(found, held_out))
    report.bar("large unigram", seconds_over(found, "unigram", "merge"))
    report.bar("large bpe", seconds_over(found, "merge", "bpe"))
    report.bar("large bnlm", seconds_over(found, "original", "bnlm"))


def larger(report: Report, setting: Setting) -> None:
    """Many pieces from the large corpus, by those trainers that come near."""
    near = [key for key in ("bpe", "unigram") if key in setting.rivals]
    found = _trained(report, setting, setting.large, "100 k", ["merge", *near])
    report.bar("large 100 k", over_best(found, held_out))


def _trained(
    report: Report, setting: Setting, corpus: Path, called: str, keys: Sequence[str]
) -> dict[str, Trained]:
    """Train with several trainers."""
    texts = trainers.texts_of([setting.held_out, *setting.others])
    size = setting.sizes[called]
    output = setting.directory / "compared.model"
    found = {key: trainers.train(key, corpus, size, output, texts) for key in keys}
    means = ["others, mean"] if setting.others else []
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
    """Bytes per token of the text that is like the corpus."""
    return trained.bytes_per_token[0]


def mean_of_others(trained: Trained) -> float:
    """The geometric mean of bytes per token of the other texts."""
    return statistics.geometric_mean(trained.bytes_per_token[1:])


def over_best(found: Mapping[str, Trained], figure: Callable[[Trained], float]) -> float | None:
    """A figure of ours over the best rival's."""
    rivals = [figure(one) for key, one in found.items() if key in RIVALS and one.taken]
    return figure(found["merge"]) / max(rivals) if rivals else None


def seconds_over(found: Mapping[str, Trained], one: str, other: str) -> float | None:
    """How many times the seconds of another one a trainer took."""
    taken = [found[key].taken for key in (one, other) if key in found]
    return taken[0].seconds / taken[1].seconds if len(taken) == 2 and all(taken) else None


_COSTS = ("seconds", "CPU s", "peak MB")


def _costs(taken: Taken) -> list[str]:
    return [f"{taken.seconds:.1f}", f"{taken.cpu:.1f}", f"{taken.peak / 1e6:.0f}"]


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


def memory(report: Report, setting: Setting) -> None:
    """The peak and the time on corpora of several sizes, with as much memory as usual and less."""
    corpus = setting.directory / "corpus.txt"
    runs: list[tuple[str, Sequence[str], float, Taken]] = []

    def measure(path: Path, said: str, options: Sequence[str] = ()) -> None:
        output = setting.directory / "large.model"
        taken = run(trainers.ours(path, setting.sizes["32 k"], output, options))
        runs.append((said, options, _megabytes(path), taken))

    for part in (0.1, 0.3):
        part_of(setting.large, part, corpus)
        measure(corpus, f"{100 * part:.0f} % of {setting.large.name}")
    measure(setting.large, setting.large.name)
    measure(setting.large, setting.large.name, SMALL_MEMORY)
    copies_of(setting.large, _COPIES, corpus)
    measure(corpus, f"{_COPIES} altered copies of it", SMALL_MEMORY)
    corpus.unlink()
    rows = [
        [said, " ".join(options), f"{size:.4g}", *_costs(taken), f"{taken.seconds / size:.3f}"]
        for said, options, size, taken in runs
    ]
    heads = ["corpus", "options", "MB", *_COSTS, "seconds per MB"]
    report.table("Memory, and time by size", heads, rows)
    bars = ("training memory", "512 MB", "512 MB, 2 GB")
    for bar, (*_, taken) in zip(bars, runs[-len(bars) :], strict=True):
        report.bar(bar, taken.peak / 1e6)
    rates = [(options, taken.seconds / size) for _, options, size, taken in runs]
    growth = [after / rate for (a, rate), (b, after) in pairwise(rates) if a == b]
    report.bar("linear", max(growth))


def kill(report: Report, setting: Setting) -> None:
    """Training that is killed once, at moments from its start to its end, and again and again."""

    def plain(folder: Path) -> list[str]:
        return trainers.ours(setting.small, setting.sizes["32 k"], folder / "model")

    def command(folder: Path) -> list[str]:
        return [*plain(folder), "--checkpoint", str(folder / "checkpoint")]

    without = kills.run(plain)
    undisturbed = [kills.run(command) for _ in range(_UNDISTURBED)]
    usual = statistics.median(outcome.seconds for outcome in undisturbed)
    killed = [
        kills.run_killed_once(command, moment) for moment in kills.moments(setting.kills, usual)
    ]
    often = kills.run(command, kills.moments(setting.kills, usual / 2))
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
        f"SIGKILL, and the same command again, {setting.small.name}; one kill costs "
        f"{statistics.median(longer):.1f} s (median), {max(longer):.1f} s at most",
        heads,
        rows,
    )
    others = [*undisturbed, *killed, often]
    report.bar("kills", sum(outcome.digests != without.digests for outcome in others))


def threads(report: Report, setting: Setting) -> None:
    """The models of one corpus and some options, made by several numbers of threads."""
    tasks = [(setting.small, ()), (setting.small, BNLM)]
    if setting.large:
        tasks.append((setting.large, SMALL_MEMORY))
    rows = []
    different = 0
    for corpus, options in tasks:
        digests = []
        for count in _THREADS:
            output = setting.directory / f"{len(rows)}.model"
            taken = run(trainers.ours(corpus, setting.sizes["32 k"], output, options, count))
            digests.append(kills.digest(output))
            rows.append(
                [corpus.name, " ".join(options), str(count), *_costs(taken), digests[-1][:16]]
            )
        different += sum(digest != digests[0] for digest in digests)
    heads = ["corpus", "options", "threads", *_COSTS, "SHA-256 of the model"]
    report.table("Threads", heads, rows)
    report.bar("training threads", different)


PARTS: dict[str, tuple[Callable[[Report, Setting], None], tuple[str, ...]]] = {
    "compression": (compression, ("small", "held_out")),
    "large": (large, ("large", "held_out")),
    "larger": (larger, ("large", "held_out")),
    "memory": (memory, ("large",)),
    "kill": (kill, ("small",)),
    "threads": (threads, ("small",)),
}
"""What each part does, and what it needs."""


def warm_up(setting: Setting) -> None:
    """Train on little text, so that everything is compiled."""
    output = setting.directory / "warm.model"
    checkpoint = ("--checkpoint", str(setting.directory / "warm"))
    for options in ((), BNLM, SMALL_MEMORY, checkpoint):
        run(trainers.ours(SAMPLE, 1000, output, options))


def main() -> None:
    """Run the parts that are asked for, as far as there is input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--small-corpus", dest="small", type=_file)
    parser.add_argument("--large-corpus", dest="large", type=_file)
    parser.add_argument("--held-out", type=_file, help="text of the kinds in the corpora")
    parser.add_argument(
        "--other", dest="others", type=_file, nargs="+", default=[], help="texts of other kinds"
    )
    parser.add_argument("--rivals", nargs="*", choices=[*RIVALS], default=[*RIVALS])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path, help="folder for training.json")
    arguments = vars(parser.parse_args())
    parts, output = arguments.pop("parts"), arguments.pop("output")
    if not measurable():
        parser.error("this system does not say what a process took")
    if arguments["quick"]:
        defaults = {"small": SAMPLE, "large": SAMPLE, "held_out": SAMPLE}
        arguments |= {name: arguments[name] or path for name, path in defaults.items()}
    names = [path.name for path in (arguments["held_out"], *arguments["others"]) if path]
    if len(set(names)) < len(names):
        parser.error("--held-out and --other: two files have the same name")
    with tempfile.TemporaryDirectory() as name:
        setting = Setting(**arguments, directory=Path(name))
        warm_up(setting)
        reports = {}
        for part in PARTS if "all" in parts else parts:
            measure, needed = PARTS[part]
            if not all(getattr(setting, need) for need in needed):
                print(f"{part} is left out: it needs more files, see --help", file=sys.stderr)
                continue
            reports[part] = Report(part)
            measure(reports[part], setting)
            if output:
                _keep(part, reports[part], output / "training.json")
    print("# bars\n")
    for report in reports.values():
        print("\n".join(report.verdicts))


def _file(name: str) -> Path:
    path = Path(name).resolve()  # for processes run elsewhere
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{name} is no file")
    return path


def _keep(part: str, report: Report, path: Path) -> None:
    """Put a part's results into a file that may have others'."""
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    kept[part] = report.content()
    write_json(path, {name: kept[name] for name in PARTS if name in kept})


if __name__ == "__main__":
    main()
