"""Fuzz tests of the parsers that are led by coverage: inputs that reach new lines are kept.

    pip install atheris
    python -m benchmarks.bench_coverage --seconds 300 --output benchmarks/results

Each kind of file is tried by itself, from the sound files on, and with the same promises as in
`benchmarks.bench_fuzz`. The library atheris (libFuzzer for Python) makes the inputs. A finding is
printed and kept in benchmarks/.found/.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.support import ROOT

KINDS = (
    "model file",
    "original's model",
    "tokenizer.json",
    "SentencePiece model",
    "checkpoint",
    "token files",
    "unfinished token files",
    "corpus",
    "Parquet file",
)
_STATISTICS = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_LONGEST = 1 << 15
"""The largest input in bytes. Larger sound files do not take part."""


def hunt(kind: str, seconds: int, seed: int) -> None:
    """Fuzz one kind of file in this process, until the time is over; never return.

    Args:
        kind: the kind.
        seconds: the time.
        seed: the seed of atheris.
    """
    import atheris  # noqa: PLC0415

    with atheris.instrument_imports(["bytepiece"], _compiled()):
        from benchmarks.fuzzing import files  # noqa: PLC0415
        from benchmarks.fuzzing.file_checks import check_file  # noqa: PLC0415

    folders = files.sound()[kind]

    def one_input(data: bytes) -> None:
        # The first byte says which of the sound files the input replaces.
        number, content = data[:1], data[1:]
        folder = folders[(number or b"\0")[0] % len(folders)]
        name = list(folder)[(number or b"\0")[0] // len(folders) % len(folder)]
        with tempfile.TemporaryDirectory() as place:
            for other, other_content in {**folder, name: content}.items():
                Path(place, other).write_bytes(other_content)
            wrong = check_file(kind, Path(place), name)
        if wrong is not None:
            raise AssertionError(f"{name}: {wrong}")

    with tempfile.TemporaryDirectory() as corpus:
        for number, content in _inputs(folders):
            Path(corpus, str(number)).write_bytes(content)
            one_input(content)  # the first call may compile, which takes longer than any input
        kept = ROOT / "benchmarks" / ".found"
        kept.mkdir(parents=True, exist_ok=True)
        options = {
            "max_total_time": seconds,
            "max_len": _LONGEST,
            "seed": seed,
            "timeout": 300,
            "rss_limit_mb": 2048,
            "artifact_prefix": f"{kept}/",
        }
        flags = [f"-{name}={value}" for name, value in options.items()]
        atheris.Setup([sys.argv[0], *flags, corpus], one_input)
        atheris.Fuzz()


def _compiled() -> list[str]:
    """Return the modules with compiled functions, whose lines cannot lead the search."""
    paths = (ROOT / "bytepiece").rglob("*.py")
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in paths
        if "kernels" in path.parts or "kernels.jit" in path.read_text("utf-8")
    ]


def _inputs(folders: "tuple[dict[str, bytes], ...]") -> Iterator[tuple[int, bytes]]:
    """Yield a number and an input for each sound file."""
    for at, folder in enumerate(folders):
        for place, content in enumerate(folder.values()):
            number = place * len(folders) + at
            if len(content) < _LONGEST:
                yield number, bytes([number]) + content


def main() -> None:
    """Fuzz each kind in a process of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_coverage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=int, default=60, help="the time for each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, help="only this kind, in this process")
    parser.add_argument("--output", type=Path, help="folder for coverage.json")
    arguments = parser.parse_args()
    if arguments.kind:
        hunt(arguments.kind, arguments.seconds, arguments.seed)
    # Imported here, because it imports the library, which atheris must do first.
    from benchmarks.support.harness import BenchmarkReport  # noqa: PLC0415

    report = BenchmarkReport("coverage")
    rows, found = [], 0
    for kind in KINDS:
        command = [sys.executable, "-m", "benchmarks.bench_coverage", "--kind", kind]
        command += ["--seconds", str(arguments.seconds), "--seed", str(arguments.seed)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
        runs = re.search(r"Done (\d+) runs", done.stderr)
        wrong = done.returncode != 0
        found += wrong
        if wrong:
            print(f"{kind}: {done.stderr[-3000:]}", flush=True)
        reached = _STATISTICS.findall(done.stderr) or [("—", "—", "—")]
        (first, _, _), (last, _, kept) = reached[0], reached[-1]
        rows.append([kind, runs[1] if runs else "—", first, last, kept, str(int(wrong))])
    heads = ["kind", "inputs", "places reached at first", "in the end", "inputs kept", "findings"]
    title = f"Led by coverage, {arguments.seconds} s each"
    report.table(title, heads, rows, seed=arguments.seed)
    report.target("fuzz", found)
    if arguments.output:
        report.write(arguments.output)
    raise SystemExit(int(found > 0))


if __name__ == "__main__":
    main()
