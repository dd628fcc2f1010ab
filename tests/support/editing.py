"""Helpers that the tests of editing share."""

import math

import numpy as np
import pytest

TEXT = [" the cat and the hat of the rat\n" * 3, "the cat sat on the mat\n" * 2]


def names(model):
    """Return the meaning of each id: bytes, or the name and the role of a special token."""
    found = dict(zip(model.ids.tolist(), model.pieces, strict=True))
    return found | {token.id: (token.name, token.role) for token in model.special_tokens}


def assert_mapped(id_map, old, new):
    """Check that the map leads from each id to the new id of the same piece or token, or to −1."""
    before, after = names(old), {name: id_ for id_, name in names(new).items()}
    assert id_map.dtype == np.int32
    assert id_map.tolist() == [after.get(before.get(i), -1) for i in range(old.vocab_size)]


ROUNDING = 2**-13
"""Scores are rounded to multiples of this."""


def assert_normal(model):
    assert math.fsum(map(math.exp, model.scores)) == pytest.approx(1.0, abs=ROUNDING)
