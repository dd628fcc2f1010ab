"""Sampling without replacement: the k paths with the largest Gumbel-perturbed log-probabilities.

Give every path the number G = log P + a Gumbel-distributed number of its own. The path with the
largest G is a draw from P, the next one a draw from P without the first, and so on (Kool, van Hoof,
Welling: Stochastic beams and where to find them; ICML 2019, https://arxiv.org/abs/1903.06059).

The numbers need not be made for all paths. The largest G below a node of the tree of all beginnings
of paths is Gumbel-distributed around the node's log-probability; whose child's it is has the
child's probability, whatever its value; and that of each other child is a Gumbel-distributed number
around that child's log-probability, given that it is not larger. So the way from a node to the path
with the largest G below it is a perfect sample, and what it leaves aside waits, each with the
largest G below it, until that is the largest of all.
"""

import heapq
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.streams import document_words, uniforms
from bytepiece.lattice.chain import Chain


class Perturbed(NamedTuple):
    """Paths in the order of their perturbed log-probabilities.

    Args:
        paths: of each, int64[tokens], its edges.
        log_p: float64[paths], their log-probabilities.
        gumbels: float64[paths], the same perturbed, descending.
        threshold: the largest one of the paths that are left; −inf if none is.
    """

    paths: list[npt.NDArray[np.int64]]
    log_p: npt.NDArray[np.float64]
    gumbels: npt.NDArray[np.float64]
    threshold: float


class Aside(NamedTuple):
    """Room for the nodes that a walk leaves aside, each by an edge.

    Args:
        edges: int64[most].
        depths: int64[most], the tokens before each.
        log_p: float64[most], the log-probabilities of the nodes.
        tops: float64[most], the largest G below each.
    """

    edges: npt.NDArray[np.int64]
    depths: npt.NDArray[np.int64]
    log_p: npt.NDArray[np.float64]
    tops: npt.NDArray[np.float64]


def top_k(chain: Chain, k: int, seed: np.uint64) -> Perturbed:
    """Draw k different paths, or all if there are no more.

    Args:
        k: at least 1.
        seed: of the stream for document 0, epoch 0, sample 0 in `bytepiece.kernels.streams`, with segment 0.
    """
    # At each position all edges but one are left aside, so there are never more than edges.
    edges = len(chain.ends)
    aside = Aside(*(np.empty(edges, dtype=kind) for kind in (np.int64, np.int64, float, float)))
    path = np.empty(len(chain.first), dtype=np.int64)
    paths: list[npt.NDArray[np.int64]] = []
    found: list[tuple[float, float]] = []
    root = -math.log(-math.log(_first_draw(seed)))
    draws = made = 1
    least = -math.inf  # what lies below it can't be wanted any more
    # The nodes that wait: the largest G below each, negative, for a heap has the smallest in front;
    # a number of its own; the node's log-probability; which path it left, where, and by which edge.
    waiting = [(-root, 0, 0.0, -1, 0, -1)]
    while waiting and len(paths) < k:
        top, _, log, other, depth, edge = heapq.heappop(waiting)
        position = 0
        if edge >= 0:
            path[:depth], path[depth] = paths[other][:depth], edge
            position, depth = int(chain.ends[edge]), depth + 1
        depth, log, left, draws = _walk(chain, position, -top, log, seed, draws, path, depth, aside)
        paths.append(path[:depth].copy())
        found.append((log, -top))
        # One more than are wanted, for the threshold.
        most = k + 1 - len(paths)
        some = np.flatnonzero(aside.tops[:left] > least)
        for i in some[np.argsort(-aside.tops[some], kind="stable")[:most]].tolist():
            node = len(paths) - 1, int(aside.depths[i]), int(aside.edges[i])
            heapq.heappush(waiting, (-float(aside.tops[i]), made, float(aside.log_p[i]), *node))
            made += 1
        if len(waiting) > 2 * most + 1000:
            waiting = heapq.nsmallest(most, waiting)
            least = -waiting[-1][0]
    logs, gumbels = np.array(found).reshape(-1, 2).T
    return Perturbed(paths, logs, gumbels, -waiting[0][0] if waiting else -math.inf)


@kernel
def _open(words: tuple[Scalar, ...], draw: Scalar) -> Scalar:
    """A uniform number that is neither 0 nor 1."""
    return max(uniforms(words, np.uint64(0), np.uint64(draw))[0], 2.0**-54)


@kernel
def _first_draw(seed: Scalar) -> Scalar:
    return _open(document_words(seed, np.uint64(0), np.uint64(0), np.uint64(0)), 0)


@kernel
def _walk(
    chain: Chain,
    position: Scalar,
    top: Scalar,
    log: Scalar,
    seed: Scalar,
    draws: Scalar,
    path: I64,
    depth: Scalar,
    aside: Aside,
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Walk from a node to the path with the largest G below it, which is `top`.

    Args:
        position: where the node stands.
        log: its log-probability.
        draws: how many draws of the stream are used up.
        path: its first `depth` edges are the node's; filled with those that follow.
        aside: filled with the nodes left aside.

    Returns:
        the tokens of the path, its log-probability, how many nodes are left aside, the draws.
    """
    words = document_words(seed, np.uint64(0), np.uint64(0), np.uint64(0))
    left = np.int64(0)
    while position < len(chain.first) - 1:
        low, high = chain.first[position], chain.first[position + 1]
        chosen: Scalar = low
        if high - low > 1:
            uniform = _open(words, draws)
            draws += 1
            cumulated = 0.0
            for edge in range(low, high):
                if chain.p[edge] > 0.0:
                    chosen = edge
                    cumulated += chain.p[edge]
                    if cumulated > uniform:
                        break
            for edge in range(low, high):
                if edge != chosen:
                    # G given that it is at most `top`: −log(exp(−top) − log(u) · exp(−log p)).
                    noise = -np.log(_open(words, draws))
                    draws += 1
                    node = log + chain.log_p[edge]
                    above = node - top
                    if above > 0.0:
                        aside.tops[left] = top - np.log1p(noise * np.exp(-above))
                    else:
                        aside.tops[left] = node - np.log(np.exp(above) + noise)
                    aside.edges[left], aside.depths[left], aside.log_p[left] = edge, depth, node
                    left += 1
        path[depth] = chosen
        depth += 1
        log += chain.log_p[chosen]
        position = np.int64(chain.ends[chosen])
    return depth, log, left, draws
