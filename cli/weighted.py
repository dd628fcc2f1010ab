"""PATH:WEIGHT, as inputs are named at the command line."""

import os
from pathlib import Path
from typing import NamedTuple

import click

from bytepiece.errors import ArgumentError
from bytepiece.inputs.weights import steps_of


class WeightedCommand(click.Command):
    """A command with arguments PATH:WEIGHT."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As always, but -:WEIGHT is standard input and its weight, and not an option."""
        return super().parse_args(ctx, [f"./{a}" if a.startswith("-:") else a for a in args])


class Weighted(NamedTuple):
    """An input, and how often what is in it counts."""

    path: Path
    weight: float


def weighted(argument: str) -> Weighted:
    r"""Take PATH:WEIGHT apart; the weight is 1 where there is none.

    What exists under the whole name, with its colon, is a path. What follows a colon is a weight
    only if it is a number: C:\corpus.txt is a path.

    Raises:
        ArgumentError: the weight is outside its range.
    """
    name, colon, number = argument.rpartition(":")
    if name and colon and not os.path.lexists(argument):
        try:
            weight = float(number)
        except ValueError:
            return Weighted(Path(argument), 1)
        try:
            steps_of(weight)  # refused now, not after a wait for standard input
        except ArgumentError as error:
            raise ArgumentError(f"{argument}: {error}") from None
        return Weighted(Path(name), weight)
    return Weighted(Path(argument), 1)
