"""All facts of one explanation, and their form in JSON."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from bytepiece.explain.shown import shown

_MOST_DIGITS = 1000
"""The most digits of a number of paths that are written out."""


class ExplainedPiece(NamedTuple):
    """A token of the encoding, and how sure the model is of it.

    Args:
        id: the id of the token.
        piece: the bytes that it stands for in the normalized text.
        start, end: its place in the normalized text, in bytes.
        byte_span: its place in the UTF-8 bytes of the given text, as `Tokenizer.align` gives it.
        char_span: its place in the characters of the given text.
        score: the score of the piece. The score of a run of unknown characters is the sum of their
            scores.
        probability: that a segmentation has this token here.
        left, right: the probability that a segmentation has a boundary at its start, at its end.
    """

    id: int
    piece: bytes
    start: int
    end: int
    byte_span: tuple[int, int]
    char_span: tuple[int, int]
    score: float
    probability: float
    left: float
    right: float


class ExplainedPath(NamedTuple):
    """A segmentation of the text.

    Args:
        ids: the ids of its tokens.
        ends: where each token ends, in bytes of the normalized text.
        log_prob: the natural logarithm of its probability at the alpha.
    """

    ids: tuple[int, ...]
    ends: tuple[int, ...]
    log_prob: float

    @property
    def spans(self) -> Iterator[tuple[int, int]]:
        """Where each token begins and ends."""
        return pairwise((0, *self.ends))

    @property
    def probability(self) -> float:
        """The probability of the segmentation, exp(log_prob)."""
        return math.exp(self.log_prob)


class ExplainedEdge(NamedTuple):
    """A piece at a place where it can stand.

    Args:
        start, end: the place in the normalized text, in bytes.
        id: the id of the piece.
        score: the score of the piece.
        probability: that a segmentation has this piece here.
        chosen: whether the encoding has it here.
    """

    start: int
    end: int
    id: int
    score: float
    probability: float
    chosen: bool


@dataclass(frozen=True)
class Explanation:
    """All facts of how one model cuts one text, at one alpha. See `Tokenizer.explain`.

    Args:
        name: a name for the model, such as its file's.
        fingerprint: the fingerprint of the model.
        merges: whether merges choose the encoding, as in a BPE model, and not the best path.
        uniform: whether all pieces have the same score, as in a BPE model without probabilities. If
            their scores are 0, all segmentations have the same probability.
        text: the text, as UTF-8.
        normalized: the text that is segmented: the text, unless the model normalizes texts.
        alpha: the exponent on the probability of a path.
        pieces: the tokens of the encoding.
        encoding: the path of the encoding.
        nbest: the best paths, the best first.
        samples: independent draws from the law.
        seed: the seed of the draws. Draw i is `encode(text, alpha=alpha, seed=seed, sample=i)`.
        entropy: the entropy of the law in nats.
        expected_tokens: the mean number of tokens of a draw.
        token_deviation: the standard deviation of the number of tokens.
        n_paths: the number of segmentations.
        boundary_probs: for each byte of the normalized text, and for its end, the probability of a
            boundary there.
        token_counts: numbers of tokens with their probabilities, ascending. Those with
            probabilities below 1e-9 are left out.
        edges: the most probable edges and those of the encoding, by their starts and ends.
        edges_left_out: how many edges are left out.
        most_left_out: the largest probability of an edge that is left out.
    """

    name: str
    fingerprint: str
    merges: bool
    uniform: bool
    text: bytes
    normalized: bytes
    alpha: float
    pieces: tuple[ExplainedPiece, ...]
    encoding: ExplainedPath
    nbest: tuple[ExplainedPath, ...]
    samples: tuple[ExplainedPath, ...]
    seed: int
    entropy: float
    expected_tokens: float
    token_deviation: float
    n_paths: int
    boundary_probs: tuple[float, ...]
    token_counts: tuple[tuple[int, float], ...]
    edges: tuple[ExplainedEdge, ...]
    edges_left_out: int
    most_left_out: float

    @property
    def log10_paths(self) -> float:
        """The logarithm to the base 10 of the number of segmentations."""
        return math.log10(self.n_paths)

    def as_json(self) -> dict[str, Any]:
        """Return all facts in JSON's types. docs/explain.md describes the keys, which are stable.

        Bytes are given twice: in a readable form, in which different bytes differ, and as
        hexadecimal digits.

        >>> import bytepiece, json
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat"] * 9, 300))
        >>> facts = tok.explain("the cat", alpha=0.5).as_json()
        >>> [(piece["id"], piece["shown"]) for piece in facts["pieces"]]
        [(260, 'the'), (261, '▁cat')]
        >>> facts["paths"], json.loads(json.dumps(facts)) == facts
        ('6', True)
        """
        short = self.log10_paths < _MOST_DIGITS
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "encoded_by": "merges" if self.merges else "best path",
            "uniform": self.uniform,
            "text": self.text.decode("utf-8", "backslashreplace"),
            "text_hex": self.text.hex(),
            "normalized_hex": self.normalized.hex(),
            "alpha": self.alpha,
            "pieces": [_piece_json(piece) for piece in self.pieces],
            "log_prob": self.encoding.log_prob,
            "probability": self.encoding.probability,
            "nbest": [_path_json(path) for path in self.nbest],
            "samples": [_path_json(path) for path in self.samples],
            "seed": self.seed,
            "entropy_nats": self.entropy,
            "entropy_bits": self.entropy / math.log(2.0),
            "expected_tokens": self.expected_tokens,
            "token_deviation": self.token_deviation,
            "paths": str(self.n_paths) if short else None,
            "log10_paths": self.log10_paths,
            "boundary_probs": list(self.boundary_probs),
            "token_counts": [
                {"tokens": tokens, "probability": p} for tokens, p in self.token_counts
            ],
            "edges": [edge._asdict() for edge in self.edges],
            "edges_left_out": self.edges_left_out,
            "most_left_out": self.most_left_out,
        }


def _piece_json(piece: ExplainedPiece) -> dict[str, Any]:
    others = piece._asdict() | {
        "byte_span": list(piece.byte_span),
        "char_span": list(piece.char_span),
    }
    del others["piece"]
    return {"id": piece.id, "shown": shown(piece.piece), "hex": piece.piece.hex()} | others


def _path_json(path: ExplainedPath) -> dict[str, Any]:
    return {
        "ids": list(path.ids),
        "ends": list(path.ends),
        "log_prob": path.log_prob,
        "probability": path.probability,
    }
