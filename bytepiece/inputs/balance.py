"""Balance: weights that make the shares of groups, such as languages, more equal."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple, SupportsFloat, TypeVar

from bytepiece._messages import shown
from bytepiece.errors import ArgumentError
from bytepiece.inputs.weights import MOST, STEPS

_Group = TypeVar("_Group", bound=Hashable)

MOST_GROUPS = 10_000
"""The most groups that a field may name. A model's record holds the weights of all."""


class Balance(NamedTuple):
    """How the groups of a corpus are balanced; see `Files.balanced`.

    Args:
        exponent: the exponent on the share of each group.
        by: the field or column that names the group of a text; None if each path is a group.
        weights: the weight of each group that `by` names.
    """

    exponent: float
    by: str | None
    weights: dict[str, float]

    def record(self) -> dict[str, Any]:
        """Return what a model's record says of the balance."""
        return {"exponent": self.exponent} if self.by is None else self._asdict()


def balanced_steps(weight: float, factor: float) -> int:
    """Return a weight times the factor of its group as the nearest number of steps of weights.

    A product outside of the range becomes the smallest weight above 0, or the largest, because no
    user has chosen it.
    """
    return max(1, min(round(weight * factor * STEPS), MOST * STEPS))


def exponent_of(value: SupportsFloat) -> float:
    """Return the exponent of a balance.

    Raises:
        ArgumentError: if it is not a number in 0…1.
    """
    try:
        exponent = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"balance must be a number, not {shown(value)}") from None
    if not 0 <= exponent <= 1:
        raise ArgumentError(f"balance must be at least 0 and at most 1, not {exponent:g}")
    return exponent


def factors_of(sizes: Mapping[_Group, int], exponent: float) -> dict[_Group, float]:
    """Return for each group the factor that gives it a share in proportion to p^exponent.

    p is the share of the group without factors. With the factors, the size of all groups together
    stays the same. A group without text has the factor 1.

    Args:
        sizes: the bytes of each group.
        exponent: 0…1.

    Source: Conneau and Lample 2019, https://arxiv.org/abs/1901.07291, section 3.1.

    >>> factors = factors_of({"en": 9900, "sw": 100}, 0.5)
    >>> {group: round(factor, 2) for group, factor in factors.items()}
    {'en': 0.92, 'sw': 9.13}
    """
    total = sum(sizes.values())
    shares = {group: size / total for group, size in sizes.items() if size}
    together = sum(share**exponent for share in shares.values())
    return {
        group: shares[group] ** exponent / together / shares[group] if size else 1.0
        for group, size in sizes.items()
    }
