"""The linear program that bounds the tokens of any vocabulary from below, and its solution.

A vocabulary is the 256 single bytes and some longer pieces. Each word is encoded by itself, along a
path through its lattice. The program chooses a share x of each piece, from 0 to 1, and a flow
through the lattice of each word. The flow on an edge is at most the share of the edge's piece, and
the shares add up to at most the number of longer pieces. The program makes the flow on all edges,
times the counts of the words, as small as possible. Every vocabulary with the fewest tokens is a
solution of whole numbers, so none has fewer tokens than the optimum.

Source: Tempus et al. 2026, https://arxiv.org/abs/2605.22821.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import F64, I64, offsets_of

_CHECK = 200
"""Steps between two computations of the bound."""
_RESTART = 1000
"""Steps after which the average of the steps becomes the new beginning, at the latest."""
_LARGEST = 50_000
"""The largest number of steps."""
_GAIN = 1e-4
"""The solver stops if the bound rises by a smaller part of itself within `_PATIENCE` steps."""
_PATIENCE = 2000
_PRIMAL_WEIGHT = 0.3
"""How much longer the steps of shares and flows are than those of prices. With 1, the bound of
10 KB comes within 0.1 % of the optimum after 3,000 steps; with 0.1 it does so after 1,000, but from
there it rises more slowly."""


class Solution(NamedTuple):
    """A solution of the program.

    Args:
        bound: no vocabulary has fewer tokens.
        shares: float64[candidates], the share of each candidate, from 0 to 1.
        steps: the number of steps of the solver.
    """

    bound: float
    shares: F64
    steps: int


class Program:
    """The lattices of some words, and the pieces that may be chosen.

    Args:
        words: the different words, each with its count.
        longest: the largest number of bytes in a piece.
    """

    def __init__(self, words: Mapping[bytes, int], longest: int) -> None:
        occurrences: Counter[bytes] = Counter()
        for word, count in words.items():
            for start in range(len(word)):
                for end in range(start + 2, min(len(word), start + longest) + 1):
                    occurrences[word[start:end]] += count
        self.candidates = [piece for piece, count in occurrences.items() if count > 1]
        """The pieces that may be chosen: all strings of 2 to `longest` bytes that occur twice."""
        number = {piece: i for i, piece in enumerate(self.candidates)}
        bounds = offsets_of([len(word) + 1 for word in words])
        self._firsts, self._lasts = bounds[:-1], bounds[1:] - 1
        self._nodes = int(bounds[-1])
        free: list[tuple[int, int, int, int]] = []
        priced: list[tuple[int, int, int, int]] = []
        for first, (word, count) in zip(self._firsts.tolist(), words.items(), strict=True):
            for start in range(len(word)):
                free.append((first + start, first + start + 1, count, -1))
                for end in range(start + 2, min(len(word), start + longest) + 1):
                    piece = number.get(word[start:end])
                    if piece is not None:
                        priced.append((first + start, first + end, count, piece))
        edges = np.array(free + priced, dtype=np.int64).reshape(-1, 4)
        self._tails, self._heads = edges[:, 0], edges[:, 1]
        self._counts = edges[:, 2].astype(np.float64)
        self._free = len(free)
        self._pieces = edges[self._free :, 3]
        self._order, self._layers = self._by_depth()

    def _by_depth(self) -> tuple[I64, list[tuple[slice, I64, I64]]]:
        """Return the edges in the order of their ends' depth in the word, and the layers.

        A layer is the range of its edges, the nodes where they end, and where the edges of each
        of these nodes begin.
        """
        depth = np.arange(self._nodes) - np.repeat(self._firsts, self._lasts - self._firsts + 1)
        order = np.lexsort((self._heads, depth[self._heads]))
        heads = self._heads[order]
        nodes, begins = np.unique(depth[heads] * self._nodes + heads, return_index=True)
        nodes %= self._nodes
        layers = []
        ends = np.append(begins, len(order))
        starts = np.flatnonzero(np.diff(depth[nodes], prepend=-1))
        for start, stop in zip(starts, np.append(starts[1:], len(nodes)), strict=True):
            edges = slice(ends[start], ends[stop])
            layers.append((edges, nodes[start:stop], begins[start:stop] - ends[start]))
        return order, layers

    def bound(self, prices: F64, budget: int) -> float:
        """Return a lower bound on the tokens of any vocabulary; it is valid for all prices.

        An edge costs its word's count and its price, and every word takes its cheapest path. The
        vocabulary gives back the prices of its own edges, at most those of the `budget` pieces
        whose edges have the largest sum of prices.

        Args:
            prices: float64[priced edges], at least 0.
            budget: the number of pieces that may be chosen.
        """
        costs = self._counts.copy()
        costs[self._free :] += prices
        costs, tails = costs[self._order], self._tails[self._order]
        paths = np.zeros(self._nodes)
        for edges, nodes, begins in self._layers:
            paths[nodes] = np.minimum.reduceat(paths[tails[edges]] + costs[edges], begins)
        values = np.bincount(self._pieces, prices, len(self.candidates))
        chosen = -np.sort(-values)[:budget]
        return float(paths[self._lasts].sum() - chosen.sum())

    def solve(self, budget: int) -> Solution:
        """Return the best bound found, and the shares.

        The method is the primal-dual hybrid gradient with diagonal steps (Pock and Chambolle 2011)
        and restarts at the average (Applegate et al. 2021). On 50 KB of text, HiGHS did not end
        within two minutes on a busy machine. `bound` computes each bound from the prices alone, so
        a solution that is not exact gives a bound that is a little too low, never one that is too
        high.

        Args:
            budget: the number of pieces that may be chosen.
        """
        tails, heads, counts, free = self._tails, self._heads, self._counts, self._free
        pieces, nodes, number = self._pieces, self._nodes, len(self.candidates)
        supply = np.zeros(nodes)
        supply[self._firsts], supply[self._lasts] = 1, -1
        weights = np.zeros(nodes)
        weights[tails] = weights[heads] = counts
        degrees = np.bincount(tails, minlength=nodes) + np.bincount(heads, minlength=nodes)
        # Every word is scaled by its count, so that the prices of all words settle equally fast.
        flow_step = _PRIMAL_WEIGHT / (counts * np.where(np.arange(len(counts)) < free, 2, 3))
        share_step = _PRIMAL_WEIGHT / np.bincount(pieces, counts[free:], number)
        height_step = weights / np.maximum(degrees, 1) / _PRIMAL_WEIGHT
        price_step = counts[free:] / 2 / _PRIMAL_WEIGHT
        flow, shares = np.zeros(len(counts)), np.full(number, min(1.0, budget / max(number, 1)))
        heights, prices = np.zeros(nodes), np.zeros(len(pieces))
        sums = [np.zeros_like(one) for one in (flow, shares, heights, prices)]
        taken = step = 0
        best = [-np.inf]
        while step < _LARGEST:
            step += 1
            slope = counts - heights[tails] + heights[heads]
            slope[free:] += prices
            new_flow = np.clip(flow - flow_step * slope, 0, 1)
            values = np.bincount(pieces, prices, number)
            new_shares = _projected(shares + share_step * values, share_step, budget)
            ahead, shares_ahead = 2 * new_flow - flow, 2 * new_shares - shares
            missing = supply - np.bincount(tails, ahead, nodes) + np.bincount(heads, ahead, nodes)
            heights = heights + height_step * missing
            prices = np.maximum(0, prices + price_step * (ahead[free:] - shares_ahead[pieces]))
            flow, shares = new_flow, new_shares
            sums = [a + b for a, b in zip(sums, (flow, shares, heights, prices), strict=True)]
            taken += 1
            if step % _CHECK:
                continue
            here, average = self.bound(prices, budget), self.bound(sums[3] / taken, budget)
            best.append(max(best[-1], here, average))
            if taken >= _RESTART or (taken > _CHECK and average > here):
                flow, shares, heights, prices = (total / taken for total in sums)
                sums = [np.zeros_like(one) for one in sums]
                taken = 0
            before = best[max(0, len(best) - 1 - _PATIENCE // _CHECK)]
            if best[-1] - before <= _GAIN * best[-1]:
                break
        return Solution(best[-1], shares, step)


def _projected(shares: F64, steps: F64, budget: int) -> F64:
    """Return the nearest shares from 0 to 1 whose sum is at most the budget.

    Args:
        shares: float64[candidates].
        steps: the weights of the distance: a share is lowered in proportion to its step.
        budget: the largest sum.
    """
    found = np.clip(shares, 0, 1)
    if found.sum() <= budget:
        return found
    low, high = 0.0, float((shares / steps).max())
    for _ in range(50):
        middle = (low + high) / 2
        if np.clip(shares - middle * steps, 0, 1).sum() > budget:
            low = middle
        else:
            high = middle
    return np.clip(shares - high * steps, 0, 1)
