"""What it costs to be called by `datasets`, PyTorch and `transformers`, beside `encode_batch`."""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.arrow import OPTIONS, PLAIN, Way, compare
from benchmarks.harness import Report, Setting
from bytepiece import Tokenizer

LINES = 32
"""Lines of a document: about 2 KB."""
LENGTH = 1024
"""Tokens of a block."""


def run(setting: Setting) -> Report:
    """Measure, print and collect."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    report = Report("pipelines", setting)
    tokenizer = Tokenizer(setting.model)
    with tempfile.TemporaryDirectory() as folder:
        glue = {**_datasets(Path(folder)), **_torch()}
        others = {**_floor(), **_transformers()}
        for title, options in OPTIONS.items():
            for name, ways in (("To tensors and columns", glue), ("Other ways", others)):
                costs = compare(
                    report,
                    setting,
                    tokenizer,
                    f"{name}, {title}",
                    {PLAIN: _plain, **ways},
                    options,
                    slices=5,
                )
                if ways is glue:
                    report.bar("glue", max(costs.values(), default=None))
    return report


def _documents(lines: Sequence[str]) -> list[str]:
    return ["\n".join(lines[i : i + LINES]) for i in range(0, len(lines), LINES)]


def _plain(
    tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
) -> Callable[[], object]:
    texts = _documents(lines)
    return lambda: tokenizer.encode_batch(texts, **options)


def _datasets(folder: Path) -> dict[str, Way]:
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


def _floor() -> dict[str, Way]:
    """What `datasets.map` takes by itself."""
    try:
        import datasets  # noqa: PLC0415

        from bytepiece.integrations.datasets import Encode  # noqa: PLC0415
    except ImportError:
        return {}

    def nothing(
        tokenizer: Tokenizer, lines: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        """The same columns in and out, without us: what cannot be done in less time."""
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
            blocks = PackedBlocks(tokenizer, _documents(lines), LENGTH, **options)
            loader = DataLoader(blocks, **loading) if loading else blocks
            return lambda: deque(loader, maxlen=0)

        return prepared

    return {"PackedBlocks": way(), "PyTorch DataLoader, no workers": way(batch_size=8)}


def _transformers() -> dict[str, Way]:
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
