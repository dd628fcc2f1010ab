"""The cost of the exact distribution, by the length of the text."""

import statistics
from collections.abc import Callable
from functools import partial

from benchmarks.support import peak_memory
from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings
from bytepiece import Tokenizer
from bytepiece.adapters.base import timed
from bytepiece.lattice.lattice import Lattice

LATTICE_ALPHA = 0.3
THIRTY_BYTES = "the quick brown fox jumps over"
SHORT_TEXT_DRAWS = 1_000_000

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
_IN_TARGET = ("lattice", "log_z", "entropy", "marginals")


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("lattice", settings)
    tokenizer = Tokenizer(settings.model)
    questions(report, settings, tokenizer)
    draws(report, settings, tokenizer)
    return report


def questions(report: BenchmarkReport, settings: BenchmarkSettings, tokenizer: Tokenizer) -> None:
    """Time each question on longer and longer texts, with line ends and without."""
    rows, worst = [], 0.0
    ask(tokenizer, "to compile all there is\n")
    for power in range(3, 5 if settings.quick else 7):
        size = 10**power
        texts = {
            "lines": "\n".join(settings.texts.take(size))[:size],
            "one line": settings.texts.text(size),
        }
        for kind, text in texts.items():
            repeats = [ask(tokenizer, text) for _ in range(1 if size > 10**5 else 3)]
            seconds = {
                name: statistics.median(each[name] for each in repeats) for name in repeats[0]
            }
            worst = max(worst, sum(seconds[name] for name in _IN_TARGET))
            rows.append([f"{size:,}", kind, *(f"{s * 1e3:.3g}" for s in seconds.values())])
    report.table("Questions, ms", ["bytes", "text", "lattice", *QUESTIONS], rows)
    report.target("lattice", worst)
    if peak_memory.measurable():
        report.target(
            "lattice memory", peak_memory.peak(settings.model, [texts["lines"]], exact_law)
        )


def ask(tokenizer: Tokenizer, text: str) -> dict[str, float]:
    """Return the seconds for the lattice of a text, and for each question about it."""
    made = timed(lambda: tokenizer.lattice(text, LATTICE_ALPHA))
    asked = {name: timed(partial(question, made.result)) for name, question in QUESTIONS.items()}
    return {"lattice": made.seconds} | {name: run.seconds for name, run in asked.items()}


def exact_law(tokenizer: Tokenizer, texts: list[str]) -> int:
    """Compute log_z, entropy and marginals of the texts; return 0, because all memory counts."""
    for text in texts:
        lattice = tokenizer.lattice(text, LATTICE_ALPHA)
        _ = lattice.log_z, lattice.entropy(), lattice.marginals()
    return 0


def draws(report: BenchmarkReport, settings: BenchmarkSettings, tokenizer: Tokenizer) -> None:
    """Time many samples of a short text."""
    lattice = tokenizer.lattice(THIRTY_BYTES, LATTICE_ALPHA)
    lattice.sample(1000, seed=1)
    count = SHORT_TEXT_DRAWS // 100 if settings.quick else SHORT_TEXT_DRAWS
    found = [timed(lambda: lattice.sample(count, seed=1)).seconds for _ in range(settings.repeats)]
    report.table("Samples of 30 bytes", ["draws", "s"], [[f"{count:,}", f"{max(found):.3g}"]])
    report.target("draws", max(found))
