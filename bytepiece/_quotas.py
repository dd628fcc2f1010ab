"""The processor time that a container lets its processes use, read from control groups."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_GROUPS = "proc/self/cgroup"
_MOUNT = "sys/fs/cgroup"


def quotas(root: Path = Path("/")) -> Iterator[float]:
    """Yield the limits of the control groups that this process is in, in cores.

    A group is within others, and each may have a limit. Version 2 of control groups has one tree of
    groups, version 1 has one tree for each kind of limit. In a container, the path of the group may
    be that of the host, while the mounted tree begins at the container's group. A path that is
    missing for this reason is no limit, and its parents up to the mounted one are looked at.

    Args:
        root: the root of the file system.
    """
    try:
        lines = (root / _GROUPS).read_text("utf-8").splitlines()
    except (OSError, ValueError):  # not Linux, or no control groups
        return
    for line in lines:
        _, kinds, path = [*line.split(":", 2), "", ""][:3]
        if kinds and "cpu" not in kinds.split(","):
            continue
        group = PurePosixPath(path.lstrip("/"))
        for place in (group, *group.parents):
            folder = root / _MOUNT / kinds / place
            quota = _quota_of_version_1(folder) if kinds else _quota(folder)
            if quota is not None:
                yield quota


def _quota(folder: Path) -> float | None:
    """Return the limit of a group of version 2; `cpu.max` holds "max 100000" if there is none."""
    return _ratio(_words(folder / "cpu.max"))


def _quota_of_version_1(folder: Path) -> float | None:
    """Return the limit of a group of version 1; the quota is −1 if there is none."""
    return _ratio(_words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us"))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except (OSError, ValueError):
        return []


def _ratio(words: list[str]) -> float | None:
    """Return a quota divided by its period; None unless both are numbers above 0."""
    if len(words) != 2 or not all(word.isdecimal() and int(word) for word in words):
        return None
    return int(words[0]) / int(words[1])
