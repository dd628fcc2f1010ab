"""Arguments of the form PATH:WEIGHT."""

import os
from pathlib import Path
from typing import NamedTuple

import click

from bytepiece.errors import ArgumentError
from bytepiece.inputs.weights import steps_of

WEIGHTED_PATH = click.Path(readable=False)
"""The type of such arguments. Nothing is checked yet."""


class WeightedCommand(click.Command):
    """A command that accepts -:WEIGHT, standard input with a weight, as an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; `./` keeps click from taking -:WEIGHT for an option."""
        return super().parse_args(ctx, [f"./{a}" if a.startswith("-:") else a for a in args])


class WeightedPath(NamedTuple):
    """An input, and how many times its text counts."""

    path: Path
    weight: float


def weighted(argument: str) -> WeightedPath:
    r"""Split PATH:WEIGHT; without a weight, the weight is 1.

    If a file has the whole argument as its name, the argument is a path. The part after the colon
    is a weight only if it is a number, so C:\corpus.txt is a path.

    Raises:
        click.UsageError: if the weight is outside its range, or the argument is empty.
    """
    if not argument:
        raise click.UsageError("an input is empty; name a file, a directory, or - for a pipe")
    name, colon, number = argument.rpartition(":")
    if name and colon and not os.path.lexists(argument):
        try:
            weight = float(number)
        except ValueError:
            return WeightedPath(Path(argument), 1)
        try:
            steps_of(weight)  # checked now, not after standard input was read
        except ArgumentError as error:
            raise click.UsageError(f"{argument}: {error}") from None
        return WeightedPath(Path(name), weight)
    return WeightedPath(Path(argument), 1)
