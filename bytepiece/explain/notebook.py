"""What notebooks show of a tokenizer, a lattice and an explanation."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bytepiece.lattice.lattice import Lattice


def lattice_html(lattice: "Lattice") -> str:
    return ""
