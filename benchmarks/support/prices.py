"""The strength of a sampler that has a wanted price, found by drawing samples."""

from collections.abc import Callable

from benchmarks.support.commands import FailedError

_STEPS = 18
_ALLOWED = 0.003
"""The largest difference between the price that was wanted and the price that was found."""

WEAK_ALPHA, STRONG_ALPHA = 20.0, 0.0
"""With the weak one, sampling hardly differs from the best path."""


def strength_of(
    tokens: Callable[[float], int],
    fewest: int,
    more: float,
    weak: float = WEAK_ALPHA,
    strong: float = STRONG_ALPHA,
) -> float:
    """Return the strength at which samples have a wanted price.

    Args:
        tokens: returns how many tokens some texts have with a strength, always with the same seed.
        fewest: how many they have on their best paths.
        more: the price, 0.1 for 10 % more tokens.
        weak, strong: the strengths between which it is sought.

    Raises:
        FailedError: if no strength has this price.
    """
    for _ in range(_STEPS):
        middle = (weak + strong) / 2
        weak, strong = (middle, strong) if tokens(middle) / fewest - 1 < more else (weak, middle)
    if abs((found := tokens(weak) / fewest - 1) - more) > _ALLOWED:
        raise FailedError(f"no strength costs {more:+.1%} tokens; the nearest is {found:+.1%}")
    return weak
