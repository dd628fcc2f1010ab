"""Encoder: a model's tables for the kernels, and the kernel for each way to encode."""

import math
from collections.abc import Sequence
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, U32, U64, offsets_of
from bytepiece._checks import check_whole
from bytepiece.encoding.batches import EncodeRun, SegmentedBatch, assemble, encode_texts
from bytepiece.encoding.bpe import byte_pairs, joined_ids, joins, made_pieces
from bytepiece.encoding.drawn import Drawn
from bytepiece.encoding.encoded import Encoded, interleaved, repeat, without_runs
from bytepiece.encoding.merge_dropout import dropout_ids
from bytepiece.encoding.nbest import nbest_ids
from bytepiece.encoding.options import LARGEST_ALPHAS, NBEST_SIZE, RANGE_STEPS
from bytepiece.encoding.perfect import perfect_ids, scored_ids
from bytepiece.encoding.request import Group, Method
from bytepiece.encoding.segmentation import Marks, segments_of_one
from bytepiece.encoding.short import drawn_text
from bytepiece.encoding.splitting import Splits, splits, splitting_ids
from bytepiece.encoding.viterbi_sampler import viterbi_ids
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column
from bytepiece.kernels import automaton, best_path_float32
from bytepiece.kernels.automaton import Automaton
from bytepiece.kernels.best_path import best_ids, best_ids_of_text, pack, unpack
from bytepiece.kernels.best_path_float32 import Scores32
from bytepiece.kernels.byte_pairs import BytePairs
from bytepiece.kernels.characters import HIDDEN, Known, known_characters
from bytepiece.kernels.partition import Weights, weights
from bytepiece.kernels.segments import Segments
from bytepiece.kernels.streams import Streams
from bytepiece.kernels.word_joins import Joins
from bytepiece.model import Model
from bytepiece.rules.foreign import SentencePieceRules
from bytepiece.rules.text import Text
from bytepiece.rules.unknown import Unknown

_WITHHELD = 1000.0
"""What sampling subtracts from the logarithm of a weight that it must never prefer, in nats."""
_SMALL_ALPHA = 0.001
"""Below this alpha, Viterbi sampling has scores of its own; see `Encoder._viterbi_scores`."""

_ZERO = np.uint64(0)
_NOTHING_RANDOM = Streams(_ZERO, _ZERO, np.array([_ZERO]), _ZERO, 1)


class Encoder:
    """The tables of a model and the kernels that encode with them. Immutable and picklable.

    `bytepiece.Tokenizer` checks the arguments and calls it.

    Args:
        model: the model to encode with.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        if model.merges is None:
            self._tables  # noqa: B018  # made here, so that the first call is as fast as the others
        self._digit_group = model.rules.digit_group
        self._in_one_kernel = model.rules.own and model.merges is None
        """Whether one call of a kernel can do everything with a short text."""
        # The weights of the alphas used last. The dict is replaced as a whole, so that several
        # threads may replace it at once.
        self._latest: dict[float, Weights] = {}

    def __reduce__(self) -> tuple[type["Encoder"], tuple[Model]]:
        return Encoder, (self.model,)

    @cached_property
    def _tables(self) -> U64:
        built = automaton.build(self.model.pieces, self._usable)
        scores = built.by_entry(self.model.scores, -math.inf)
        return pack(built, scores, _ids_by_entry(built, self.model))

    @property
    def _usable(self) -> npt.NDArray[np.bool_] | None:
        """Which pieces samples and lattices use; None for all."""
        merges = self.model.merges
        return None if merges is None or merges.unmade else made_pieces(self.model)

    @cached_property
    def _unpacked(self) -> tuple[Automaton, F64, U32]:
        return unpack(self._tables)

    @property
    def automaton(self) -> Automaton:
        """The automaton of the pieces."""
        return self._unpacked[0]

    @property
    def scores(self) -> F64:
        """The scores by entry, −inf for an entry without a piece."""
        return self._unpacked[1]

    @property
    def ids(self) -> U32:
        """The ids by entry."""
        return self._unpacked[2]

    @cached_property
    def _byte_pairs(self) -> BytePairs:
        """The tables of a BPE model for BPE-dropout, which joins pairs that BPE never joins."""
        return byte_pairs(self.model)

    @cached_property
    def _ids(self) -> U32:
        """The ids by piece."""
        return self.model.ids.astype(np.uint32)

    @cached_property
    def _joins(self) -> Joins:
        """The tables of a BPE model for deterministic encoding."""
        return joins(self.model)

    @cached_property
    def _mirrored_tables(self) -> U64:
        mirrored = automaton.build([piece[::-1] for piece in self.model.pieces], self._usable)
        return pack(mirrored, np.empty(0), _ids_by_entry(mirrored, self.model))

    @cached_property
    def mirrored(self) -> tuple[Automaton, U32]:
        """The automaton of the reversed pieces, and its ids by entry, for perfect sampling."""
        mirrored, _, ids = unpack(self._mirrored_tables)
        return mirrored, ids

    def encode_short(self, text: bytes) -> I32:
        """Return the ids of the best path of one text, in the least time.

        Args:
            text: at most `CHUNK` bytes, normalized by the steps of the model's rules.
        """
        if self._in_one_kernel:
            return best_ids_of_text(self._tables, text, self._digit_group)
        return self._one(text, None, _NOTHING_RANDOM)

    def draw_short(self, text: bytes, alpha: float, numbers: tuple[int, ...]) -> I32:
        """Return the ids of a sample of one text, in the least time.

        Args:
            text: at most `CHUNK` bytes, normalized by the steps of the model's rules.
            alpha: the exponent, finite and at least 0.
            numbers: the seed, the epoch, the number of the document and that of the sample.

        Raises:
            ArgumentError: if alpha is too large for the scores.
        """
        if self._in_one_kernel:
            weights = self.weights(alpha)
            return drawn_text(self._mirrored_tables, weights, text, self._digit_group, numbers)
        seed, epoch, document, sample = map(np.uint64, numbers)
        streams = Streams(seed, epoch, np.array([document]), sample, 1)
        return self._one(text, Method(alpha, "perfect", NBEST_SIZE), streams)

    def _one(self, text: bytes, method: Method | None, streams: Streams) -> I32:
        """Encode one text without the work that only batches need: a third of the time."""
        segments = segments_of_one(text, self.model.rules)
        return self._run_of(method, False)(segments, streams, 0, len(segments.special)).ids

    def encode(
        self,
        texts: Sequence[Text] | Column,
        marks: Marks,
        groups: Sequence[Group],
        streams: Streams,
        threads: int,
        log_probs: bool = False,
    ) -> Encoded:
        """Encode texts, each by the method of its group.

        Args:
            texts: one text per document.
            marks: the special tokens around and inside them.
            groups: each document is in one of them.
            streams: the random streams of the documents.
            threads: how many threads to use.
            log_probs: return the log-probability of each row, too; every text must be sampled, and
                not by Viterbi sampling.

        Raises:
            ArgumentError: if `threads` is not at least 1, or if the texts cannot be cut into
                segments; see `segment`.
        """
        threads = check_whole(threads, "threads", 1)
        if len(groups) == 1:
            return self._encode_group(texts, marks, groups[0].method, streams, threads, log_probs)
        parts = []
        for method, documents in groups:
            some: Sequence[Text] | Column
            if isinstance(texts, Column):
                some = texts.select(documents)
            else:
                some = [texts[number] for number in documents.tolist()]
            theirs = streams._replace(doc_ids=streams.doc_ids[documents])
            rows = self._encode_group(some, marks, method, theirs, threads, log_probs)
            parts.append((documents, rows))
        return interleaved(parts, len(texts), streams.samples)

    def _encode_group(
        self,
        texts: Sequence[Text] | Column,
        marks: Marks,
        method: Method | None,
        streams: Streams,
        threads: int,
        log_probs: bool,
    ) -> Encoded:
        samples = streams.samples
        # A probability of leaving pairs out, or a number of splits, of 0 leaves nothing to chance.
        is_fixed = method is None or (method.alpha == 0 and method.sampler in LARGEST_ALPHAS)
        if is_fixed:
            streams = streams._replace(samples=1)
        run = self._run_of(method, log_probs)
        rows = encode_texts(texts, self.model.rules, marks, run, streams, threads, log_probs)
        return repeat(rows, samples) if is_fixed and samples > 1 else rows

    def encode_segments(self, segments: Segments) -> Encoded:
        """Return the best path of each document in a text that is cut into segments."""
        numbers = np.zeros(len(segments.document_starts), dtype=np.uint64)
        streams = Streams(np.uint64(0), np.uint64(0), numbers, np.uint64(0), 1)
        every = len(segments.documents)
        drawn = self._run_of(None, False)(segments, streams, 0, every)
        return assemble([SegmentedBatch(segments, [0, every], [drawn])], 1)

    def _run_of(self, method: Method | None, log_probs: bool) -> EncodeRun:
        """Return the function that encodes a run of segments and merges unknown tokens."""
        run = self._kernel_of(method, log_probs)
        if self.unknown is None:
            return run
        return partial(_without_runs_of_unknown, run, self.unknown.id)

    def _kernel_of(self, method: Method | None, log_probs: bool) -> EncodeRun:
        """Return the function that encodes a run of segments by a method."""
        if method is not None and method.sampler in ("dropout", "splitting"):
            return self._run_of_bpe(method)
        if method is None and self.model.merges is not None:
            tables, ids = self._joins, self._ids
            return lambda segments, _, low, high: Drawn(
                *joined_ids(tables, ids, segments, low, high)
            )
        if method is None:
            return lambda segments, _, low, high: Drawn(*self._best(self.ids, segments, low, high))
        if method.sampler == "perfect":
            mirrored, ids = self.mirrored
            if log_probs:
                return partial(
                    scored_ids,
                    mirrored,
                    self.weights(method.alpha),
                    self.model.ids,
                    *self._logs(method.alpha),
                    known=self.known,
                )
            return partial(perfect_ids, mirrored, self.weights(method.alpha), ids, known=self.known)
        if method.sampler == "nbest":
            return partial(
                nbest_ids,
                self.automaton,
                self.scores,
                self.ids,
                method.alpha,
                method.nbest_size,
                known=self.known,
            )
        if method.sampler == "viterbi":
            scores, alpha = self._viterbi_scores(method.alpha)
            return partial(viterbi_ids, self.automaton, scores, self.ids, alpha)
        raise NotImplementedError(f"no function draws by {method.sampler!r}")

    def _run_of_bpe(self, method: Method) -> EncodeRun:
        """Return the function that encodes a run of segments by a sampler that is for BPE models.

        Raises:
            ArgumentError: if the model is no BPE model.
        """
        if self.model.merges is None:
            raise ArgumentError(f'the sampler "{method.sampler}" is for BPE models, not this one')
        if method.alpha == 0:  # nothing is random; see `Merges.whole`
            return self._kernel_of(None, False)
        ids = self._ids
        if method.sampler == "dropout":
            return partial(dropout_ids, self._byte_pairs, ids, method.alpha)
        return partial(splitting_ids, self._joins, self._splits, ids, method.alpha)

    @cached_property
    def _splits(self) -> Splits:
        return splits(self.model)

    def best_pieces(self, segments: Segments) -> I32:
        """Return the numbers of the pieces along the best path of a text."""
        return self._best(self.automaton.pieces, segments, 0, len(segments.documents))[0]

    def _best(self, values: U32, segments: Segments, low: int, high: int) -> tuple[I32, I32]:
        """Return the values of the pieces along best paths; see `best_path.best_ids`."""
        if isinstance(self.model.rules.library, SentencePieceRules):
            return best_path_float32.best_ids(
                self.automaton, self._float32, values, segments, low, high
            )
        return best_ids(self.automaton, self.scores, values, segments, low, high)

    @cached_property
    def unknown(self) -> Unknown | None:
        """The token that stands for text without a piece; None if the model has no such token."""
        model = self.model
        if model.rules.unknown != "token":
            return None
        id_ = model.special_id("unknown")
        own = {p for p, its in zip(model.pieces, model.ids.tolist(), strict=True) if its != id_}
        # If a piece is a part of a character, the model's pieces are made of bytes.
        whole = all(len(piece) > 1 or piece < b"\x80" for piece in own)
        longest = 4 if whole else 1
        return Unknown(id_, frozenset(piece for piece in own if len(piece) <= longest), whole)

    @cached_property
    def _float32(self) -> Scores32:
        """The scores by entry in float32, the type in which SentencePiece adds scores."""
        return Scores32.of(self.scores)

    @cached_property
    def known(self) -> Known | None:
        """The characters that single bytes must not spell; None if they may spell all characters.

        In some models single bytes stand for characters without a piece, and only for them.
        """
        if self.model.rules.unknown is None:
            return None
        if self.unknown is not None and not self.unknown.whole:
            return None  # the model's pieces are made of bytes
        return known_characters(self.model.pieces)

    def _viterbi_scores(self, alpha: float) -> tuple[F64, float]:
        """Return the scores by entry for Viterbi sampling, and the alpha that belongs to them.

        The sampler multiplies scores by alpha. If alpha is close to 0, no score could be low enough
        to rule out a byte, so the scores are multiplied beforehand.
        """
        if self.known is None:
            return self.scores, alpha
        if alpha >= _SMALL_ALPHA:
            return self._lowered_scores, alpha
        return self._lowered(alpha * self.model.scores, _WITHHELD), 1.0

    @cached_property
    def _lowered_scores(self) -> F64:
        return self._lowered(self.model.scores, _WITHHELD / _SMALL_ALPHA)

    def _lowered(self, scores: F64, withheld: float) -> F64:
        """Return the scores by entry; bytes that begin a character have less by `withheld`.

        So low a score lets them spell a character only if nothing else does.
        """
        lowered = scores - np.where(self._first_bytes, withheld, 0.0)
        return self.automaton.by_entry(lowered, -math.inf)

    @cached_property
    def _first_bytes(self) -> list[bool]:
        """For each piece, whether it is a single byte that begins a character of several bytes."""
        return [len(piece) == 1 and piece >= b"\xc0" for piece in self.model.pieces]

    def weights(self, alpha: float) -> Weights:
        """Return the weights of the pieces at an alpha.

        If single bytes must not spell some characters, the byte `HIDDEN` weighs next to nothing.
        """
        table = self._latest.get(alpha)
        if table is None:
            table = weights(self.mirrored[0], self.model.scores, alpha, self._withheld)
            latest = list(self._latest.items())[1 - RANGE_STEPS :]
            self._latest = {**dict(latest), alpha: table}
        return table

    def weights_of(self, probabilities: F64) -> Weights:
        """Return weights that are given, with the byte `HIDDEN` as for `weights`."""
        if self._withheld is not None:
            return weights(self.mirrored[0], np.log(probabilities), 1.0, self._withheld)
        table = self.mirrored[0].by_entry
        return Weights(table(probabilities, 0), table(np.zeros(len(probabilities), "i4"), 0), True)

    @cached_property
    def _withheld(self) -> F64 | None:
        """What is subtracted from the logarithm of each piece's weight; None for nothing."""
        if self.known is None:
            return None
        withheld = np.zeros(len(self.model.pieces))
        withheld[self.model.pieces.index(bytes([HIDDEN]))] = _WITHHELD
        return withheld

    def _logs(self, alpha: float) -> tuple[F64, float]:
        """Return the logarithms of the weights of the pieces at an alpha, divided by a factor.

        The factor comes with them. Usually it is alpha, so that no table has to be made.
        """
        if self._withheld is None:
            return self.model.scores, alpha
        return self.model.scores * alpha - self._withheld, 1.0


def _without_runs_of_unknown(
    encode_run: EncodeRun,
    unknown: int,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
) -> Drawn:
    """Encode segments, and replace each run of unknown tokens in a segment by one token."""
    ids, counts, log_p = encode_run(segments, streams, low, high)
    rows = without_runs(Encoded(ids, offsets_of(counts)), unknown)
    return Drawn(rows.ids, np.diff(rows.offsets).astype(np.int32), log_p)


def _ids_by_entry(built: Automaton, model: Model) -> U32:
    return built.by_entry(model.ids.astype(np.uint32), 0)
