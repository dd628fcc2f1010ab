"""The picture of a lattice.

Nodes are the places where a piece can begin or end, edges are pieces. The more probable an edge is,
the thicker it is. The encoding is marked, and its tokens stand below.
"""

import html
import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from bytepiece.display import number, percent
from bytepiece.explain.facts import ExplainedEdge, Explanation
from bytepiece.explain.shown import atoms, hue, shown, sure, width
from bytepiece.explain.style import asset, variables

LEAST_DRAWN = 0.01
"""The least probability of an edge in a picture that cannot hide edges by itself."""

_BYTE, _COLUMN, _DIGIT, _MARGIN = 22, 9.5, 6.7, 16
"""The least width of a byte, the widths of a column of text and of a digit of an id, and the
margin, in pixels."""
_THINNEST, _THICKEST = 0.7, 7.0
_ROUND = 5.5
"""The height of an arc is this number times the root of its width, so that arcs nest."""


class DrawnLattice(NamedTuple):
    """What a picture of a lattice needs.

    Args:
        text: the text that is segmented.
        tokens: the id, the start and the end of each token of the marked path.
        edges: the edges to draw.
        boundary_probs: the probability of a boundary at each place of the text.
    """

    text: bytes
    tokens: Sequence[tuple[int, int, int]]
    edges: Sequence[ExplainedEdge]
    boundary_probs: Sequence[float]


def drawn(explained: Explanation) -> DrawnLattice:
    """Return what the picture of an explanation needs."""
    return DrawnLattice(
        explained.normalized,
        [(piece.id, piece.start, piece.end) for piece in explained.pieces],
        explained.edges,
        explained.boundary_probs,
    )


def standalone(explained: Explanation) -> str:
    """Return the picture of an explanation as an SVG file, in light and dark.

    Edges below a probability of 1 % are left out, except those of the encoding.
    """
    css = (
        f"svg{{{variables(0)}}}@media (prefers-color-scheme: dark){{svg{{{variables(1)}}}}}\n"
        + asset("lattice.css")
    )
    return svg(drawn(explained), LEAST_DRAWN, css) + "\n"


def svg(lattice: DrawnLattice, least: float, css: str = "") -> str:
    """Return the picture of a lattice.

    Args:
        lattice: what to draw.
        least: the least probability of an edge that is drawn, besides those of the marked path.
        css: the style of the picture; nothing if the document around it has the style.
    """
    edges = [edge for edge in lattice.edges if edge.chosen or edge.probability >= least]
    nodes = sorted({place for edge in edges for place in (edge.start, edge.end)} | {0})
    places = _places(lattice, nodes)
    peak = max((_height(places, edge) for edge in edges), default=0.0)
    base = round(peak + _THICKEST + 6)
    total, height = round(places[-1] + _MARGIN), base + 66
    label = f"{len(lattice.tokens)} tokens, {len(edges)} edges: {shown(lattice.text[:200])}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bp-lattice" width="{total}" '
        f'height="{height}" viewBox="0 0 {total} {height}" role="img" '
        f'aria-label="Lattice of {html.escape(label)}">'
    ]
    if css:
        parts.append(f"<style>{css}</style>")
        parts.append(f'<rect width="{total}" height="{height}" style="fill:var(--page)"/>')
    for edge in sorted(edges, key=lambda edge: (edge.chosen, edge.probability)):
        parts.append(_edge(lattice.text, places, edge, base))
    for node in nodes:
        parts.append(_node(places[node], base, node, lattice.boundary_probs[node]))
    for id_, start, end in lattice.tokens:
        left, right = places[start], places[end]
        parts.append(
            f'<rect class="chip" style="--h:{hue(id_)}" x="{left + 2:.1f}" y="{base + 12}" '
            f'width="{right - left - 4:.1f}" height="26" rx="4"/>'
            f'<text class="id" x="{(left + right) / 2:.1f}" y="{base + 54}">{id_}</text>'
        )
    for start, end in atoms(lattice.text):
        middle = (places[start] + places[end]) / 2
        words = html.escape(shown(lattice.text[start:end]))
        parts.append(f'<text x="{middle:.1f}" y="{base + 30}">{words}</text>')
    parts.append("</svg>")
    return "\n".join(parts)


def _places(lattice: DrawnLattice, nodes: Iterable[int]) -> list[float]:
    """Return the horizontal place of each byte, and of the end of the text.

    A character is wide enough for its text and for the nodes within it, and a token for its id.
    """
    inner = set(nodes)
    sizes: list[float] = []
    for start, end in atoms(lattice.text):
        room = max(_BYTE, _COLUMN * width(shown(lattice.text[start:end])) + 6)
        if any(node in inner for node in range(start + 1, end)):
            room = max(room, _BYTE * (end - start))
        sizes += [room / (end - start)] * (end - start)
    for id_, start, end in lattice.tokens:
        factor = (_DIGIT * len(str(id_)) + 8) / sum(sizes[start:end])
        if factor > 1:
            sizes[start:end] = [size * factor for size in sizes[start:end]]
    return [_MARGIN + before for before in accumulate(sizes, initial=0.0)]


def _height(places: Sequence[float], edge: ExplainedEdge) -> float:
    return _ROUND * math.sqrt(places[edge.end] - places[edge.start])


def _edge(text: bytes, places: Sequence[float], edge: ExplainedEdge, base: int) -> str:
    left, right = places[edge.start], places[edge.end]
    # The highest point of such a curve is at three quarters of the height of its handles.
    top = base - _height(places, edge) * 4 / 3
    handle = (right - left) / 5
    thick = _THINNEST + (_THICKEST - _THINNEST) * edge.probability
    title = (
        f"{shown(text[edge.start : edge.end])}  id {edge.id}, score {number(edge.score)}, "
        f"{percent(edge.probability)}"
    )
    kind = "chosen" if edge.chosen else "edge"
    return (
        f'<path class="{kind}" data-p="{edge.probability:.2e}" stroke-width="{thick:.2f}" '
        f'stroke-opacity="{0.4 + 0.6 * edge.probability:.2f}" '
        f'd="M{left:.1f} {base}C{left + handle:.1f} {top:.1f} {right - handle:.1f} {top:.1f} '
        f'{right:.1f} {base}"><title>{html.escape(title)}</title></path>'
    )


def _node(left: float, base: int, place: int, probability: float) -> str:
    title = f"byte {place}: a boundary in {sure(probability)} % of all segmentations"
    return (
        f'<circle cx="{left:.1f}" cy="{base}" r="4.5" fill-opacity="{probability:.2f}">'
        f"<title>{html.escape(title)}</title></circle>"
    )
