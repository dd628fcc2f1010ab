"""The edges of a lattice, found by their places."""

import math
from typing import TYPE_CHECKING

import numpy as np

from bytepiece.explain.facts import ExplainedEdge, ExplainedPath

if TYPE_CHECKING:
    from bytepiece.lattice.lattice import Lattice
    from bytepiece.model import Model

MOST_EDGES = 10_000
"""The most edges of an explanation. The most probable ones stay."""


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
        """Return the edges of a token: one, or those of a run of unknown characters."""
        if (start, end) in self._at:
            return [self._at[start, end]]
        edges: list[int] = []
        while start < end:
            edges.append(self._unknown[start])
            start = int(self._marginals.ends[edges[-1]])
        return edges

    def _score(self, edge: int) -> float:
        start, end = int(self._marginals.starts[edge]), int(self._marginals.ends[edge])
        piece = self._text[start:end]
        # A character without a piece has the score of its first byte.
        return float(self._scores[piece if piece in self._scores else piece[:1]])
