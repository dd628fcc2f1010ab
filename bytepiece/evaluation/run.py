"""The function `evaluate`: several models measured on the same text."""

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bytepiece._checks import check_whole
from bytepiece.adapters.loading import Source, load_model, named_sources
from bytepiece.errors import CorpusError
from bytepiece.evaluation.model_counts import ModelCounts
from bytepiece.evaluation.results import Evaluation, Measures, Script, ScriptUse
from bytepiece.evaluation.scripts import SCRIPTS, ScriptCodes
from bytepiece.evaluation.text_counts import TextCounts
from bytepiece.evaluation.totals import ShardTotals, added
from bytepiece.inputs.corpus import Corpus, files_for_workers, source_of
from bytepiece.inputs.files import Files
from bytepiece.inputs.series import numbered
from bytepiece.inputs.shards import Shard, shards_of
from bytepiece.parallel import Engine, usable_cores
from bytepiece.rules.text import Text, to_bytes
from bytepiece.training.progress import Progress, counting_up, silent

RENYI_ORDER = 2.5
"""The order of Rényi's entropy that predicted translation quality best (Zouhar et al. 2023)."""

_BATCH = 1 << 20
"""The least bytes of text in a batch. The last batch may be smaller."""
_SEGMENT = re.compile(rb"[^\n]*\n+|[^\n]+")
"""A line with all its line ends, as this library divides a text."""


def evaluate(
    models: Iterable[Source] | Mapping[str, Source],
    corpus: Corpus,
    *,
    threads: int | None = None,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> Evaluation:
    r"""Measure how well several models encode the same text.

    Args:
        models: a list of models, `Tokenizer`s and paths, or a dict of them by name. A file may be
            in the format of this library, the original one, SentencePiece, or Hugging Face
            (tokenizer.json).
        corpus: the path of a text file, `bytepiece.Files`, or a series of texts as
            `Tokenizer.encode_batch` takes it. It is read once, in parts. Each text counts once:
            weights of files have no effect.
        threads: how many threads to use, at least 1; each model keeps one busy. The default is the
            number of cores that this process may use. It does not change the result.
        engine: measures parts of the corpus in other processes or on other machines; see
            `bytepiece.parallel.Engine` and `bytepiece.engines`. The result is the same. The corpus
            is then in files. The workers read these and the models' files under the same paths.
        progress: called as progress("evaluating", done, total), in bytes of the files. It is not
            called if the corpus is not in files.

    Raises:
        OSError: if a file cannot be read.
        ModelError: if a file holds no model, or needs a library that is not installed.
        CorpusError: if every line of the text is empty.
        ArgumentError: if an argument has the wrong type or is out of range.

    Source: docs/evaluation.md names the source of each measure.

    >>> import bytepiece
    >>> small = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300)
    >>> found = bytepiece.evaluate({"small": small}, ["the cat\nэто\n"])
    >>> found.lines, found.models[0].tokens, round(found.models[0].bytes_per_token, 3)
    (2, 8, 1.625)
    >>> found.models[0].scripts["Cyrillic"].tokens_per_character
    2.0
    """
    texts = source_of(corpus)
    threads = usable_cores() if threads is None else check_whole(threads, "threads", 1)
    sources = named_sources(models)
    text, counts_by_model = counters = _counters(sources)
    if engine is not None:
        _count_elsewhere(engine, files_for_workers(texts), sources, counters, progress)
    else:
        if isinstance(texts, Files):
            texts = _texts(texts, progress)
        with ThreadPoolExecutor(min(threads, len(counts_by_model)), "bytepiece") as pool:
            _count(texts, counters, pool.map)
    if not text.totals.lines:
        raise CorpusError("the text has no line that is not empty: there is nothing to measure")
    scripts = text.scripts()
    vocabularies = [frozenset(counts.pieces) - {b""} for counts in counts_by_model]
    return Evaluation(
        text.totals.bytes,
        text.totals.lines,
        text.totals.line_bytes,
        sum(script.characters for script in scripts),
        tuple(scripts),
        tuple(_measures(counts, text, scripts) for counts in counts_by_model),
        tuple(
            tuple(len(one & other) / max(len(one), 1) for other in vocabularies)
            for one in vocabularies
        ),
    )


_Counters = tuple[TextCounts, list[ModelCounts]]


def _counters(sources: Iterable[tuple[str, Source]]) -> _Counters:
    """Return what counts in a text and with models."""
    codes = ScriptCodes()
    models = [ModelCounts(load_model(name, source), codes) for name, source in sources]
    return TextCounts(codes), models


def _count(
    texts: Iterable[Text], counters: _Counters, apply: Callable[..., Iterable[None]]
) -> None:
    """Count in all texts.

    Args:
        texts: the texts.
        counters: count.
        apply: calls a function with each model's counter, perhaps in threads.
    """
    text, models = counters
    for segments in _batches(texts):
        batch = text.add(segments)
        # The list takes every result: only then is a model's exception raised here.
        list(apply(lambda counts, batch=batch: counts.add(batch), models))


def _texts(files: Files, progress: Progress) -> Iterator[Text]:
    """Yield the texts of files as workers read them: very long lines are cut in each shard."""
    size = files.size
    done = counting_up("evaluating", size, progress)
    for shard in shards_of(files):
        yield from (text for text, _ in files.weighted(shard.parts, done))
    progress("evaluating", size, size)


def _count_elsewhere(
    engine: Engine,
    files: Files,
    sources: Iterable[tuple[str, Source]],
    counters: _Counters,
    progress: Progress,
) -> None:
    """Let an engine count in the shards of files, and add its totals to the counters."""
    shards = shards_of(files)
    done = counting_up("evaluating", sum(shard.size for shard in shards), progress)
    there = [
        (name, Path(source).absolute() if isinstance(source, (str, os.PathLike)) else source)
        for name, source in sources
    ]
    text, models = counters
    for found in engine(partial(totals_of, files=files, sources=there), shards):
        text.totals = added(text.totals, found.text)
        for counts, its_totals in zip(models, found.models, strict=True):
            counts.totals = added(counts.totals, its_totals)
        done(found.size)


def totals_of(shard: Shard, files: Files, sources: Sequence[tuple[str, Source]]) -> ShardTotals:
    """Return the totals of a shard of files, as a stage."""
    text, models = counters = _counters(sources)
    _count((one for one, _ in files.weighted(shard.parts)), counters, map)
    return ShardTotals(shard.size, text.totals, [counts.totals for counts in models])


def _batches(texts: Iterable[Text]) -> Iterator[list[bytes]]:
    """Yield the segments of all texts, in batches of at least `_BATCH` bytes."""
    batch: list[bytes] = []
    size = 0
    for _, text in numbered(texts, CorpusError):
        for found in _SEGMENT.finditer(to_bytes(text)):
            batch.append(found[0])
            size += len(found[0])
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _measures(model: ModelCounts, text: TextCounts, scripts: list[Script]) -> Measures:
    _, counts, with_line_ends, lossless_lines = model.totals
    pieces, sizes = model.pieces, text.totals
    used = (counts > 0) | (with_line_ends > 0)
    reachable = model.loaded.adapter.reachable()
    total, total_with_ends = int(counts.sum()), int(with_line_ends.sum())
    has_bytes = np.fromiter(map(bool, pieces), dtype=np.bool_, count=len(pieces))
    unknown = int(counts[~has_bytes].sum())
    tokens_by_script = model.tokens()
    entropy, renyi = _entropies(counts)
    most = math.log2(len(pieces)) if len(pieces) > 1 else 1.0
    return Measures(
        name=model.loaded.name,
        format=model.loaded.format,
        algorithm=model.loaded.algorithm,
        vocab_size=len(pieces),
        tokens=total,
        bytes_per_token=sizes.line_bytes / max(total, 1),
        tokens_with_line_ends=total_with_ends,
        bytes_per_token_with_line_ends=sizes.bytes / max(total_with_ends, 1),
        keeps_line_ends=model.keeps_line_ends,
        tokens_per_character=total / sum(script.characters for script in scripts),
        scripts={s.name: _use(s, float(tokens_by_script[SCRIPTS.index(s.name)])) for s in scripts},
        unknown_tokens=unknown,
        lossless_lines=lossless_lines,
        lossless=lossless_lines / sizes.lines,
        pieces=len({piece for piece in pieces if piece}),
        unused=_pieces_without(used.tolist(), pieces),
        unreachable=None if reachable is None else _pieces_without(reachable, pieces),
        entropy=entropy,
        efficiency=entropy / most,
        renyi_efficiency=renyi / most,
        notes=tuple(_notes(model, text, unknown)),
    )


def _pieces_without(flags: list[bool], pieces: list[bytes]) -> tuple[bytes, ...]:
    """Return the pieces whose flag is False; ids without a piece are left out."""
    return tuple(piece for piece, flag in zip(pieces, flags, strict=True) if piece and not flag)


def _use(script: Script, tokens: float) -> ScriptUse:
    return ScriptUse(
        tokens,
        script.bytes / tokens if tokens else None,
        tokens / script.characters,
        tokens / script.words if script.words else None,
    )


def _entropies(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return Shannon's and Rényi's entropy of relative frequencies, in bits."""
    found = counts[counts > 0].tolist()
    total = sum(found)
    # + 0.0 turns −0 into 0 where all tokens are the same.
    shannon = -math.fsum(n / total * math.log2(n / total) for n in found) + 0.0
    powers = math.fsum((n / total) ** RENYI_ORDER for n in found)
    return shannon, (math.log2(powers) / (1 - RENYI_ORDER) if found else 0.0) + 0.0


def _notes(model: ModelCounts, text: TextCounts, unknown: int) -> Iterator[str]:
    if model.loaded.adapter.note:
        yield model.loaded.adapter.note
    if not model.keeps_line_ends:
        yield "* line ends get lost, and their tokens are not counted"
    if unknown:
        yield f"{unknown:,} tokens stand for text, of any length, that it does not know"
    invalid = text.totals.invalid_lines
    if invalid and not model.loaded.over_bytes:
        yield f"{invalid:,} lines are not UTF-8; it got U+FFFD for the invalid bytes"
