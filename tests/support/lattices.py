"""Lattices of texts over a and b, in which pieces overlap in many ways."""

from bytepiece import Tokenizer
from support.strategies import make_model

OVERLAPPING = {b"a": -2.0, b"b": -1.5, b"ab": -2.5, b"ba": -3.0, b"aba": -4.0, b"bab": -4.0}


def lattice_of(scores, text, alpha=1.0):
    """Return the lattice of a text by a model of these pieces."""
    return Tokenizer(make_model(scores)).lattice(text, alpha)
