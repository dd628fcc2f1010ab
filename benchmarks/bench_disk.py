"""Faults of the disk at every write of train, encode, convert and prune.

    python -m benchmarks.bench_disk --output benchmarks/results

A small library in C, which is compiled here, stands between the program and the system. It counts
the calls that change files, and lets call number N fail, for every N: the disk is full, read-only,
or broken from then on, or one call fails, or the disk is slow. Each time

- the command ends with the exit code 1 and with one line "Error: " that names a file, or it gets
  by without the call that failed, and its result is right;
- every output is the old file, or the new one as a whole, or not there, and nothing else is left
  but a checkpoint, or token files that a journal belongs to;
- the same command, once the disk is sound again, writes the files of an undisturbed run, and leaves
  no others. A disk that also refuses to delete may keep a temporary file with a hidden name.
"""

import argparse
import ctypes
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.support import ROOT, SAMPLE
from benchmarks.support.harness import BenchmarkReport

_SOURCE = Path(__file__).parent / "fuzzing" / "disk_faults.c"
_ERROR = re.compile(r"Error: .*(\bx\b|\bkept\b|temp-dir).*: \w|Error: .*(x|kept).*(cannot|is) ")
"""A line about an error that names a file or a folder."""
_LEFTOVER = re.compile(r"(\..+\.[0-9a-f]{16}\.tmp|\.bytepiece-.*|\..*\.writable\.tmp)")


class DiskFault(NamedTuple):
    """A way in which a disk fails.

    Args:
        name: its name in the table.
        error: the number of the error.
        once: whether only one call fails.
        keeps: whether files can still be deleted, renamed and shortened.
    """

    name: str
    error: int
    once: bool = False
    keeps: bool = False


FAULTS = (
    DiskFault("full", errno.ENOSPC, keeps=True),
    DiskFault("read-only", errno.EROFS),
    DiskFault("broken", errno.EIO),
    DiskFault("one error", errno.EIO, once=True),
    DiskFault("one full write", errno.ENOSPC, once=True, keeps=True),
)


class Command(NamedTuple):
    """A command that writes files into the current folder.

    Args:
        name: its name in the table.
        arguments: its arguments; {corpus} and {model} stand for files that are sound.
        outputs: the files that it writes. If it writes two, the last is useless without the other.
        kept: a pattern for the files that may stay after a failure, so that a run can go on.
        again: what is added to the arguments after a failure.
        given: whether standard input is the corpus.
    """

    name: str
    arguments: str
    outputs: tuple[str, ...]
    kept: str = "(?!)"
    again: str = ""
    given: bool = False


_TRAIN = "train {corpus} --vocab-size 300 --threads 1 -o x.model"
COMMANDS = (
    Command("train", _TRAIN, ("x.model",)),
    Command("train --vocab", f"{_TRAIN} --vocab", ("x.model", "x.model.vocab")),
    Command("train --checkpoint", f"{_TRAIN} --checkpoint kept", ("x.model",), "kept/.*"),
    Command(
        "train bnlm --checkpoint",
        f"{_TRAIN} --algorithm bnlm --checkpoint kept",
        ("x.model",),
        "kept/.*",
    ),
    Command("train -", f"{_TRAIN.format(corpus='-')} --temp-dir .", ("x.model",), given=True),
    Command(
        "encode megatron",
        "encode -m {model} {corpus} --format megatron -o x",
        ("x.bin", "x.idx"),
        r"x\.(journal|bin\.part|idx\.part)",
        " --resume",
    ),
    Command(
        "encode npy",
        "encode -m {model} {corpus} --format npy -o x",
        ("x.ids.npy", "x.offsets.npy"),
        r"x\.(journal|ids\.npy\.part|offsets\.npy\.part)",
        " --resume",
    ),
    Command("encode parquet", "encode -m {model} {corpus} --format parquet -o x", ("x",)),
    Command("convert huggingface", "convert {model} x.json --no-check", ("x.json",)),
    Command("convert sentencepiece", "convert {model} x --to sentencepiece --no-check", ("x",)),
    Command("convert", "convert {model} x --to bytepiece --no-check", ("x",)),
    Command("prune", "prune {model} -o x --vocab-size 280", ("x", "x.ids.json")),
)


class CommandOutcome(NamedTuple):
    """The outcome of a command.

    Args:
        code: its exit code.
        said: its standard error.
        raised: an exception that was not turned into a line.
    """

    code: int
    said: str
    raised: BaseException | None


class FaultyDisk:
    """The folder whose disk fails, and the library that lets it fail.

    Args:
        folder: the folder; it is the current folder.
        sound: a folder on a sound disk, with the corpus and the model.
    """

    def __init__(self, folder: Path, sound: Path) -> None:
        self._folder = folder
        self._files = {"corpus": sound / "corpus.txt", "model": sound / "m.model"}
        self._library = ctypes.CDLL(None)

    def clear(self) -> None:
        """Delete everything in the folder."""
        for path in self._folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def contents(self) -> dict[str, bytes]:
        """Return the files of the folder."""
        return {
            path.relative_to(self._folder).as_posix(): path.read_bytes()
            for path in sorted(self._folder.rglob("*"))
            if path.is_file()
        }

    def run(
        self, command: Command, fault: DiskFault | None = None, first: int = 0, again: bool = False
    ) -> tuple[CommandOutcome, int]:
        """Run a command while the disk fails; return the outcome and the number of counted calls.

        Args:
            command: the command.
            fault: how the disk fails; None for a slow disk if `first` is below 0.
            first: the first call that fails; 0 for none.
            again: whether the command failed before.
        """
        from bytepiece_cli.main import cli  # noqa: PLC0415
        from click.testing import CliRunner  # noqa: PLC0415

        line = command.arguments + (command.again if again else "")
        words = [word.format(**self._files) for word in line.split()]
        given = self._files["corpus"].read_bytes() if command.given else b""
        one = fault or DiskFault("", 0)
        self._library.faults_set(
            os.fsencode(self._folder),
            ctypes.c_long(max(first, 0)),
            one.error,
            int(one.once),
            int(first < 0),
            int(one.keeps),
        )
        try:
            result = CliRunner().invoke(cli, words, input=given)
        finally:
            count = self._library.faults_count()
            self._library.faults_set(b"", ctypes.c_long(0), 0, 0, 0, 0)
        raised = None if isinstance(result.exception, SystemExit) else result.exception
        return CommandOutcome(result.exit_code, result.stderr, raised), count


def tried(disk: FaultyDisk, command: Command, fault: DiskFault, every: int) -> Iterator[str | None]:
    """Yield for each call of a command what went wrong when it failed, or None.

    Args:
        disk: the folder.
        command: the command.
        fault: how the disk fails.
        every: 1 to let every call fail, 3 to let every third call fail.
    """
    disk.clear()
    outcome, _ = disk.run(command)
    whole = disk.contents()
    if outcome.code or sorted(whole) != sorted(command.outputs):
        yield f"without a fault: {outcome}, {sorted(whole)}"
        return
    first = 1
    while True:
        disk.clear()
        old = dict.fromkeys(command.outputs, b"old") if first // every % 2 else {}
        for name, content in old.items():
            Path(name).write_bytes(content)
        outcome, count = disk.run(command, fault, first)
        if count < first:
            return
        wrong = _wrong(outcome, disk.contents(), old, whole) or _left(disk, command, fault)
        if wrong is None and command.again:
            wrong = _unpaired(disk.contents(), whole)
        if wrong is None:
            outcome, _ = disk.run(command, again=True)
            left = disk.contents()
            if not fault.keeps:
                left = {name: left[name] for name in left if not _LEFTOVER.fullmatch(name)}
            if outcome.code or left != whole:
                different = sorted(k for k in {**left, **whole} if left.get(k) != whole.get(k))
                wrong = f"the next run: {outcome}, other files: {different}"
        yield None if wrong is None else f"call {first}: {wrong}"
        first += every


def _wrong(
    outcome: CommandOutcome, found: dict[str, bytes], old: dict[str, bytes], whole: dict[str, bytes]
) -> str | None:
    """Return what is wrong after a failure, or None."""
    *before, last = outcome.said.splitlines() or [""]
    if outcome.raised is not None:
        return f"traceback: {outcome.raised!r}"
    if outcome.code == 0:
        return None if all(found.get(name) == whole[name] for name in whole) else "a wrong result"
    # Lines before the last one say what was done until then.
    if outcome.code != 1 or not _ERROR.match(last) or any(map(_ERROR.match, before)):
        return f"exit code {outcome.code}, and {outcome.said!r}"
    states = []
    for name, content in whole.items():
        kept = found.get(name)
        states.append("none" if kept is None else "new" if kept == content else "old")
        if kept not in (None, content, old.get(name)):
            return f"{name} is half written"
    if len(states) == 1 and old and states[0] == "none":
        return "the old file is gone"
    return None


def _unpaired(found: dict[str, bytes], whole: dict[str, bytes]) -> str | None:
    """Return an error if an index is there, and one of it and the ids is old and the other new."""
    index = list(whole)[-1]
    new = {name: found.get(name) == content for name, content in whole.items()}
    return f"{index} is of other ids" if index in found and len(set(new.values())) > 1 else None


def _left(disk: FaultyDisk, command: Command, fault: DiskFault) -> str | None:
    """Return which files should not have been left by a failure, or None."""
    left = [name for name in disk.contents() if name not in command.outputs]
    if not fault.keeps:
        left = [name for name in left if not _LEFTOVER.fullmatch(Path(name).name)]
    more = [name for name in left if not re.fullmatch(command.kept, name)]
    if (
        fault.keeps
        and left
        and not more
        and not any(name.endswith(("journal", "run.json")) for name in left)
    ):
        more = left
    return f"left: {more}" if more else None


def measure(every: int, kinds: list[str], output: Path | None) -> int:
    """Try all commands and faults, print a table, and return the number of findings."""
    import bytepiece  # noqa: PLC0415
    from bytepiece import model_io  # noqa: PLC0415

    report = BenchmarkReport("disk")
    rows, found = [], []
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        sound, folder = Path(name, "sound").resolve(), Path(name, "disk").resolve()
        sound.mkdir()
        folder.mkdir()
        lines = SAMPLE.read_text("utf-8").splitlines()[:40]
        (sound / "corpus.txt").write_text("\n".join(lines * 3), "utf-8")
        model_io.save(bytepiece.train(lines, 320, normalization=("NFC",)), sound / "m.model")
        os.chdir(folder)
        disk = FaultyDisk(folder, sound)
        for command in COMMANDS:
            if kinds and command.name not in kinds:
                continue
            for fault in FAULTS:
                results = list(tried(disk, command, fault, every))
                wrong = [result for result in results if result is not None]
                found += [f"{command.name}, {fault.name}: {one}" for one in wrong]
                rows.append([command.name, fault.name, str(len(results)), str(len(wrong))])
            found += [f"{command.name}, slow: {one}" for one in _slow(disk, command)]
            rows.append([command.name, "slow", "all", "0"])
        os.chdir(ROOT)
    seconds = time.monotonic() - begin
    heads = ["command", "the disk is", "calls that failed", "findings"]
    report.table(f"Faults of the disk, {seconds:.0f} s", heads, rows, found=found)
    print("\n".join(found))
    report.target("disk", len(found))
    if output:
        report.write(output)
    return len(found)


def _slow(disk: FaultyDisk, command: Command) -> Iterator[str]:
    """Yield what is wrong with the files that a command writes to a slow disk."""
    disk.clear()
    disk.run(command)
    whole = disk.contents()
    disk.clear()
    outcome, _ = disk.run(command, first=-1)
    if outcome.code or disk.contents() != whole:
        yield f"{outcome}"


def compiled(folder: Path) -> Path | None:
    """Compile the library that lets a disk fail; None if the system has no compiler for it."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "disk_faults.so"
    flags = ["-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"]
    return library if subprocess.run([compiler, *flags], check=False).returncode == 0 else None


def main() -> None:
    """Compile the library, and run this program again with it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_disk",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--every", type=int, default=1, help="3 for every third call only")
    parser.add_argument("--commands", nargs="*", default=[], choices=[c.name for c in COMMANDS])
    parser.add_argument("--output", type=Path, help="folder for disk.json")
    arguments = parser.parse_args()
    if hasattr(ctypes.CDLL(None), "faults_set"):
        output = arguments.output and arguments.output.resolve()
        raise SystemExit(int(measure(arguments.every, arguments.commands, output) > 0))
    with tempfile.TemporaryDirectory() as name:
        library = compiled(Path(name))
        if library is None:
            raise SystemExit("this needs Linux and a C compiler named cc")
        command = [sys.executable, "-m", "benchmarks.bench_disk", *sys.argv[1:]]
        environment = {**os.environ, "LD_PRELOAD": str(library)}
        raise SystemExit(subprocess.run(command, check=False, env=environment).returncode)


if __name__ == "__main__":
    main()
