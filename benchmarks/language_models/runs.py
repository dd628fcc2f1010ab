"""The runs of the plan, and what one run does."""

import hashlib
import json
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.language_models import vocabularies
from benchmarks.language_models.cuts import bits_after_cuts
from benchmarks.language_models.evaluation import bits_of_documents
from benchmarks.language_models.probes import Probe, noisy, other_kinds
from benchmarks.language_models.sampling import SampledTraining, Segmenter
from benchmarks.language_models.texts import Stream, documents_of, shuffled, stream_of, tokens_of
from benchmarks.language_models.training import Batches, train
from benchmarks.language_models.transformer import Shape, Transformer, rows_for
from benchmarks.support.commands import FailedError
from bytepiece import Tokenizer
from bytepiece.adapters.base import Adapter

_CONTEXT = 1024
"""Bytes of text in a sequence, and the largest size of a document."""
_CUT_LINES = 30
_ROUNDS = 3
"""Which lines of a schedule are samples depends on the text that is read, and the other way round;
after three rounds neither changes."""


@dataclass(frozen=True)
class Run:
    """What tells a run from the others.

    Args:
        tokenizer: a key of `vocabularies.NAMES`.
        vocabulary: the largest number of its ids.
        budget: "compute" to train with the compute of the reference tokenizer, "text" to train on
            the same text as the reference.
        seed: the seed of the weights and of the order of the text.
        sampling: how the text is segmented: "" for the best path.
    """

    tokenizer: str
    vocabulary: int
    budget: str
    seed: int
    sampling: str = ""


Left = tuple[Run, int]
"""A run, and 0 if its model is to be trained. If only its further tests are left, the context of
its model."""


@dataclass(frozen=True)
class Experiment:
    """What all runs have in common.

    Args:
        corpus: the text to train on.
        held_out: texts to test on, by name.
        size: the bytes of text that the reference tokenizer reads.
        kept: the folder of trained tokenizers and models.
        reference_vocabulary: the number of ids of the reference tokenizer.
        shape: the transformer.
        sequences: the sequences of a batch.
        tested: the largest number of bytes of each text to test on.
        threads: the threads of a run.
    """

    corpus: Path
    held_out: Mapping[str, Path]
    size: int
    kept: Path
    reference_vocabulary: int = 8000
    shape: Shape = field(default_factory=Shape)
    sequences: int = 8
    tested: int = 300_000
    threads: int = 1

    def flops(self) -> float:
        """Return the floating-point operations of training the reference on the text."""
        path = vocabularies.trained(
            vocabularies.REFERENCE, self.reference_vocabulary, self.corpus, self.kept
        )
        adapter = vocabularies.loaded(path).adapter
        newline = len(adapter.vocabulary())
        stream = stream_of(adapter, shuffled(self.corpus, 0), newline)
        of_token = self.shape.training_flops(rows_for(newline + 1), context_of(stream))
        return self.size / stream.bytes_per_token * of_token

    def result(self, run: Run) -> dict[str, Any]:
        """Train and test a model; return the line of the run.

        Raises:
            FailedError: if the tokenizer cannot be trained, or the corpus is too small.
        """
        torch.set_num_threads(self.threads)
        path = vocabularies.trained(run.tokenizer, run.vocabulary, self.corpus, self.kept)
        adapter = vocabularies.loaded(path).adapter
        newline = len(adapter.vocabulary())
        sampling = SampledTraining.parse(run.sampling) if run.sampling else None
        segmenter = Segmenter(path, adapter, shuffled(self.corpus, run.seed), sampling, run.seed)
        flops = self.flops() if run.budget == "compute" else None
        stream = segmenter.stream()
        batches = self._batches(stream, newline, flops)
        if sampling and sampling.until < 1:
            for _ in range(_ROUNDS):
                read = stream.bytes_of(batches.tokens)
                stream = segmenter.stream(read, self.sequences)
                batches = self._batches(stream, newline, flops)
        if batches.tokens >= len(stream.ids):
            raise FailedError(
                f"the run reads {batches.tokens} tokens and the corpus has {len(stream.ids)}; "
                "give a larger corpus or a smaller --megabytes"
            )
        begin, cpu = time.perf_counter(), time.process_time()
        model = train(stream.ids, newline + 1, batches, self.shape, run.seed)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        kept = self.file_of(run)
        kept.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), kept)
        of_token = self.shape.training_flops(rows_for(newline + 1), batches.context)
        return {
            "run": asdict(run),
            "experiment": self.described(),
            "tokenizer": hashlib.sha256(path.read_bytes()).hexdigest()[:16],
            "rows": rows_for(newline + 1),
            "context": batches.context,
            "bytes per token": stream.bytes_per_token,
            "strength": segmenter.strength,
            "tokens": batches.tokens,
            "bytes": round(stream.bytes_of(batches.tokens)),
            "flops": batches.tokens * of_token,
            "seconds": round(seconds, 1),
            "cpu seconds": round(cpu, 1),
            "peak memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "texts": {
                name: self._tested(model, adapter, self._documents(held_out), batches.context)
                for name, held_out in self.held_out.items()
            },
        }

    def further(self, run: Run, context: int) -> dict[str, Any]:
        """Test the kept model of a run on other kinds of text, noise and cuts; return the line.

        Args:
            run: a run whose model is kept.
            context: the tokens of a sequence in its training.
        """
        torch.set_num_threads(self.threads)
        path = vocabularies.trained(run.tokenizer, run.vocabulary, self.corpus, self.kept)
        adapter = vocabularies.loaded(path).adapter
        newline = len(adapter.vocabulary())
        model = Transformer(self.shape, newline + 1, 0).bfloat16().eval()
        model.load_state_dict(torch.load(self.file_of(run)))
        [first, *_] = self.held_out.values()
        lines = first.read_text("utf-8", errors="replace").split("\n")
        probes = other_kinds(_CONTEXT, self.tested // 3) | noisy(lines, self.tested // 300)
        texts = {
            name: self._tested(model, adapter, some, context)
            for name, some in probes.items()
            if some
        }
        if run.tokenizer in vocabularies.OURS and run.seed == 1:
            tokenizer = Tokenizer.load(path)
            texts |= bits_after_cuts(model, tokenizer, lines, _CUT_LINES, newline)
        return {"run": asdict(run), "experiment": self.described(), "further": texts}

    def left(self, runs: Sequence[Run], lines: Sequence[Mapping[str, Any]]) -> list[Left]:
        """Return the runs that are left, and of which only the further tests are left.

        Args:
            runs: the runs of the plan.
            lines: the results so far.
        """
        described = self.described()
        mine = [line for line in lines if line["experiment"] == described]
        contexts = {Run(**line["run"]): line["context"] for line in mine if "texts" in line}
        tested = {Run(**line["run"]) for line in mine if "further" in line}
        return [
            (run, contexts.get(run, 0))
            for run in runs
            if run not in contexts or (run not in tested and self.file_of(run).exists())
        ]

    def _batches(self, stream: Stream, newline: int, flops: float | None) -> Batches:
        """Return the batches of a run; `flops` is its compute, None if its text is given."""
        context = context_of(stream)
        if flops is None:
            tokens = self.size / stream.bytes_per_token
        else:
            tokens = flops / self.shape.training_flops(rows_for(newline + 1), context)
        return Batches(context, self.sequences, round(tokens / context / self.sequences))

    def file_of(self, run: Run) -> Path:
        """Return the file in which the weights of a run's model are kept."""
        text = json.dumps([asdict(run), self.described()], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.kept / "weights" / f"{run.tokenizer}-{run.vocabulary}-{digest}.pt"

    def described(self) -> dict[str, Any]:
        """Return what the figures of all runs depend on, besides the texts to test on."""
        return {
            "bytes": self.size,
            "corpus": self.corpus.name,
            "shape": asdict(self.shape),
            "sequences": self.sequences,
        }

    def _documents(self, path: Path) -> list[Probe]:
        lines = path.read_text("utf-8", errors="replace").split("\n")
        return [Probe(document) for document in documents_of(lines, _CONTEXT, self.tested)]

    def _tested(
        self, model: Transformer, adapter: Adapter, probes: Sequence[Probe], context: int
    ) -> dict[str, Any]:
        """Return the bits and the bytes of each probe, from the first token that counts.

        That is the first token that ends after the byte from which on the bits count.
        """
        pieces = adapter.vocabulary()
        newline = len(pieces)
        lengths = np.array([*map(len, pieces), 1])
        rows = tokens_of(adapter, [probe.text for probe in probes], newline)
        ends = [np.cumsum(lengths[row]) for row in rows]
        uncounted = [
            int(np.searchsorted(end, probe.start, side="right")) if probe.start else 0
            for end, probe in zip(ends, probes, strict=True)
        ]
        sizes = [
            len(probe.text.encode()) - int(end[first - 1] if first else 0)
            for probe, end, first in zip(probes, ends, uncounted, strict=True)
        ]
        return {
            "sizes": sizes,
            "tokens": sum(map(len, rows)),
            "bits": bits_of_documents(model, rows, newline, context, uncounted),
        }


def context_of(stream: Stream) -> int:
    """Return the number of tokens that hold 1,024 bytes, as a multiple of 8."""
    return max(1, round(_CONTEXT / stream.bytes_per_token / 8)) * 8


def shown(line: Mapping[str, Any]) -> str:
    """Return a line of results as people read it."""
    run = line["run"]
    words = [run["tokenizer"], str(run["vocabulary"]), run["budget"], f"seed {run['seed']}"]
    words += [run["sampling"]] if run["sampling"] else []
    if "reason" in line:
        return f"{' '.join(words)}: {line['reason']}"
    if "texts" in line:
        words += [f"{line['bytes'] / 1e6:.2f} MB,", f"{line['seconds']} s,"]
    for name, text in line.get("texts", line.get("further", {})).items():
        words.append(f"{name} {sum(text['bits']) / sum(text['sizes']):.4f}")
    return " ".join(words)
