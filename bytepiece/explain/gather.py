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
from bytepiece.explain.edges import LatticeEdges
from bytepiece.explain.facts import ExplainedPath, ExplainedPiece, Explanation
from bytepiece.explain.views import ShownExplanation

if TYPE_CHECKING:
    from bytepiece.lattice.lattice import Lattice
    from bytepiece.tokenizer import Tokenizer

MOST_BYTES = 1 << 14
"""The most bytes of a text that is explained, after normalization. Such a text takes a second."""
MOST_PATHS = 1000
"""The most best paths, and the most samples, of an explanation."""
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
        return ExplainedPath(tuple(ids), tuple(spans[:, 1].tolist()), lattice.log_prob(pieces))

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
    return ShownExplanation(
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
