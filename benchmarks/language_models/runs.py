"""The runs of the plan, what one run does, and the file of results."""

import hashlib
import json
import os
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.language_models import vocabularies
from benchmarks.language_models.evaluation import bits_of_documents
from benchmarks.language_models.texts import Stream, documents_of, shuffled, stream_of, tokens_of
from benchmarks.language_models.training import Batches, train
from benchmarks.language_models.transformer import Shape, rows_for
from bytepiece.adapters.base import Adapter

_CONTEXT = 1024
"""Bytes of text in a sequence, and the largest size of a document."""


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


@dataclass(frozen=True)
class Experiment:
    """What all runs have in common.

    Args:
        corpus: the text to train on.
        held_out: texts to test on, by name.
        size: the bytes of text that the reference tokenizer reads.
        reference_vocabulary: the number of ids of the reference tokenizer.
        shape: the transformer.
        sequences: the sequences of a batch.
        tested: the largest number of bytes of each text to test on.
        kept: the folder of trained tokenizers.
    """

    corpus: Path
    held_out: Mapping[str, Path]
    size: int
    kept: Path
    reference_vocabulary: int = 8000
    shape: Shape = field(default_factory=Shape)
    sequences: int = 8
    tested: int = 300_000

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
            FailedError: if the tokenizer cannot be trained.
        """
        path = vocabularies.trained(run.tokenizer, run.vocabulary, self.corpus, self.kept)
        adapter = vocabularies.loaded(path).adapter
        newline = len(adapter.vocabulary())
        stream = stream_of(adapter, shuffled(self.corpus, run.seed), newline)
        context = context_of(stream)
        of_token = self.shape.training_flops(rows_for(newline + 1), context)
        tokens = (
            self.flops() / of_token
            if run.budget == "compute"
            else self.size / stream.bytes_per_token
        )
        batches = Batches(context, self.sequences, round(tokens / context / self.sequences))
        if batches.tokens >= len(stream.ids):
            raise SystemExit(
                f"{self.corpus}: {run} reads {batches.tokens} tokens and the corpus has "
                f"{len(stream.ids)}; give a larger corpus or a smaller --megabytes"
            )
        begin = time.perf_counter()
        model = train(stream.ids, newline + 1, batches, self.shape, run.seed)
        seconds = time.perf_counter() - begin
        kept = self.file_of(run)
        kept.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), kept)
        return {
            "run": asdict(run),
            "experiment": self.described(),
            "tokenizer": hashlib.sha256(path.read_bytes()).hexdigest()[:16],
            "rows": rows_for(newline + 1),
            "context": context,
            "bytes per token": stream.bytes_per_token,
            "tokens": batches.tokens,
            "bytes": round(stream.bytes_of(batches.tokens)),
            "flops": batches.tokens * of_token,
            "seconds": round(seconds, 1),
            "peak memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "texts": {
                name: self._tested(model, adapter, held_out, newline, context)
                for name, held_out in self.held_out.items()
            },
        }

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

    def _tested(
        self, model: Any, adapter: Adapter, path: Path, newline: int, context: int
    ) -> dict[str, Any]:
        lines = path.read_text("utf-8", errors="replace").split("\n")
        documents = documents_of(lines, _CONTEXT, self.tested)
        tokens = tokens_of(adapter, documents, newline)
        return {
            "sizes": [len(document.encode()) for document in documents],
            "tokens": sum(map(len, tokens)),
            "bits": bits_of_documents(model, tokens, newline, context),
        }


def context_of(stream: Stream) -> int:
    """Return the number of tokens that hold 1,024 bytes, as a multiple of 8."""
    return max(1, round(_CONTEXT / stream.bytes_per_token / 8)) * 8


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of results; a last line that is not complete is left out."""
    if path.exists():
        for line in path.read_text("utf-8").split("\n")[:-1]:
            yield json.loads(line)


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line to a file of results, in one write, and wait until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def key_of(line: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what tells the run of a line from other runs."""
    return line["run"], line["experiment"]


def shown(line: Mapping[str, Any]) -> str:
    """Return a line of results as people read it."""
    run = line["run"]
    words = [run["tokenizer"], str(run["vocabulary"]), run["budget"], f"seed {run['seed']}"]
    words += [run["sampling"]] if run["sampling"] else []
    if "reason" in line:
        return f"{' '.join(words)}: {line['reason']}"
    words += [f"{line['bytes'] / 1e6:.2f} MB", f"{line['tokens']} tokens", f"{line['seconds']} s:"]
    for name, text in line["texts"].items():
        words.append(f"{name} {sum(text['bits']) / sum(text['sizes']):.4f}")
    return " ".join(words)
