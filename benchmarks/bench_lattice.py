"""What the exact distribution costs, by the length of the text."""

import statistics
from collections.abc import Callable
from functools import partial

from benchmarks import memory
from benchmarks.harness import Report, Setting
from bytepiece import Tokenizer
from bytepiece.adapters.base import timed
from bytepiece.lattice.lattice import Lattice

ALPHA = 0.3
THIRTY_BYTES = "the quick brown fox jumps over"
DRAWS = 1_000_000

QUESTIONS: dict[str, Callable[[Lattice], object]] = {
    "log_z": lambda lattice: lattice.log_z,
    "entropy": lambda lattice: lattice.entropy(),
    "marginals": lambda lattice: lattice.marginals(),
    "expected_tokens": lambda lattice: lattice.expected_tokens(),
    "best": lambda lattice: lattice.best(),
    "nbest(10)": lambda lattice: lattice.nbest(10),
    "sample_without_replacement(10)": lambda lattice: lattice.sample_without_replacement(10, 1),
    "n_paths": lambda lattice: lattice.n_paths(),
    "alpha_for_entropy": lambda lattice: lattice.alpha_for_entropy(lattice.entropy() / 2),
}
_BAR = ("lattice", "log_z", "entropy", "marginals")


def run(setting: Setting) -> Report:
    """Measure, print and collect."""
    report = Report("lattice", setting)
    tokenizer = Tokenizer(setting.model)
    questions(report, setting, tokenizer)
    draws(report, setting, tokenizer)
    return report


def questions(report: Report, setting: Setting, tokenizer: Tokenizer) -> None:
    """Each of them, for texts with line ends and without, longer and longer."""
    rows, worst = [], 0.0
    ask(tokenizer, "to compile all there is\n")
    for power in range(3, 5 if setting.quick else 7):
        size = 10**power
        texts = {
            "lines": "\n".join(setting.texts.take(size))[:size],
            "one line": setting.texts.text(size),
        }
        for kind, text in texts.items():
            repeats = [ask(tokenizer, text) for _ in range(1 if size > 10**5 else 3)]
            seconds = {
                name: statistics.median(each[name] for each in repeats) for name in repeats[0]
            }
            worst = max(worst, sum(seconds[name] for name in _BAR))
            rows.append([f"{size:,}", kind, *(f"{s * 1e3:.3g}" for s in seconds.values())])
    report.table("Questions, ms", ["bytes", "text", "lattice", *QUESTIONS], rows)
    report.bar("lattice", worst)
    if memory.measurable():
        report.bar("lattice memory", memory.peak(setting.model, [texts["lines"]], exact_law))


def ask(tokenizer: Tokenizer, text: str) -> dict[str, float]:
    """The seconds that the lattice of a text, and each question, takes."""
    made = timed(lambda: tokenizer.lattice(text, ALPHA))
    asked = {name: timed(partial(question, made.result)) for name, question in QUESTIONS.items()}
    return {"lattice": made.seconds} | {name: run.seconds for name, run in asked.items()}


def exact_law(tokenizer: Tokenizer, texts: list[str]) -> int:
    """log_z, entropy and marginals of the texts; all of it counts."""
    for text in texts:
        lattice = tokenizer.lattice(text, ALPHA)
        _ = lattice.log_z, lattice.entropy(), lattice.marginals()
    return 0


def draws(report: Report, setting: Setting, tokenizer: Tokenizer) -> None:
    """Many samples of a short text."""
    lattice = tokenizer.lattice(THIRTY_BYTES, ALPHA)
    lattice.sample(1000, seed=1)
    count = DRAWS // 100 if setting.quick else DRAWS
    found = [timed(lambda: lattice.sample(count, seed=1)).seconds for _ in range(setting.repeats)]
    report.table("Samples of 30 bytes", ["draws", "s"], [[f"{count:,}", f"{max(found):.3g}"]])
    report.bar("draws", max(found))
