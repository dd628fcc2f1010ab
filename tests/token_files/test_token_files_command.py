"""`bytepiece encode` writes token files, and resumes after a kill."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
from bytepiece_cli import encode
from support import ROOT
from support.cli import invoke, posix_only, start
from support.strategies import JIT
from support.token_files import (
    FINISHED,
    LAYOUTS,
    listed,
    module,
    rows_of,
)

from bytepiece import model_io
from bytepiece.token_files import Layout, TokenFile, TokenFileWriter, smallest_type


def lines(count):
    rng = random.Random(1)
    return "".join(f"the cat and {rng.randrange(10**6)} hats\n" for _ in range(count)).encode()


@pytest.fixture
def saved(model, tmp_path, monkeypatch):
    path = tmp_path / "small.model"
    model_io.save(model, path)
    monkeypatch.setenv("BYTEPIECE_MODEL", str(path))


def expected_rows(tok, **options):
    texts = Path("c.txt").read_bytes().splitlines()
    return [row.tolist() for row in tok.encode_batch(texts, **options)]


SAMPLED = ["--sample", "--seed", "7", "--alpha", "0.3"]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_command_writes_token_files(layout, tok):
    Path("c.txt").write_bytes(lines(300))
    result = invoke("encode", "c.txt", "--format", layout, "-o", "x", "--eos", *SAMPLED)
    assert result.stdout == ""
    expected = expected_rows(tok, add_eos=True, alpha=0.3, seed=7)
    kind = smallest_type(tok.vocab_size, layout).name
    told = f"300 documents, {sum(map(len, expected))} ids of type {kind} in {FINISHED[layout][0]}"
    assert f"bytepiece: {told}\n" in result.stderr
    assert rows_of(TokenFile("x", layout)) == expected
    invoke("encode", "--format", layout, "-o", "y", "--eos", *SAMPLED, input=lines(300))
    assert rows_of(TokenFile("y", layout)) == expected


def test_the_command_has_all_layouts():
    assert list(get_args(Layout)) == list(encode._TOKEN_FILES) == LAYOUTS


@pytest.mark.usefixtures("saved")
def test_the_command_resumes(tok, monkeypatch):
    Path("c.txt").write_bytes(lines(300))
    monkeypatch.setattr("bytepiece.inputs.line_batches._MOST", 1000)
    monkeypatch.setattr(module, "_INTERVAL", 0)
    real = TokenFileWriter.append
    left = 5

    def append(self, rows):
        nonlocal left
        left -= 1
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device", "x.bin.part")
        real(self, rows)

    monkeypatch.setattr(TokenFileWriter, "append", append)
    command = ["encode", "c.txt", "--format", "megatron", "-o", "x", *SAMPLED]
    result = invoke(*command, code=1)
    assert result.stderr.splitlines() == [
        "bytepiece: what was done is kept beside x; --resume goes on from there",
        "Error: x.bin.part: No space left on device",
    ]
    for other, words in (
        (["--seed", "8"], "seed was 7, not 8"),
        (["--eos"], "add_eos was false, not true"),
        (["--format", "npy"], 'layout was "megatron", not "npy"'),
        (["c.txt"], "files was"),
    ):
        assert words in invoke(*command, "--resume", *other, code=1).stderr
    assert "begun and not finished" in invoke(*command, code=1).stderr
    size = Path("c.txt").stat().st_size
    text = Path("c.txt").read_bytes()
    Path("c.txt").write_bytes(text.replace(b"\n", b" ", 250))
    assert Path("c.txt").stat().st_size == size
    error = invoke(*command, "--resume", code=1).stderr
    assert "documents were encoded before, and now there are only 50" in error
    Path("c.txt").write_bytes(text)
    result = invoke(*command, "--resume", "--threads", 2)
    assert "bytepiece: going on after " in result.stderr
    assert rows_of(TokenFile("x")) == expected_rows(tok, alpha=0.3, seed=7)


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "npy"], "--format npy is written to files; name them with -o"),
        (["--format", "parquet"], "--format parquet is written to files; name them with -o"),
        (["--format", "parquet", "-o", "-"], "name them with -o"),
        (["--format", "jsonl", "-o", "x"], "leave -o out, and write > FILE"),
        (["--resume"], "--resume is about --format megatron, npy, raw"),
        (["--resume", "--format", "parquet", "-o", "x"], "--resume is about"),
    ],
)
def test_options_that_do_not_fit_the_format_are_wrong_usage(options, words):
    assert words in " ".join(invoke("encode", *options, code=2).stderr.split())


@pytest.mark.usefixtures("saved")
def test_an_input_is_not_written_over():
    Path("x.bin").write_bytes(b"the hat\n")
    error = invoke("encode", "x.bin", "--format", "megatron", "-o", "x", code=2).stderr
    assert "x.bin is part of the corpus" in error
    assert (
        "no such"
        in invoke("encode", "x.bin", "--format", "npy", "-o", "no/x", code=1).stderr.lower()
    )
    assert listed() == ["small.model", "x.bin"]


def documents_done(prefix):
    """Return the number of documents in the journal; −1 if there is no journal yet."""
    try:
        return json.loads(Path(f"{prefix}.journal").read_bytes())["documents"]
    except FileNotFoundError:
        return -1


@posix_only
@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("layout", ["megatron", "npy"])
def test_killed_at_random_moments_it_ends_with_the_same_files(layout, monkeypatch):
    count = 20_000 if JIT else 1000
    Path("c.txt").write_bytes(lines(count))
    # Like the command, but with small batches and an entry in the journal for each.
    script = (
        "import sys\nfrom bytepiece.inputs import line_batches\n"
        "from bytepiece.token_files import writer\nfrom bytepiece_cli import main\n"
        "writer._INTERVAL = 0\nline_batches._MOST = 1 << 12\nmain.main()"
    )
    options = ["encode", "c.txt", "--format", layout, *SAMPLED, "--threads", "1"]
    command = [sys.executable, "-c", script, *options]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    subprocess.run([*command, "-o", "y"], check=True, capture_output=True)
    rng = random.Random(5)
    stops = []
    for part in (0, 0.2, 0.4, 0.6, 0.8):
        program = subprocess.Popen([*command, "-o", "x", "--resume"], stderr=subprocess.DEVNULL)
        while program.poll() is None and not documents_done("x") > part * count:
            pass
        time.sleep(rng.uniform(0, 0.01))
        program.kill()
        program.wait()
        stops.append(documents_done("x"))
    assert stops[1] > 0.2 * count  # The second kill came in the middle of the work.
    subprocess.run([*command, "-o", "x", "--resume"], check=True, capture_output=True)
    for name in FINISHED[layout]:
        assert Path(name).read_bytes() == Path("y" + name[1:]).read_bytes()
    assert not [name for name in listed() if name.endswith((".part", ".journal"))]


@posix_only
@pytest.mark.usefixtures("saved")
def test_ctrl_c_says_how_to_resume(tok):
    with start("encode", "--format", "npy", "-o", "x") as program:
        offsets = Path("x.offsets.npy.part")
        # Documents are counted just after they are written. So once the second batch is in the
        # file, the first one is counted.
        for count in (1000, 2000):
            program.stdin.write(b"the hat\n" * 1000)
            program.stdin.flush()
            while not offsets.exists() or offsets.stat().st_size < 8 * count:
                assert program.poll() is None
                time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        error = program.stderr.read().decode()
        assert program.wait() == 128 + signal.SIGINT
    assert "kept beside x; --resume goes on from there" in error
    assert error.endswith("Interrupted\n")
    result = invoke("encode", "--format", "npy", "-o", "x", "--resume", input=b"the hat\n" * 2000)
    assert "Error" not in result.stderr
    assert rows_of(TokenFile("x")) == [tok.encode("the hat")] * 2000


def test_memory_is_constant():
    resource = pytest.importorskip("resource", reason="not on Windows")
    del resource
    script = (
        "import resource, sys, numpy as np\n"
        "from bytepiece import Encoded\n"
        "from bytepiece.token_files import TokenFileWriter\n"
        "rows = Encoded(np.zeros(10**6, np.int32), np.arange(0, 10**6 + 1, 10))\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"for layout in {LAYOUTS}:\n"
        "    with TokenFileWriter(layout, 300, layout) as writer: writer.append(rows)\n"
        "before = peak()\n"
        f"for layout in {LAYOUTS}:\n"
        "    with TokenFileWriter(layout, 300, layout) as writer:\n"
        "        for _ in range(40): writer.append(rows)\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    grown = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert grown < 8 << 20  # The files hold 80 MB of ids each, and 32 MB of offsets.
    assert len(TokenFile("npy")) == 4 * 10**6


def test_the_example_runs():
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "token_files.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "uint16" in done.stdout
