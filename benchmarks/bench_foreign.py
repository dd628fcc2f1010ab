"""The speed of models of SentencePiece and Hugging Face here and in other libraries.

All pieces lie within words, as those of most such models do. For another version of a library,
install it into an environment of its own, and run the same command there.
"""

from dataclasses import replace
from typing import Any

from benchmarks.bench_speed import ALPHA, SENTENCEPIECES, TRAINED_ON, best, sample
from benchmarks.peers.splintr import Splintr
from benchmarks.support import trained_models
from benchmarks.support.harness import (
    BenchmarkReport,
    BenchmarkSettings,
    Lane,
    closing,
    enter,
    race,
)
from bytepiece import Tokenizer, model_io
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.adapters.sentencepiece_lite import CachedSentencePieceLite
from bytepiece.parity.conversion import write

SPACES = {"add_dummy_prefix": True, "remove_extra_whitespaces": True}
KINDS: dict[str, dict[str, Any]] = {
    "identity": {**SPACES, "byte_fallback": False},
    "nmt_nfkc": {**SPACES, "normalization_rule_name": "nmt_nfkc", "byte_fallback": False},
    "byte fallback": {**SPACES, "normalization_rule_name": "nmt_nfkc"},
}
"""The options with which SentencePiece trains each model."""


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("foreign", settings)
    lines = settings.texts.beginning(TRAINED_ON)

    def fresh() -> list[str]:
        # The Lite runtime takes no text that becomes empty.
        return [text for text in settings.texts.take(settings.slice_size) if text.strip()]

    for name, options in KINDS.items():
        path = trained_models.sentencepiece(
            lines, settings.vocabulary // 2, "unigram", name.replace(" ", "-"), **options
        )
        with closing(
            [
                enter(Ours, name, lambda path=path: Ours(Tokenizer.load(path))),
                *(
                    enter(kind, name, lambda kind=kind, path=path: kind(path))
                    for kind in SENTENCEPIECES
                ),
            ]
        ) as entrants:
            lanes = race(entrants, best, fresh, settings.repeats)
            report.lanes(f"Best path, {name}", "MB/s", lanes)
            report.faster("foreign best", lanes, SentencePiece.name)
            report.faster("foreign lite", lanes, CachedSentencePieceLite.name)
            lanes = race(entrants, sample, fresh, settings.repeats)
            report.lanes(f"Sampling at alpha {ALPHA}, {name}", "MB/s", lanes)
            report.faster("foreign sample", lanes, SentencePiece.name)
        file = path.with_suffix(".json")
        write(model_io.load(path), file, "huggingface")
        with closing(
            [
                enter(Ours, name, lambda file=file: Ours(Tokenizer.load(file))),
                enter(HuggingFace, name, lambda file=file: HuggingFace.from_file(file)),
                enter(Splintr, name, lambda file=file: Splintr(file)),
            ]
        ) as entrants:
            lanes = race(entrants, best, fresh, settings.repeats)
            report.lanes(f"Best path, {name}, tokenizer.json", "MB/s", lanes)
            report.faster("foreign huggingface", lanes, HuggingFace.name)
            report.faster("foreign splintr", lanes, Splintr.name)
    normal_forms(report, settings)
    return report


def normal_forms(report: BenchmarkReport, settings: BenchmarkSettings) -> None:
    """Measure a model of ours with NFC and without it on lines that are not ASCII."""
    model = model_io.load(settings.model)
    entrants = []
    for forms in (("NFC",), ()):
        changed = replace(model, rules=replace(model.rules, normalization=forms))
        entrants.append(
            enter(Ours, "+".join(forms) or "none", lambda changed=changed: Ours.from_model(changed))
        )

    def fresh() -> list[str]:
        return [text for text in settings.texts.take(settings.slice_size) if not text.isascii()]

    lanes: list[Lane] = race(entrants, best, fresh, settings.repeats)
    report.lanes("Best path of lines that are not ASCII, by normal form", "MB/s", lanes)
    report.faster("foreign nfc", lanes, Ours.name)
