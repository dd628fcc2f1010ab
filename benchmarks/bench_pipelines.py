"""The cost of use from `datasets`, PyTorch and `transformers`, compared with `encode_batch`."""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench_arrow import OPTIONS, PLAIN, Way, compare
from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings
from bytepiece import Tokenizer

DOCUMENT_LINES = 32
"""Lines of a document: about 2 KB."""
BLOCK_TOKENS = 1024
"""Tokens of a block."""


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    report = BenchmarkReport("pipelines", settings)
    tokenizer = Tokenizer(settings.model)
    with tempfile.TemporaryDirectory() as folder:
        glue = {**_datasets(Path(folder)), **_torch()}
        others = {**_map_alone(), **_transformers()}
        for title, options in OPTIONS.items():
            for name, ways in (("To tensors and columns", glue), ("Other ways", others)):
                costs = compare(
                    report,
                    settings,
                    tokenizer,
                    f"{name}, {title}",
                    {PLAIN: _plain, **ways},
                    options,
                    slices=5,
                )
                if ways is glue:
                    report.target("glue", max(costs.values(), default=None))
    return report


def _documents(lines: Sequence[str]) -> list[str]:
    """Join lines to documents."""
    starts = range(0, len(lines), DOCUMENT_LINES)
    return ["\n".join(lines[i : i + DOCUMENT_LINES]) for i in starts]


def _plain(
    tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
) -> Callable[[], object]:
    texts = _documents(lines)
    return lambda: tokenizer.encode_batch(texts, **options)


def _datasets(folder: Path) -> dict[str, Way]:
    """Return the ways through `datasets.map`, in memory and to the disk."""
    try:
        import datasets  # noqa: PLC0415

        from bytepiece.integrations.datasets import Encode  # noqa: PLC0415
    except ImportError as error:
        print(f"{error}\n")
        return {}
    datasets.disable_progress_bars()

    def in_memory(
        tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        dataset = datasets.Dataset.from_dict({"text": _documents(lines)})
        encode = Encode(tokenizer, **options)
        return lambda: dataset.map(encode, batched=True, with_indices=True)

    def to_disk(
        tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        datasets.Dataset.from_dict({"text": _documents(lines)}).save_to_disk(folder)
        dataset = datasets.load_from_disk(folder)
        encode = Encode(tokenizer, **options)
        return lambda: dataset.map(encode, batched=True, with_indices=True)

    return {"datasets.map": in_memory, "datasets.map, to disk": to_disk}


def _map_alone() -> dict[str, Way]:
    """Return the way that measures `datasets.map` alone."""
    try:
        import datasets  # noqa: PLC0415

        from bytepiece.integrations.datasets import Encode  # noqa: PLC0415
    except ImportError:
        return {}

    def nothing(
        tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        """Map the same columns to ids that are already there: the least possible time."""
        dataset = datasets.Dataset.from_dict({"text": _documents(lines)})
        encode = Encode(tokenizer, **options)
        size = 1000  # rows of a batch
        done = {
            start: encode(
                dataset.data.table.slice(start, size),
                range(start, start + size)[: len(dataset) - start],
            )
            for start in range(0, len(dataset), size)
        }
        return lambda: dataset.map(
            lambda batch, indices: (list(batch["text"]), done[indices[0]])[1],
            batched=True,
            with_indices=True,
            new_fingerprint="x",
        )

    return {"datasets.map that encodes nothing": nothing}


def _torch() -> dict[str, Way]:
    """Return the ways to blocks of PyTorch tensors."""
    try:
        from torch.utils.data import DataLoader  # noqa: PLC0415

        from bytepiece.integrations.torch import PackedBlocks  # noqa: PLC0415
    except ImportError as error:
        print(f"{error}\n")
        return {}

    def way(**loading: Any) -> Way:
        def prepared(
            tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
        ) -> Callable[[], object]:
            blocks = PackedBlocks(tokenizer, _documents(lines), BLOCK_TOKENS, **options)
            loader = DataLoader(blocks, **loading) if loading else blocks
            return lambda: deque(loader, maxlen=0)

        return prepared

    return {"PackedBlocks": way(), "PyTorch DataLoader, no workers": way(batch_size=8)}


def _transformers() -> dict[str, Way]:
    """Return the way through the tokenizer for `transformers`."""
    try:
        from bytepiece.integrations.transformers import BytePieceTokenizer  # noqa: PLC0415
    except ImportError as error:
        print(f"{error}\n")
        return {}

    def way(
        tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        wrapped, texts = BytePieceTokenizer(tokenizer, **options), _documents(lines)
        return lambda: wrapped(texts)

    return {"transformers, lists of int": way}
