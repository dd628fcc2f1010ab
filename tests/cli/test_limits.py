"""Limits of the system: memory, open files, sizes of files. Each ends a command in one line."""

import subprocess
import sys

import pytest
from support.cli import assert_one_line, invoke
from support.strategies import JIT

from bytepiece import model_io

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux"),
    pytest.mark.skipif(not JIT, reason="the program takes long with interpreted kernels"),
]


def run(folder, args, limit, size):
    """Run a command as a program with a limit, and return its exit code and standard error."""
    import resource

    number = getattr(resource, f"RLIMIT_{limit}")
    done = subprocess.run(
        [sys.executable, "-m", "bytepiece", *args.split()],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(number, (size, size)),
    )
    return done.returncode, done.stderr.decode()


@pytest.fixture
def folder(model, tmp_path):
    model_io.save(model, tmp_path / "m.model")
    (tmp_path / "lines.txt").write_text("the cat and the hat\n" * 2000, "utf-8")
    with (tmp_path / "one_line.txt").open("wb") as file:
        file.truncate(1 << 28)
    return tmp_path


@pytest.mark.parametrize("megabytes", [60, 500])
def test_an_address_space_too_small_for_the_libraries(folder, megabytes):
    code, said = run(folder, "encode -m m.model lines.txt", "AS", megabytes << 20)
    assert code == 1
    assert said == (
        f"Error: not enough memory: the limit (ulimit -v) is {megabytes} MiB, and this program "
        "needs 512 MiB\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        "encode -m m.model one_line.txt",
        "train one_line.txt -o x --algorithm merge --spaces across",
    ],
)
def test_a_text_that_is_too_large_for_the_memory(folder, command):
    code, said = run(folder, command, "AS", 600 << 20)
    assert (code, said.splitlines()[-1]) == (1, "Error: not enough memory")
    assert "Traceback" not in said
    assert not (folder / "x").exists()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("train lines.txt --vocab-size 300 -o x", "x"),
        ("train lines.txt --vocab-size 300 -o x --checkpoint kept", "kept"),
        ("encode -m m.model lines.txt --format megatron -o x", "x.journal"),
        ("encode -m m.model lines.txt --format parquet -o x", "x"),
        ("convert m.model x.json --no-check", "x.json"),
    ],
)
def test_a_limit_of_the_size_of_files(folder, command, name):
    before = sorted(folder.iterdir())
    code, said = run(folder, command, "FSIZE", 100)
    last = said.splitlines()[-1]
    assert code == 1
    assert last.startswith("Error: ")
    assert name in last
    assert "File too large" in last
    left = [path for path in sorted(folder.iterdir()) if path not in before]
    assert left in ([], [folder / "kept"])


def test_few_open_files_are_enough(folder):
    assert run(folder, "encode -m m.model lines.txt", "NOFILE", 8)[0] == 0


def test_errors_of_libraries_about_memory_have_one_line(monkeypatch):
    def no_room(*_):
        try:
            raise ImportError("libx.so: failed to map segment from shared object")
        except ImportError:
            raise RuntimeError("many\nlines\nabout\nwhat may be wrong") from None

    monkeypatch.setattr("bytepiece.model_io.load_with_format", no_room)
    assert invoke("info", "m.model", code=1).stderr == "Error: not enough memory\n"


def test_a_thread_that_cannot_be_started(monkeypatch):
    def no_thread(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("bytepiece.model_io.load_with_format", no_thread)
    error = invoke("info", "m.model", code=1).stderr
    assert_one_line(error)
    assert "take fewer --threads" in error
