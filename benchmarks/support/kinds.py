"""Texts of kinds that small vocabularies are trained on. Two of them are made, one is at hand."""

import datetime
import random
import re
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_HAN = re.compile("[\u4e00-\u9fff]")
_NOT_PROSE = re.compile(r"[=()\[\]{}_#]|  ")
_BASES = "ACGT"
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_LEVELS = ("INFO",) * 8 + ("WARN",) * 2 + ("ERROR",)
_PARTS = ("scheduler", "http", "db.pool", "auth", "cache", "storage", "queue.worker", "billing")
_PATHS = ("/api/v1/users", "/api/v1/orders", "/api/v2/search", "/health", "/login", "/app.js")


def logs(size: int, seed: int) -> list[str]:
    """Return lines of a server's log: times, addresses, identifiers, and a few kinds of message."""
    draw = random.Random(seed)
    users = random.Random(0).sample(range(100_000), 300)

    def address() -> str:
        return f"10.{draw.randrange(4)}.{draw.randrange(256)}.{draw.randrange(256)}"

    messages: tuple[Callable[[], str], ...] = (
        lambda: (
            f'{address()} "GET {draw.choice(_PATHS)} HTTP/1.1" {draw.choice((200, 200, 404, 500))} '
            f"{draw.randrange(50_000)} {draw.randrange(900)}ms"
        ),
        lambda: f"connection from {address()}:{draw.randrange(1024, 65535)} accepted",
        lambda: f"job {draw.getrandbits(32):08x} finished in {draw.random() * 10:.3f}s",
        lambda: f"user-{draw.choice(users):05d} logged in from {address()}",
        lambda: f"cache miss for key session:{draw.getrandbits(48):012x}, fetching from backend",
        lambda: f"pool size {draw.randrange(64)}/64, waiting={draw.randrange(10)}",
        lambda: f"request took too long: {draw.randrange(1000, 30_000)} ms, limit 1000 ms",
    )
    time = 1_700_000_000.0

    def line() -> str:
        nonlocal time
        time += draw.expovariate(3)
        stamp = datetime.datetime.fromtimestamp(time, datetime.timezone.utc)
        head = stamp.isoformat(timespec="milliseconds")
        return f"{head} [{draw.choice(_LEVELS)}] {draw.choice(_PARTS)}: {draw.choice(messages)()}"

    return _filled(line, size)


def dna(size: int, seed: int) -> list[str]:
    """Return lines of 1,000 bases: uneven triples, and repeated motifs on both strands."""
    fixed = random.Random(0)
    motifs = ["".join(fixed.choices(_BASES, k=fixed.randrange(6, 300))) for _ in range(60)]
    weights = [[fixed.random() + 0.3 for _ in _BASES] for _ in range(64)]
    draw = random.Random(seed)

    def line() -> str:
        parts: list[str] = []
        length, before = 0, 0
        while length < 1000:
            if draw.random() < 0.02:
                motif = draw.choice(motifs)
                motif = "".join(b if draw.random() > 0.05 else draw.choice(_BASES) for b in motif)
                parts.append(motif if draw.random() < 0.5 else motif[::-1].translate(_COMPLEMENT))
                length += len(motif)
            base = draw.choices(range(4), weights[before])[0]
            parts.append(_BASES[base])
            length, before = length + 1, (4 * before + base) % 64
        return "".join(parts)[:1000]

    return _filled(line, size)


def source_code(size: int) -> list[str]:
    """Return lines of the modules of Python's standard library."""
    folder = Path(sysconfig.get_path("stdlib"))
    modules = (path.read_text("utf-8", errors="replace") for path in sorted(folder.glob("*.py")))
    return _first((line for module in modules for line in module.split("\n")), size)


def english(lines: Iterable[str], size: int) -> list[str]:
    """Return those of a text's lines that are prose in English."""
    return _first((x for x in lines if _is_prose(x)), size)


def chinese(lines: Sequence[str], size: int) -> list[str]:
    """Return those of a text's lines that are mostly Chinese characters."""
    return _first((x for x in lines if 2 * len(_HAN.findall(x)) > len(x)), size)


def split(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines to train on, and every sixth stretch of 200 lines, which is held out."""
    train: list[str] = []
    held_out: list[str] = []
    for start in range(0, len(lines), 200):
        (held_out if start // 200 % 6 == 5 else train).extend(lines[start : start + 200])
    return train, held_out


def _is_prose(line: str) -> bool:
    return line.isascii() and line.count(" ") >= 5 and not _NOT_PROSE.search(line)


def _filled(make: Callable[[], str], size: int) -> list[str]:
    lines = []
    while size > 0:
        lines.append(make())
        size -= len(lines[-1]) + 1
    return lines


def _first(lines: Iterable[str], size: int) -> list[str]:
    taken = []
    for line in lines:
        if not line:
            continue
        size -= len(line.encode()) + 1
        if size < 0:
            break
        taken.append(line)
    return taken
