"""An explanation that shows itself: as text where it is printed, and as HTML in a notebook."""

from bytepiece.explain.facts import Explanation

_COLUMNS = 100


class ShownExplanation(Explanation):
    """An explanation that can be printed, and that notebooks draw. See `Tokenizer.explain`."""

    def __str__(self) -> str:
        # Imported this late, like below, since most callers want the facts alone.
        from bytepiece.explain.terminal import terminal  # noqa: PLC0415

        return terminal([self], _COLUMNS, False)

    def _repr_html_(self) -> str:
        from bytepiece.explain.notebook import explanation_html  # noqa: PLC0415

        return explanation_html(self)
