"""A lattice that several tests ask."""

import pytest
from support.lattices import OVERLAPPING, lattice_of


@pytest.fixture(scope="module")
def overlapping():
    return lattice_of(OVERLAPPING, b"ababab", 0.5)
