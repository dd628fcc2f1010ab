"""What it costs to be called by `datasets`, PyTorch and `transformers`, beside `encode_batch`."""

import gc
import os
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import Report, Setting, megabytes
from bytepiece import Tokenizer
from bytepiece.audit.adapters.base import timed

PLAIN = "encode_batch"
OPTIONS: dict[str, dict[str, Any]] = {"best path": {}, "alpha 0.1": {"alpha": 0.1, "seed": 0}}
LINES = 32
"""Lines of a document: about 2 KB."""
LENGTH = 1024
"""Tokens of a block."""

Way = Callable[[Tokenizer, Sequence[str], dict[str, Any]], Callable[[], object]]
"""Prepares texts, without the clock, and gives the call that is measured."""


def run(setting: Setting) -> Report:
    """Measure, print and collect."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    report = Report("pipelines", setting)
    tokenizer = Tokenizer(setting.model)
    with tempfile.TemporaryDirectory() as folder:
        ways = {PLAIN: _plain, **_datasets(Path(folder)), **_torch(), **_transformers()}
        for title, options in OPTIONS.items():
            _compare(report, setting, tokenizer, title, ways, options)
    return report


def _compare(
    report: Report,
    setting: Setting,
    tokenizer: Tokenizer,
    title: str,
    ways: dict[str, Way],
    options: dict[str, Any],
) -> None:
    """Let the ways take turns, on one thread, in each repeat all of them on the same new texts."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for repeat in range(setting.repeats + 1):  # the first is the warm-up
        lines = setting.texts.take(setting.large_size)
        texts = ["\n".join(lines[i : i + LINES]) for i in range(0, len(lines), LINES)]
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            call = ways[name](tokenizer, texts, options)
            gc.collect()
            found[name].append(megabytes(texts) / timed(call).seconds)
    rates = {name: values[1:] for name, values in found.items()}
    costs = {
        name: statistics.median(
            100 * (plain / rate - 1) for plain, rate in zip(rates[PLAIN], values, strict=True)
        )
        for name, values in rates.items()
    }
    report.table(
        f"Inside other libraries, {title}",
        ["", "best MB/s", "median MB/s", "more time than encode_batch"],
        [
            [name, f"{max(v):.3g}", f"{statistics.median(v):.3g}", f"{costs[name]:+.1f} %"]
            for name, v in rates.items()
        ],
        rates=rates,
    )
    for name in ways:
        if name in _BARRED:
            report.bar("glue", costs[name])


_MAP, _LOADER = "datasets.map", "PyTorch DataLoader, no workers"
_BARRED = (_MAP, _LOADER)


def _plain(
    tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
) -> Callable[[], object]:
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
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        dataset = datasets.Dataset.from_dict({"text": texts})
        encode = Encode(tokenizer, **options)
        return lambda: dataset.map(encode, batched=True, with_indices=True)

    def to_disk(
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        datasets.Dataset.from_dict({"text": texts}).save_to_disk(folder)
        dataset = datasets.load_from_disk(folder)
        encode = Encode(tokenizer, **options)
        return lambda: dataset.map(encode, batched=True, with_indices=True)

    def nothing(
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        """The same columns in and out, without us: what cannot be done in less time."""
        dataset = datasets.Dataset.from_dict({"text": texts})
        encode = Encode(tokenizer, **options)
        size = 1000  # rows of a batch
        done = {
            start: encode(
                dataset.data.table.slice(start, size), range(start, min(start + size, len(texts)))
            )
            for start in range(0, len(texts), size)
        }
        return lambda: dataset.map(
            lambda batch, indices: (list(batch["text"]), done[indices[0]])[1],
            batched=True,
            with_indices=True,
            new_fingerprint="x",
        )

    return {_MAP: in_memory, f"{_MAP}, to disk": to_disk, f"{_MAP} that encodes nothing": nothing}


def _torch() -> dict[str, Way]:
    try:
        from torch.utils.data import DataLoader  # noqa: PLC0415

        from bytepiece.integrations.torch import PackedBlocks  # noqa: PLC0415
    except ImportError as error:
        print(f"{error}\n")
        return {}

    def way(**loading: Any) -> Way:
        def prepared(
            tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
        ) -> Callable[[], object]:
            blocks = PackedBlocks(tokenizer, texts, LENGTH, **options)
            loader = DataLoader(blocks, **loading) if loading else blocks
            return lambda: deque(loader, maxlen=0)

        return prepared

    return {"PackedBlocks": way(), _LOADER: way(batch_size=8)}


def _transformers() -> dict[str, Way]:
    try:
        from bytepiece.integrations.transformers import BytePieceTokenizer  # noqa: PLC0415
    except ImportError as error:
        print(f"{error}\n")
        return {}

    def way(
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        wrapped = BytePieceTokenizer(tokenizer, **options)
        return lambda: wrapped(texts)

    return {"transformers, lists of int": way}
