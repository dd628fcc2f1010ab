"""The spaces that decoding takes off where a text begins."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass


class Opening(NamedTuple):
    """The spaces at the beginning that decoding takes off, as other libraries do.

    A space before a text is there for the text's first word to look like all others.

    Args:
        spaces: ids of tokens that begin with a space that may be taken off.
        all: of each token until there is text, and not only of the first that has one.
    """

    spaces: frozenset[int]
    all: bool

    def strip(self, ids: list[int], pieces: list[bytes]) -> bool:
        """Take spaces off the pieces of ids that begin a text; whether it is still to begin."""
        for i, id_ in enumerate(ids):
            if id_ in self.spaces:
                pieces[i] = pieces[i][1:]
                if not self.all:
                    return False
            if pieces[i]:
                return False
        return True
