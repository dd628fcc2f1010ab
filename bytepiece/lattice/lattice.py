"""Lattice: the exact distribution of the segmentations of one text."""

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, offsets_of
from bytepiece._checks import check_whole
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.nbest import nbest_of_segments
from bytepiece.encoding.request import Sampling, checked_alpha
from bytepiece.encoding.segmentation import NO_MARKS, segment
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.errors import ArgumentError
from bytepiece.kernels.partition import MAX_EXPONENT
from bytepiece.lattice import chain as chains
from bytepiece.lattice import counting as paths
from bytepiece.lattice.law import inclusion_of, law_of, tokens_of
from bytepiece.lattice.results import DistinctSample, Marginals, Segmentation
from bytepiece.lattice.token_numbers import distribution
from bytepiece.lattice.without_replacement import top_k
from bytepiece.rules.text import Text, to_bytes

MOST_PATHS = 1_000_000
"""The most paths that `Lattice.paths` enumerates, unless the caller asks for more."""

_LARGEST_ALPHA = float(1 << 20)
"""At this alpha the best path has practically all the probability, unless another path has the same
score."""
_MOST_STEPS = 100
"""The most steps of Newton's method and bisection. Bisection alone would find every bit in this
number of steps."""


class Lattice:
    """All segmentations of a text and their law P(path) = exp(alpha · Σ score) / Z.

    Made by `Tokenizer.lattice`. All results are about the whole text. Its segments (lines) are
    independent, so their probabilities multiply. Names of special tokens are plain text. Immutable
    and picklable.

    A model that was read from another library's file has the law of that library. A character that
    is no piece by itself can be an unknown character, which has one score. In a model with byte
    fallback it consists of single bytes, each of which is an edge and a token. In a model with an
    unknown token it is one edge, and a run of unknown characters in a segmentation is one token.

    Numbers are float64. Their error is about 1e-12 · max(1, alpha · |Σ score|), or 1e-12 times the
    number itself if that is more. An edge is a place where a piece can stand. A lattice takes 24
    bytes of memory per edge, and its marginals take 20 more. Together they take about 150 bytes of
    memory for each byte of common text.

    >>> from bytepiece import Model, Tokenizer
    >>> pieces = [bytes([b]) for b in range(256)] + [b"th", b"he", b"the"]
    >>> tok = Tokenizer(Model(pieces, [-5.0] * 256 + [-6.0, -6.0, -7.0]))
    >>> lattice = tok.lattice("the", alpha=0.5)
    >>> lattice.n_paths(), round(lattice.entropy("bits"), 3)
    (4, 1.054)
    >>> for path in lattice.nbest(3):
    ...     print(path.pieces, round(path.probability, 3))
    (b'the',) 0.776
    (b't', b'he') 0.105
    (b'th', b'e') 0.105
    >>> lattice.boundary_probs().round(3).tolist()
    [1.0, 0.119, 0.119, 1.0]
    >>> round(lattice.alpha_for_entropy(0.5), 3)
    0.652
    """

    def __init__(self, encoder: Encoder, vocabulary: Vocabulary, text: Text, alpha: float) -> None:
        if checked_alpha(alpha) < 0:
            raise ArgumentError(f"alpha must be at least 0, not {alpha:g}")
        # Bytes are copied, since they must not change.
        self._given = text if isinstance(text, str) else to_bytes(text)
        self._encoder = encoder
        self._vocabulary = vocabulary
        self._alpha = float(alpha)
        self._segments = segment([self._given], encoder.model.rules)
        self._law = law_of(encoder, self._segments, self._alpha)
        self._chain, self._pieces, self._log_z = self._law

    @property
    def text(self) -> bytes:
        """The text that is segmented, normalized if the model does so; edges are places in it."""
        return self._text

    @cached_property
    def _text(self) -> bytes:
        return self._segments.text.tobytes()

    @property
    def alpha(self) -> float:
        """The exponent."""
        return self._alpha

    @property
    def log_z(self) -> float:
        """The natural logarithm of Z = Σ exp(alpha · Σ score) over all paths.

        Source: Su, https://kexue.fm/archives/9811; the sum-product recursion of a semiring.
        """
        return math.fsum(self._log_z)

    def n_paths(self) -> int:
        """Return the exact number of segmentations.

        For a million bytes the number has hundreds of thousands of digits. Computing it takes
        seconds for common text, because no piece crosses certain positions, and these divide the
        text into short parts. For a run of one letter, the time grows with the square of its
        length.

        Source: Cognetta et al., https://arxiv.org/abs/2408.11443.
        """
        return paths.count(self._chain, math.inf)

    def entropy(self, unit: Literal["nats", "bits"] = "nats") -> float:
        """Return the entropy of the law, −Σ P log P over all paths, ≥ 0.

        It is computed by the chain rule: each position adds the entropy of the next piece, times
        the probability of a boundary there. log Z − alpha · E[Σ score] is the same number, but
        loses digits as a difference of large numbers.

        Source: Shannon 1948; the entropy of a Markov chain's walk.

        Args:
            unit: "nats" or "bits".

        Raises:
            ArgumentError: if the unit is another one.
        """
        if unit not in ("nats", "bits"):
            raise ArgumentError(f'unit must be "nats" or "bits", not {unit!r:.30}')
        nats = chains.entropy(self._chain)
        return nats / math.log(2.0) if unit == "bits" else nats

    def expected_tokens(self) -> float:
        """Return the mean number of tokens, E[n]."""
        return self._token_moments[0]

    def token_variance(self) -> float:
        """Return the variance of the number of tokens, E[(n − E[n])²]."""
        return self._token_moments[1]

    def token_distribution(self) -> F64:
        """Return float64[most tokens + 1], the probability of each number of tokens.

        Probabilities below 1e-40 may be missing at the end, or 0.
        """
        return distribution(*self._counted)

    def expected_score(self) -> float:
        """Return the mean sum of scores, E[Σ score] in nats: the derivative of log Z by alpha."""
        return self._score_moments[0]

    def score_variance(self) -> float:
        """Return the variance of the sum of scores, in nats²: d² log Z / d alpha²."""
        return self._score_moments[1]

    def log_prob(self, path: Iterable[bytes | str | int]) -> float:
        """Return the natural logarithm of the probability of one segmentation.

        Args:
            path: its pieces (bytes or str), or their ids.

        Raises:
            ArgumentError: if it is not a segmentation of this text.
            VocabularyError: if an id is not in the vocabulary.
        """
        if isinstance(path, (str, bytes)) or not isinstance(path, Iterable):
            raise ArgumentError(f"a path is a list of pieces or ids, not {path!r:.60}")
        return math.fsum(self._chain.log_p[self._edges_of(path)])

    def marginals(self) -> Marginals:
        """Return the probability of each edge: that a path has this piece at this place.

        The probabilities of the edges that begin at a position add up to `boundary_probs` there.
        The probabilities of all edges add up to `expected_tokens`, unless a run of unknown
        characters, each with an edge of its own, is one token. Source: the E-step of Kudo,
        https://arxiv.org/abs/1804.10959.
        """
        starts = chains.starts(self._chain)
        reached = chains.reach(self._chain)
        ids = self._encoder.model.ids[self._pieces]
        return Marginals(starts, self._chain.ends.copy(), ids, reached[starts] * self._chain.p)

    def boundary_probs(self) -> F64:
        """Return float64[bytes + 1], the probability of a boundary at each position."""
        return chains.reach(self._chain)

    def best(self) -> Segmentation:
        """Return the best path. Among ties, it is the path that `Tokenizer.encode` finds."""
        return self._segmentation(self._edges_along(self._encoder.best_pieces(self._segments)))

    def nbest(self, k: int) -> list[Segmentation]:
        """Return the k best paths, the best first, or all paths if there are fewer.

        At every alpha, paths are sorted by their sums of scores. The sum of a segment is added from
        left to right in float64, as in encoding. Among equal sums, the path with the longest last
        piece comes first. If the last pieces are the same, the same rule is applied to the paths
        without them. The sums of segments are added from left to right; among equal sums, the path
        with the better last segment comes first. So the first path is always the one that `encode`
        finds, except that the best paths of SentencePiece's models are found in float32.

        Args:
            k: at least 1. Time and memory grow with k · bytes.

        Raises:
            ArgumentError: if k is less than 1, or too large for the length of a line.

        Source: the k best by dynamic programming; Chow and Schwartz 1989, The N-best algorithm.
        """
        segments = [self._segments.text[a:b] for a, b in pairwise(self._segments.bounds.tolist())]
        encoder = self._encoder
        rows = nbest_of_segments(
            encoder.automaton, encoder.scores, segments, check_whole(k, "k", 1), encoder.known
        )
        return [self._segmentation(self._edges_along(numbers)) for numbers in rows]

    def sample(self, n: int = 1, seed: int | None = None) -> Encoded:
        """Draw n independent segmentations from the law.

        Args:
            n: how many, at least 1.
            seed: see `Tokenizer`; None takes a fresh one.

        Returns:
            n rows of ids; row i is `encode(text, alpha=alpha, seed=seed, sample=i)`.

        Raises:
            ArgumentError: if an argument is outside its range.
        """
        return self._encoded(Sampling(self._alpha, seed=seed), check_whole(n, "n", 1))

    def sample_without_replacement(self, k: int, seed: int | None = None) -> DistinctSample:
        """Draw k different segmentations, each from the law without the ones drawn before.

        Args:
            k: how many, at least 1. If the text has fewer segmentations, all are drawn.
            seed: see `Tokenizer`; None takes a fresh one.

        Raises:
            ArgumentError: if an argument is outside its range.

        Source: Kool et al., https://arxiv.org/abs/1903.06059, over the tree of all beginnings.
        """
        streams = Sampling(seed=seed).streams(np.zeros(1, dtype=np.uint64))
        drawn = top_k(self._chain, check_whole(k, "k", 1), streams)
        found = [self._segmentation(path) for path in drawn.paths]
        return DistinctSample(found, drawn.gumbels, drawn.threshold, inclusion_of(drawn))

    def paths(self, limit: int = MOST_PATHS) -> Iterator[Segmentation]:
        """Return an iterator over all segmentations; at each position, shorter pieces come first.

        Args:
            limit: the largest number of segmentations that is allowed, at least 1.

        Raises:
            ArgumentError: if there are more segmentations. The call itself raises it, before the
                first segmentation.
        """
        if paths.count(self._chain, check_whole(limit, "limit", 1)) > limit:
            raise ArgumentError(
                f"the text has more than {limit} segmentations; raise `limit`, cut the text, or "
                f"take the best ones (nbest) or random ones (sample)"
            )
        return map(self._segmentation, paths.enumerate_all(self._chain))

    def alpha_for_entropy(self, h: float) -> float:
        """Return the alpha at which the law of this text has a given entropy.

        The entropy falls as alpha grows.

        Args:
            h: the entropy in nats, from 0 to log(n_paths()), which is the entropy at alpha 0.

        Returns:
            alpha. The entropy there differs from h by about 1e-12 · max(1, log(n_paths())).

        Raises:
            ArgumentError: if no alpha has this entropy.

        Source: Newton's method; the derivative is −alpha · `score_variance`.
        """
        if isinstance(h, bool) or not isinstance(h, (float, int, np.floating, np.integer)):
            raise ArgumentError(f"the entropy must be a number, not {h!r:.30}")
        highest = self._at(0.0).log_z
        near = 1e-12 * max(1.0, highest)  # the error of an entropy
        if not 0 <= h <= highest + near:
            raise ArgumentError(
                f"the entropy of this text is between 0 and {highest:.6g} nats, which is at alpha "
                f"0; it can't be {h!s:.30}"
            )
        if h >= highest - near:
            return 0.0
        largest = float(np.abs(self._encoder.model.scores).max())
        most = min(_LARGEST_ALPHA, MAX_EXPONENT / largest) if largest else _LARGEST_ALPHA
        low, high = 0.0, min(1.0, most)
        reached = self._at(high)
        while (entropy := reached.entropy()) > h + near:
            if high == most:
                raise ArgumentError(
                    f"the entropy of this text is still {entropy:.6g} nats at alpha {most:g}, the "
                    f"largest that is tried, because its best paths are equally good or nearly so; "
                    f"it can't be {h:g}"
                )
            low, high = high, min(2 * high, most)
            reached = self._at(high)
        # Newton's method, since the derivative is known: −alpha · variance of the score. If a step
        # would leave the bracket, bisection takes its place.
        alpha = high
        for _ in range(_MOST_STEPS):
            gap = reached.entropy() - h
            if abs(gap) <= near:
                break
            low, high = (alpha, high) if gap > 0 else (low, alpha)
            slope = alpha * reached.score_variance()
            alpha += gap / slope if slope > 0 else math.inf
            if not low < alpha < high:
                alpha = (low + high) / 2
            reached = self._at(alpha)
        return alpha

    @cached_property
    def _token_moments(self) -> tuple[float, float]:
        return chains.moments(*self._counted)

    @cached_property
    def _counted(self) -> tuple[chains.Chain, F64]:
        """A chain of the paths, and the number of tokens that each of its edges adds."""
        unknown = self._encoder.unknown
        if unknown is None:
            return self._chain, np.ones(len(self._pieces))
        in_runs = self._encoder.model.ids[self._pieces] == unknown.id
        return chains.with_runs(self._chain, in_runs, self._segments.bounds)

    @cached_property
    def _score_moments(self) -> tuple[float, float]:
        return chains.moments(self._chain, self._encoder.model.scores[self._pieces])

    @cached_property
    def _distinct(self) -> frozenset[bytes]:
        """The pieces of the model, to look them up."""
        return frozenset(self._encoder.model.pieces)

    @cached_property
    def _keys(self) -> I64:
        """int64[edges], ascending: one number for the beginning and the end of each edge."""
        return _key(chains.starts(self._chain), self._chain.ends)

    def _encoded(self, sampling: Sampling, samples: int = 1) -> Encoded:
        """Encode the text as document 0."""
        streams = sampling.streams(np.zeros(1, dtype=np.uint64), samples=samples)
        groups = sampling.groups(streams)
        return self._encoder.encode([self._given], NO_MARKS, groups, streams, 1)

    def _at(self, alpha: float) -> "Lattice":
        return Lattice(self._encoder, self._vocabulary, self._given, alpha)

    def _edges_along(self, numbers: I32) -> I64:
        """Return the edges of a path, given the numbers of its pieces."""
        lengths = [len(self._encoder.model.pieces[number]) for number in numbers.tolist()]
        bounds = offsets_of(lengths)
        # If a character without a piece is one edge, no edge begins within the character.
        begun = np.diff(self._chain.first)[bounds[:-1]] > 0
        starts = bounds[:-1][begun]
        return np.searchsorted(self._keys, _key(starts, np.append(starts, bounds[-1])[1:]))

    def _edges_of(self, path: Iterable[bytes | str | int]) -> I64:
        """Return the numbers of a segmentation's edges. Raises the errors of `log_prob`."""
        pieces = [each for item in path for each in self._split(self._piece(item))]
        ends = offsets_of(map(len, pieces))
        text = self.text
        if not all(pieces):
            raise ArgumentError("not a segmentation of the text: a piece is empty")
        if b"".join(pieces) == text:
            keys = _key(ends[:-1], ends[1:])
            edges = np.searchsorted(self._keys, keys)
            bad = np.flatnonzero(np.append(self._keys, -1)[edges] != keys)
            if not bad.size:
                return edges
            wrong = pieces[bad[0]]
            raise ArgumentError(
                f"not a segmentation of the text: {wrong!r:.60} is not in the vocabulary, or "
                f"stands in two lines"
            )
        done = 0
        for piece in pieces:
            if text[done : done + len(piece)] != piece:
                raise ArgumentError(
                    f"not a segmentation of the text: at byte {done} it has {piece!r:.60}, and the "
                    f"text {text[done : done + len(piece)]!r:.60}"
                )
            done += len(piece)
        raise ArgumentError(
            f"not a segmentation of the text: it ends at byte {done} of {len(text)}"
        )

    def _piece(self, item: bytes | str | int) -> bytes:
        if isinstance(item, str):
            return to_bytes(item)
        if isinstance(item, bytes):
            return item
        piece = self._vocabulary.id_to_piece(item)
        if isinstance(piece, str):
            unknown = self._encoder.unknown
            if unknown is not None and item == unknown.id:
                raise ArgumentError(
                    f"{piece} does not say which characters it stands for; give the pieces, not ids"
                )
            raise ArgumentError(f"{piece} is a special token, which is no part of a segmentation")
        return piece

    def _split(self, piece: bytes) -> list[bytes]:
        """Return a piece; or, if it is a run of characters without a piece, these characters."""
        unknown = self._encoder.unknown
        if unknown is None or piece in self._distinct:
            return [piece]
        bounds = [0]
        while (end := unknown.after(piece, bounds[-1])) is not None:
            bounds.append(end)
        if bounds[-1] < len(piece):
            return [piece]
        return [piece[start:end] for start, end in pairwise(bounds)]

    def _segmentation(self, edges: I64) -> Segmentation:
        """Return the path that consists of these edges."""
        ids, ends = tokens_of(self._encoder, self._law, self._segments.bounds, edges)
        pieces = tuple([self.text[start:end] for start, end in pairwise([0, *ends.tolist()])])
        log_prob = math.fsum(self._chain.log_p[edges].tolist())
        return Segmentation(pieces, tuple(ids.tolist()), log_prob)

    def __repr__(self) -> str:
        return f"<bytepiece.Lattice: {len(self._segments.text)} bytes, alpha {self._alpha:g}>"

    def _repr_html_(self) -> str:
        from bytepiece.explain.notebook import lattice_html  # noqa: PLC0415  # rarely needed

        return lattice_html(self, self._encoder.model)

    def __reduce__(self) -> tuple[type["Lattice"], tuple[Encoder, Vocabulary, Text, float]]:
        return Lattice, (self._encoder, self._vocabulary, self._given, self._alpha)


def _key(starts: npt.NDArray[np.integer], ends: npt.NDArray[np.integer]) -> I64:
    return starts.astype(np.int64) << 32 | ends
