"""What encodes: a model's tables for the kernels, and the way through them for each method."""

import math
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from bytepiece._arrays import F32, F64, I32, U32, offsets_of
from bytepiece.encoding import batches, nbest
from bytepiece.encoding.batches import Encode, encode_texts
from bytepiece.encoding.encoded import Encoded, interleaved, repeat, without_runs
from bytepiece.encoding.perfect import perfect_ids
from bytepiece.encoding.request import STEPS, Group, Method
from bytepiece.encoding.viterbi_sampler import viterbi_ids
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column
from bytepiece.kernels import automaton
from bytepiece.kernels import best_path_float32 as viterbi32
from bytepiece.kernels.automaton import Automaton
from bytepiece.kernels.best_path import best_ids, pack, unpack
from bytepiece.kernels.partition import Weights, weights
from bytepiece.kernels.segments import Segments
from bytepiece.kernels.streams import Streams
from bytepiece.model import Model
from bytepiece.rules.foreign import SentencePieceRules
from bytepiece.rules.text import Text
from bytepiece.rules.unknown import Unknown

_WITHHELD = 1000.0


class Engine:
    """Encodes texts with a model; `bytepiece.Tokenizer` tells it how."""

    def __init__(self, model: Model) -> None:
        self._model = model
        built = automaton.build(model.pieces)
        scores, ids = built.by_entry(model.scores, -math.inf), _ids(built, model)
        self.tables = pack(built, scores, ids)
        self.automaton, self.scores, self.ids = unpack(*self.tables)
        # The longest text that the short way takes: none, where there is more to do.
        self.longest_short = batches.CHUNK if model.rules.own else -1
        # Weights of the alphas used last; replaced whole, so that threads may race for it.
        self._latest: dict[float, Weights] = {}

    @cached_property
    def mirrored(self) -> tuple[Automaton, U32]:
        """What perfect sampling needs: the automaton of the reversed pieces, and ids by entry."""
        mirrored = automaton.build([piece[::-1] for piece in self._model.pieces])
        return mirrored, _ids(mirrored, self._model)

    def encode(
        self,
        texts: Sequence[Text] | Column,
        marks: dict[str, Any],
        ways: Sequence[Group],
        streams: Streams,
        threads: int,
    ) -> Encoded:
        """Encode texts, each by the way of its group.

        Args:
            texts: one of each document.
            marks: the special tokens for `bytepiece.encoding.segmentation.segment`.
            ways: each document is in one of these groups.
            streams: of the documents.
            threads: how many to use.

        Raises:
            ArgumentError: `threads` is no such number, or as in `bytepiece.encoding.segmentation.segment`.
        """
        if not isinstance(threads, (int, np.integer)) or threads < 1:
            raise ArgumentError(
                f"threads must be a whole number of at least 1, not {threads!r:.30}"
            )
        if len(ways) == 1:
            return self._encode_alike(texts, marks, ways[0].method, streams, threads)
        parts = []
        for method, documents in ways:
            some: Sequence[Text] | Column
            if isinstance(texts, Column):
                some = texts.select(documents)
            else:
                some = [texts[number] for number in documents.tolist()]
            theirs = streams._replace(doc_ids=streams.doc_ids[documents])
            parts.append((documents, self._encode_alike(some, marks, method, theirs, threads)))
        return interleaved(parts, len(texts), streams.samples)

    def _encode_alike(
        self,
        texts: Sequence[Text] | Column,
        marks: dict[str, Any],
        method: Method | None,
        streams: Streams,
        threads: int,
    ) -> Encoded:
        samples = streams.samples
        if method is None:
            streams = streams._replace(samples=1)
        encode = self._encoder(method)
        if self.unknown is not None:
            encode = partial(_with_unknown, encode, self.unknown.id)
        rows = encode_texts(texts, self._model.rules, marks, encode, streams, threads)
        return repeat(rows, samples) if method is None and samples > 1 else rows

    def _encoder(self, method: Method | None) -> Encode:
        """What encodes a run of segments: called with them, streams, and the run's ends."""
        forwards = self.automaton, self.scores, self.ids
        if method is None:
            if isinstance(self._model.rules.library, SentencePieceRules):
                singly = self.automaton, self._float32, self.ids
                return lambda segments, _, low, high: viterbi32.best_ids(
                    *singly, segments, low, high
                )
            return lambda segments, _, low, high: best_ids(*forwards, segments, low, high)
        if method.sampler == "perfect":
            mirrored, ids = self.mirrored
            return partial(perfect_ids, mirrored, self.weights(method.alpha), ids)
        drawing = self.automaton, self._drawing_scores, self.ids
        if method.sampler == "nbest":
            return partial(nbest.nbest_ids, *drawing, method.alpha, method.nbest_size)
        return partial(viterbi_ids, *drawing, method.alpha)

    @cached_property
    def unknown(self) -> Unknown | None:
        """The token that stands for what has no piece, if one does."""
        model = self._model
        if model.rules.unknown != "token":
            return None
        id_ = model.special_id("unknown")
        own = {p for p, its in zip(model.pieces, model.ids.tolist(), strict=True) if its != id_}
        # Where there is a piece that is a part of a character, bytes are what pieces are made of.
        whole = all(len(piece) > 1 or piece < b"\x80" for piece in own)
        longest = 4 if whole else 1
        return Unknown(id_, frozenset(piece for piece in own if len(piece) <= longest), whole)

    @cached_property
    def _float32(self) -> F32:
        """The scores by entry, as SentencePiece adds them."""
        return self.scores.astype(np.float32)

    @cached_property
    def _withheld(self) -> F64 | None:
        """What the logarithm of each piece's weight lacks in sampling; None for nothing.

        Bytes that stand for characters without a piece, and so for these alone, lack so much that
        no other character is spelled by them. The first byte of a character is enough.
        """
        if self._model.rules.unknown is None:
            return None
        if self.unknown is not None and not self.unknown.whole:
            return None  # bytes are themselves what pieces are made of
        firsts = [len(piece) == 1 and piece >= b"\xc0" for piece in self._model.pieces]
        return np.where(firsts, _WITHHELD, 0.0)

    @cached_property
    def _drawing_scores(self) -> F64:
        """Scores by entry for the samplers that draw by scores and not by weights."""
        if self._withheld is None:
            return self.scores
        scores = self._model.scores - _WITHHELD * self._withheld
        return self.automaton.by_entry(scores, -math.inf)

    def weights(self, alpha: float) -> Weights:
        """The pieces' weights at an alpha."""
        table = self._latest.get(alpha)
        if table is None:
            table = weights(self.mirrored[0], self._model.scores, alpha, self._withheld)
            latest = list(self._latest.items())[1 - STEPS :]
            self._latest = {**dict(latest), alpha: table}
        return table


def _with_unknown(
    encode: Encode, unknown: int, segments: Segments, streams: Streams, low: int, high: int
) -> tuple[I32, I32]:
    """What encodes a run of segments, with a run of unknown tokens in one of them made one."""
    ids, counts = encode(segments, streams, low, high)
    rows = without_runs(Encoded(ids, offsets_of(counts)), unknown)
    return rows.ids, np.diff(rows.offsets).astype(np.int32)


def _ids(built: Automaton, model: Model) -> U32:
    """The ids of the pieces, by entry."""
    return built.by_entry(model.ids.astype(np.uint32), 0)
