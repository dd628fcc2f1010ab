"""The leading spaces that decoding removes where a text begins."""

from typing import NamedTuple


class Opening(NamedTuple):
    """The leading spaces that decoding removes at the beginning of a text, like other libraries.

    Those libraries put a space before a text, so that its first word looks like all other words.

    Args:
        spaces: ids of the tokens whose leading space may be removed.
        all: remove the leading space of every token up to the first token that is more than a
            space. Otherwise, only the first token that has a leading space loses it.
    """

    spaces: frozenset[int]
    all: bool

    def strip(self, ids: list[int], pieces: list[bytes]) -> bool:
        """Remove leading spaces from pieces, in place.

        Args:
            ids: ids at the beginning of a text.
            pieces: their bytes; changed in place.

        Returns:
            whether the text has not begun yet, so that the next ids may lose spaces, too.
        """
        for i, id_ in enumerate(ids):
            if id_ in self.spaces:
                pieces[i] = pieces[i][1:]
                if not self.all:
                    return False
            if pieces[i]:
                return False
        return True
