"""Gathering the facts of an explanation from a tokenizer and a lattice.

The lattice and the tokenizer are used by their public methods only, and their modules are not
imported. So both can explain themselves, although this room is below them.
"""

import math
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from bytepiece._checks import check_whole
from bytepiece.errors import ArgumentError
from bytepiece.explain.facts import ExplainedEdge, ExplainedPath, ExplainedPiece, Explanation

if TYPE_CHECKING:
    from bytepiece.lattice.lattice import Lattice
    from bytepiece.model import Model
    from bytepiece.tokenizer import Tokenizer

MOST_BYTES = 1 << 14
"""The most bytes of a text that is explained, after normalization. Such a text takes a second."""
MOST_PATHS = 1000
"""The most best paths, and the most samples, of an explanation."""
MOST_EDGES = 10_000
"""The most edges of an explanation. The most probable ones stay."""
_LEAST_COUNT = 1e-9
"""The least probability of a number of tokens in an explanation."""


def explanation(
    tokenizer: "Tokenizer",
    text: str | bytes,
    alpha: float,
    nbest: int,
    samples: int,
    seed: int,
    name: str,
) -> Explanation:
    """Gather all facts. See `bytepiece.Tokenizer.explain` for the arguments and the errors."""
    for value, what in ((nbest, "nbest"), (samples, "samples")):
        if check_whole(value, what, 0) > MOST_PATHS:
            raise ArgumentError(f"{what} must be at most {MOST_PATHS}, not {value}")
    check_length(len(text))  # before any work; it has at least as many bytes
    lattice = tokenizer.lattice(text, alpha)
    normalized = lattice.text
    check_length(len(normalized))
    encoding_ids = tokenizer.encode(text)
    given = tokenizer.align(text, encoding_ids)
    edges = LatticeEdges(lattice, tokenizer.model)
    reached = lattice.boundary_probs().tolist()

    def path(ids: list[int]) -> ExplainedPath:
        spans = tokenizer.align(text, ids, normalized=True).byte_spans
        pieces = [normalized[start:end] for start, end in spans.tolist()]
        try:
            log_prob = lattice.log_prob(pieces)
        except ArgumentError:  # merges can make what no path of the lattice has
            log_prob = -math.inf
        return ExplainedPath(tuple(ids), tuple(spans[:, 1].tolist()), log_prob)

    encoding = path(encoding_ids)
    pieces = [
        ExplainedPiece(
            id_,
            normalized[start:end],
            start,
            end,
            (int(byte_span[0]), int(byte_span[1])),
            (int(char_span[0]), int(char_span[1])),
            *edges.of_token(start, end, reached[start]),
            reached[start],
            reached[end],
        )
        for id_, (start, end), byte_span, char_span in zip(
            encoding_ids, encoding.spans, given.byte_spans, given.char_spans, strict=True
        )
    ]
    shown, left_out, most_left_out = edges.most_probable(encoding)
    counts = lattice.token_distribution()
    return Explanation(
        name=name,
        fingerprint=tokenizer.fingerprint,
        merges=tokenizer.model.merges is not None,
        uniform=bool(np.ptp(tokenizer.model.scores) == 0),
        text=to_utf8(given.text),
        normalized=normalized,
        alpha=lattice.alpha,
        pieces=tuple(pieces),
        encoding=encoding,
        nbest=best_paths(lattice, nbest),
        samples=tuple(path(row.tolist()) for row in lattice.sample(samples, seed))
        if samples
        else (),
        seed=seed,
        entropy=lattice.entropy(),
        expected_tokens=lattice.expected_tokens(),
        token_deviation=math.sqrt(lattice.token_variance()),
        n_paths=lattice.n_paths(),
        boundary_probs=tuple(reached),
        token_counts=tuple(
            (tokens, float(counts[tokens]))
            for tokens in np.flatnonzero(counts >= _LEAST_COUNT).tolist()
        ),
        edges=shown,
        edges_left_out=left_out,
        most_left_out=most_left_out,
    )


def best_paths(lattice: "Lattice", n: int) -> tuple[ExplainedPath, ...]:
    """Return the n best paths of a lattice."""
    return tuple(
        ExplainedPath(path.ids, tuple(accumulate(map(len, path.pieces))), path.log_prob)
        for path in (lattice.nbest(n) if n else ())
    )


def to_utf8(text: str | bytes) -> bytes:
    """Return a text as UTF-8; lone surrogates pass."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def check_length(size: int) -> None:
    """Raise ArgumentError if a text is too long for an explanation."""
    if size > MOST_BYTES:
        raise ArgumentError(
            f"the text has {size:,} bytes, and {MOST_BYTES:,} are the most that can be explained; "
            f"explain a part of it, such as a line, which is independent of the other lines"
        )


class LatticeEdges:
    """The edges of a lattice, which are found by their places.

    Args:
        lattice: the lattice.
        model: the model that it is made with.
    """

    def __init__(self, lattice: "Lattice", model: "Model") -> None:
        self._text = lattice.text
        self._marginals = lattice.marginals()
        self._scores = dict(zip(model.pieces, model.scores.tolist(), strict=True))
        starts, ends, ids, _ = self._marginals
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        self._at = {place: edge for edge, place in enumerate(places)}
        self._unknown: dict[int, int] = {}  # the edge of the unknown character at each place
        if model.rules.unknown == "token":
            some = np.flatnonzero(ids == model.special_id("unknown"))
            self._unknown = dict(zip(starts[some].tolist(), some.tolist(), strict=True))

    def of_token(self, start: int, end: int, reached: float) -> tuple[float, float]:
        """Return the score and the probability of a token, which may be a run of unknown ones.

        Args:
            start, end: the place of the token.
            reached: the probability of a boundary at the start.
        """
        edges = self._along(start, end)
        score = math.fsum(map(self._score, edges))
        if len(edges) < 2:
            return score, float(self._marginals.probabilities[edges].sum())
        probability = reached
        for edge in edges:
            here = self._marginals.starts == self._marginals.starts[edge]
            there = float(self._marginals.probabilities[here].sum())
            probability *= float(self._marginals.probabilities[edge]) / (there or 1.0)
        return score, probability

    def most_probable(self, path: ExplainedPath) -> tuple[tuple[ExplainedEdge, ...], int, float]:
        """Return the edges to show, how many others there are, and their largest probability.

        Args:
            path: a path whose edges are all shown.
        """
        starts, ends, ids, probabilities = self._marginals
        chosen = np.zeros(len(starts), dtype=np.bool_)
        chosen[[edge for span in path.spans for edge in self._along(*span)]] = True
        order = np.lexsort((-probabilities, ~chosen))
        shown = np.sort(order[: max(MOST_EDGES, int(chosen.sum()))])
        others = order[len(shown) :]
        found = tuple(
            ExplainedEdge(
                int(starts[edge]),
                int(ends[edge]),
                int(ids[edge]),
                self._score(edge),
                float(probabilities[edge]),
                bool(chosen[edge]),
            )
            for edge in shown.tolist()
        )
        return found, len(others), float(probabilities[others].max(initial=0.0))

    def _along(self, start: int, end: int) -> list[int]:
        """Return the edges of a token, none if merges made it and the lattice lacks it."""
        if (start, end) in self._at:
            return [self._at[start, end]]
        edges: list[int] = []
        while start < end and start in self._unknown:
            edges.append(self._unknown[start])
            start = int(self._marginals.ends[edges[-1]])
        return edges

    def _score(self, edge: int) -> float:
        start, end = int(self._marginals.starts[edge]), int(self._marginals.ends[edge])
        piece = self._text[start:end]
        # A character without a piece has the score of its first byte.
        return float(self._scores[piece if piece in self._scores else piece[:1]])
