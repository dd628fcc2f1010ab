"""Streams of tokens that are samples: which lines are sampled, and how strongly."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.language_models.texts import Stream, joined
from benchmarks.support.prices import STRONG_ALPHA, WEAK_ALPHA, strength_of
from bytepiece import Tokenizer
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.editing.score import score

_FORM = re.compile(
    r"(perfect|viterbi|nbest|dropout|splitting) \+(\d+)%(?: p=([\d.]+))?(?: until=([\d.]+))?"
)
_TRIED = 2000
"""Lines, evenly spread, whose tokens are counted to find the strength of a price."""

Flat = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""The ids of all lines, and the number of tokens of each line."""


@dataclass(frozen=True)
class SampledTraining:
    """How a text is sampled.

    Args:
        sampler: "perfect", "viterbi", "nbest" (of 64 paths), "dropout" or "splitting". Dropout of a
            model of SentencePiece is SentencePiece's own.
        more: how many more tokens a sampled line has, as a part of those of the best path.
        share: the part of the lines that is sampled.
        until: the part of the training after which no line is sampled.
    """

    sampler: str
    more: float
    share: float = 1.0
    until: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "SampledTraining":
        """Return what a text such as "perfect +10% p=0.5 until=0.75" says.

        Raises:
            ValueError: if it has another form.
        """
        if not (found := _FORM.fullmatch(text)):
            raise ValueError(f"{text!r} is not of the form 'perfect +10% p=0.5 until=0.75'")
        sampler, more, share, until = found.groups()
        return cls(sampler, int(more) / 100, float(share or 1), float(until or 1))


class Segmenter:
    """Makes streams of some lines.

    Args:
        path: the file of a tokenizer.
        adapter: the same tokenizer.
        lines: the lines.
        sampling: None for the best path of each line.
        seed: the seed of the samples.
    """

    def __init__(
        self,
        path: Path,
        adapter: Adapter,
        lines: Sequence[str],
        sampling: SampledTraining | None,
        seed: int,
    ) -> None:
        self._lines = lines
        self._newline = len(adapter.vocabulary())
        self._sampling = sampling
        self.strength: float | None = None
        """The alpha, or the rate of dropout, that has the price."""
        self.best = adapter.flat(adapter.encode_batch(lines).result)
        if sampling:
            draw = _drawing(path, adapter, sampling.sampler, lines)
            some = lines[:: max(1, len(lines) // _TRIED)]
            is_rate = sampling.sampler in ("dropout", "splitting")
            self.strength = strength_of(
                lambda strength: int(draw(some, strength, 0)[1].sum()),
                int(draw(some, None, 0)[1].sum()),
                sampling.more,
                *((0.0, 1.0) if is_rate else (WEAK_ALPHA, STRONG_ALPHA)),
            )
            self._drawn = draw(lines, self.strength, seed)
            self._chosen = np.random.default_rng(seed).random(len(lines)) < sampling.share

    def stream(self, read: float = np.inf, sequences: int = 1) -> Stream:
        """Return the stream.

        Args:
            read: the bytes of text that a run reads.
            sequences: the sequences of a batch; each of them reads a part of the text.
        """
        if not self._sampling:
            return joined(self._lines, *self.best, self._newline)
        sizes = np.array([len(line.encode()) + 1 for line in self._lines])
        done = (np.cumsum(sizes) - sizes) * sequences / read % 1
        mask = self._chosen & (done < self._sampling.until)
        return joined(self._lines, *_merged(self.best, self._drawn, mask), self._newline)


def _merged(best: Flat, drawn: Flat, mask: npt.NDArray[np.bool_]) -> Flat:
    """Return the drawn tokens of the lines of a mask, and the best path of the others."""
    rows = [np.split(ids, np.cumsum(lengths)[:-1]) for ids, lengths in (best, drawn)]
    chosen = [rows[int(one)][line] for line, one in enumerate(mask)]
    return np.concatenate(chosen), np.where(mask, drawn[1], best[1])


Draw = Callable[[Sequence[str], float | None, int], Flat]
"""Encodes lines with a strength and a seed; the strength None means the best path."""


def _drawing(path: Path, adapter: Adapter, sampler: str, lines: Sequence[str]) -> Draw:
    if not (sampler == "dropout" and isinstance(adapter, SentencePiece)):
        tokenizer = Tokenizer.load(path)
        if tokenizer.model.merges is not None and sampler == "perfect":
            # Without scores, all segmentations of a word would be equally likely at every alpha.
            tokenizer = Tokenizer(score(tokenizer.model, lines, threads=1))

        def ours(lines: Sequence[str], alpha: float | None, seed: int) -> Flat:
            kind: Any = sampler if alpha is not None else "perfect"
            rows = tokenizer.encode_batch(lines, alpha=alpha, sampler=kind, seed=seed)
            return rows.ids.astype(np.int64), np.diff(rows.offsets)

        return ours

    def theirs(lines: Sequence[str], rate: float | None, seed: int) -> Flat:
        import sentencepiece  # noqa: PLC0415

        # A batch call starts a new thread, which begins with this seed.
        sentencepiece.set_random_generator_seed(seed)
        return adapter.flat(
            (
                adapter.encode_batch(lines) if rate is None else adapter.sample_batch(lines, rate)
            ).result
        )

    return theirs
