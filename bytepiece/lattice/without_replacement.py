"""Sampling without replacement: the k paths with the largest Gumbel-perturbed log-probabilities.

Give every path a number G, the sum of its log-probability and a Gumbel-distributed number. The path
with the largest G is a draw from P. The path with the next largest G is a draw from P without the
first path, and so on (Kool, van Hoof, Welling: Stochastic beams and where to find them; ICML 2019,
https://arxiv.org/abs/1903.06059).

Most paths never need their G. Consider the tree of all beginnings of paths. The largest G below a
node is Gumbel-distributed around the node's log-probability. The path with this G passes through
one child of the node. The probability that the path passes through a certain child is the child's
share of the node's probability, whatever the value of G. For every other child, the largest G below
the child is Gumbel-distributed around the child's log-probability, under the condition that it is
not larger than the G of this path. So a walk from a node to the path with the largest G below the
node is a perfect sample. The walk does not enter the other children. Each of them waits, with the
largest G below it, until this G is the largest of all.
"""

import heapq
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64
from bytepiece.kernels.jit import Scalar, inner, kernel
from bytepiece.kernels.streams import Streams, sample_words, uniforms
from bytepiece.lattice.chain import Chain


class Perturbed(NamedTuple):
    """Paths in the order of their perturbed log-probabilities.

    Args:
        paths: for each path int64[tokens], its edges.
        log_p: float64[paths], the log-probabilities.
        gumbels: float64[paths], the perturbed log-probabilities, descending.
        threshold: the largest perturbed log-probability of all other paths; −inf if there is no
            other path.
    """

    paths: list[npt.NDArray[np.int64]]
    log_p: npt.NDArray[np.float64]
    gumbels: npt.NDArray[np.float64]
    threshold: float


class Aside(NamedTuple):
    """Room for the nodes that a walk does not enter. An edge leads to each of them.

    Args:
        edges: int64[room], the edge that leads to each node.
        depths: int64[room], the number of tokens before the edge.
        log_p: float64[room], the log-probability of each node.
        tops: float64[room], the largest G below each node.
    """

    edges: npt.NDArray[np.int64]
    depths: npt.NDArray[np.int64]
    log_p: npt.NDArray[np.float64]
    tops: npt.NDArray[np.float64]


def top_k(chain: Chain, k: int, streams: Streams, document: int = 0) -> Perturbed:
    """Draw k different paths, or all paths if there are fewer.

    Args:
        chain: the law to draw from.
        k: at least 1.
        streams, document: the document's first sample in these streams, with segment 0, provides
            the draws.
    """
    # Room for all edges is enough, since a walk leaves each edge aside at most once.
    edges = len(chain.ends)
    aside = Aside(*(np.empty(edges, dtype=kind) for kind in (np.int64, np.int64, float, float)))
    path = np.empty(len(chain.first), dtype=np.int64)
    paths: list[npt.NDArray[np.int64]] = []
    found: list[tuple[float, float]] = []
    root = -math.log(-math.log(_first_draw(streams, document)))
    draws = made = 1
    least = -math.inf  # nodes with a smaller G are no longer needed
    # The nodes that wait. Each item holds the largest G below the node, negated, since a heap
    # begins with the smallest item; a unique number; the node's log-probability; the path from
    # which the node branches off; the depth at which it branches off; and the edge that leads to
    # the node.
    waiting = [(-root, 0, 0.0, -1, 0, -1)]
    while waiting and len(paths) < k:
        top, _, log, other, depth, edge = heapq.heappop(waiting)
        position = 0
        if edge >= 0:
            path[:depth], path[depth] = paths[other][:depth], edge
            position, depth = int(chain.ends[edge]), depth + 1
        depth, log, left, draws = _walk(
            chain, position, -top, log, streams, document, draws, path, depth, aside
        )
        paths.append(path[:depth].copy())
        found.append((log, -top))
        # One node more than is needed, for the threshold.
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


@inner
def _open(words: tuple[Scalar, ...], draw: Scalar) -> Scalar:
    """Return a uniform number that is neither 0 nor 1."""
    return max(uniforms(words, np.uint64(0), np.uint64(draw))[0], 2.0**-54)


@kernel
def _first_draw(streams: Streams, document: Scalar) -> Scalar:
    """Return draw 0 of a document's stream."""
    return _open(sample_words(streams, document, 0), 0)


@kernel
def _walk(
    chain: Chain,
    position: Scalar,
    top: Scalar,
    log: Scalar,
    streams: Streams,
    document: Scalar,
    draws: Scalar,
    path: I64,
    depth: Scalar,
    aside: Aside,
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Walk from a node to the path with the largest G below it.

    Args:
        chain: the law to draw from.
        position: the position of the node in the text.
        top: the largest G below the node.
        log: the node's log-probability.
        streams, document: see `top_k`.
        draws: how many draws of the stream are used up.
        path: its first `depth` edges lead to the node; the edges that follow are filled in.
        depth: the number of edges before the node.
        aside: to be filled with the nodes that the walk does not enter.

    Returns:
        the number of tokens of the path, its log-probability, the number of nodes not entered, and
        how many draws of the stream are used up afterwards.
    """
    words = sample_words(streams, document, 0)
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
