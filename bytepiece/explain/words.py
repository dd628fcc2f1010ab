"""The sentences that a terminal and a page say about an explanation."""

import math

from bytepiece.display import number, percent, raised
from bytepiece.explain.facts import ExplainedPath, Explanation

_SMALLEST = -690.0
"""The logarithm of a probability that a float64 can hold."""


def counted(count: int, what: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "token"), counted(1200, "path")
    ('1 token', '1,200 paths')
    """
    return f"{count:,} {what}" + "s" * (count != 1)


def facts_in_words(explained: Explanation) -> list[tuple[str, str]]:
    """Return the numbers of an explanation, each with its name."""
    return [
        ("tokens", f"{len(explained.pieces):,}"),
        ("probability", probability_of(explained.encoding)),
        ("expected tokens", f"{explained.expected_tokens:.2f} ± {explained.token_deviation:.2f}"),
        ("entropy", f"{number(explained.entropy / math.log(2.0))} bits"),
        ("paths", paths_in_words(explained)),
    ]


def paths_in_words(explained: Explanation) -> str:
    """Return the number of paths, exact if it has at most 15 digits."""
    if explained.n_paths < 10**15:
        return f"{explained.n_paths:,}"
    mantissa = 10 ** (explained.log10_paths % 1)
    return f"{mantissa:.2f}·10{raised(int(explained.log10_paths))}"


def probability_of(path: ExplainedPath) -> str:
    """Return the probability of a path, also if it is too small for a float64.

    >>> probability_of(ExplainedPath((), (), 0.0)).split()[0]
    '100'
    >>> probability_of(ExplainedPath((), (), -1e4)).split()[0]
    '10⁻⁴³⁴¹'
    """
    if path.log_prob > _SMALLEST:
        return percent(path.probability)
    return f"10{raised(math.floor(path.log_prob / math.log(10.0)) + 2)}\N{NO-BREAK SPACE}%"


def notes(explained: Explanation) -> list[str]:
    """Return what a reader has to know about these numbers."""
    found = []
    if explained.merges:
        found.append(
            "Merges choose the encoding of this model; probabilities are about all segmentations."
        )
    if explained.uniform:
        found.append("All pieces of this model have the same score.")
    if explained.text != explained.normalized:
        found.append("The model changes the text before it cuts it; this is the changed text.")
    return found
