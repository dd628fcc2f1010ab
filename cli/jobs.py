"""Jobs of a job array on the command line."""

import re
from typing import Any

import click

_MOST = 1_000_000


class ShardType(click.ParamType):  # type: ignore[type-arg]  # no generic in older releases
    """The number of a job, and the number of jobs: 3/16."""

    name = "shard"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return the number of the job, counted from 1, and the number of jobs."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([0-9]{1,7})/([0-9]{1,7})", value)
        if found is None or not 1 <= int(found[1]) <= int(found[2]) <= _MOST:
            self.fail(f"{value!r:.30} is not a job of several; write it like 3/16", param, ctx)
        return int(found[1]), int(found[2])


SHARD = ShardType()
