"""The spaces that decoding removes where a text begins."""

from typing import NamedTuple


class Opening(NamedTuple):
    """The rule by which decoding removes spaces at the beginning of a text, as other libraries do.

    These libraries put a space before a text so that its first word looks like all others.

    Args:
        spaces: the ids of tokens that begin with a space that may be removed.
        all: whether each token loses its space until a token has text; otherwise only the first
            token with a space does.
    """

    spaces: frozenset[int]
    all: bool

    def strip(self, ids: list[int], pieces: list[bytes]) -> bool:
        """Remove spaces from the pieces of ids that begin a text.

        Returns:
            whether the text has still not begun after them.
        """
        for i, id_ in enumerate(ids):
            if id_ in self.spaces:
                pieces[i] = pieces[i][1:]
                if not self.all:
                    return False
            if pieces[i]:
                return False
        return True
