"""What notebooks show of a tokenizer, a lattice and an explanation."""

import html
import math
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from bytepiece.display import number
from bytepiece.explain import blocks
from bytepiece.explain.edges import LatticeEdges
from bytepiece.explain.facts import ExplainedPath, Explanation
from bytepiece.explain.lattice_svg import LEAST_DRAWN, DrawnLattice, drawn, svg
from bytepiece.explain.style import asset, style
from bytepiece.explain.words import notes

if TYPE_CHECKING:
    from bytepiece.lattice.lattice import Lattice
    from bytepiece.model import Model
    from bytepiece.tokenizer import Tokenizer

_MOST_DRAWN = 2000
"""The most bytes of a text whose lattice is drawn in a notebook."""
_PIECES = 24
"""How many pieces are shown of a tokenizer."""


def explanation_html(explained: Explanation) -> str:
    """Return an explanation as a fragment of HTML: the tokens, the lattice, the best paths."""
    parts = [blocks.facts(explained), *[f"<p>{html.escape(note)}</p>" for note in notes(explained)]]
    parts.append(blocks.tokens(explained))
    if len(explained.normalized) <= _MOST_DRAWN:
        parts.append(f'<div class="scroll">{svg(drawn(explained), LEAST_DRAWN)}</div>')
    if explained.nbest:
        parts.append(blocks.paths(explained, explained.nbest))
    return _fragment(parts)


def lattice_html(lattice: "Lattice", model: "Model") -> str:
    """Return a lattice as a fragment of HTML: its numbers, and its picture if it is short.

    Args:
        lattice: the lattice.
        model: the model that it is made with.
    """
    size = len(lattice.text)
    entropy = lattice.entropy("bits")
    facts = [
        ("bytes", f"{size:,}"),
        ("alpha", f"{lattice.alpha:g}"),
        ("entropy", f"{number(entropy)} bits"),
        (
            "expected tokens",
            f"{lattice.expected_tokens():.2f} ± {math.sqrt(lattice.token_variance()):.2f}",
        ),
    ]
    parts = [blocks.named_values(facts)]
    if size > _MOST_DRAWN:
        parts.append(f"<p>Lattices of more than {_MOST_DRAWN:,} bytes are not drawn.</p>")
    else:
        best = lattice.best()
        ends = tuple(accumulate(map(len, best.pieces)))
        path = ExplainedPath(best.ids, ends, best.log_prob)
        edges, _, _ = LatticeEdges(lattice, model).most_probable(path)
        tokens = [(id_, *span) for id_, span in zip(path.ids, path.spans, strict=True)]
        picture = DrawnLattice(lattice.text, tokens, edges, lattice.boundary_probs().tolist())
        parts.append(f'<div class="scroll">{svg(picture, LEAST_DRAWN)}</div>')
        parts.append(
            '<p class="soft">A line is as thick as its piece is probable; the best path is blue.'
            "</p>"
        )
    return _fragment(parts)


def tokenizer_html(tokenizer: "Tokenizer") -> str:
    """Return a tokenizer as a fragment of HTML: size, rules, and the most probable pieces."""
    model = tokenizer.model
    facts = [
        ("vocabulary", f"{tokenizer.vocab_size:,}"),
        ("pieces", f"{len(model.pieces):,}"),
        ("special tokens", f"{len(model.special_tokens):,}"),
        ("encoded by", "merges" if model.merges is not None else "the best path"),
        ("rules", str(model.rules)),
        ("fingerprint", tokenizer.fingerprint[:16] + "…"),
    ]
    order = np.argsort(-model.scores, kind="stable")
    longer = [number for number in order.tolist() if len(model.pieces[number]) > 1][:_PIECES]
    chips = "".join(blocks.chip(int(model.ids[n]), model.pieces[n]) for n in longer)
    return _fragment([blocks.named_values(facts), f'<p class="soft">Pieces: {chips} …</p>'])


def _fragment(parts: list[str]) -> str:
    css = style(".bytepiece") + asset("lattice.css")
    return f'<div class="bytepiece" style="padding:.5em"><style>{css}</style>{"".join(parts)}</div>'
