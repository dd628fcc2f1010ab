"""The command line as a whole: help, errors, signals, and `bytepiece info`."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from bytepiece_cli import main as cli_main
from bytepiece_cli import progress
from support.cli import Program, assert_one_line, invoke, posix_only, start

from bytepiece import Model, TextRules, Tokenizer, model_io

COMMANDS = [
    "train",
    "encode",
    "decode",
    "info",
    "explain",
    "play",
    "eval",
    "audit",
    "extend",
    "merge",
    "prune",
    "convert",
    "score",
    "warmup",
]
HELPS = [["--help"], ["-h"], ["--version"], *([name, "--help"] for name in COMMANDS)]

LIGHT = """
import sys
from bytepiece_cli.main import main
try:
    main()
finally:
    heavy = {"numba", "numpy", "sentencepiece"} & sys.modules.keys()
    assert not heavy, heavy
"""


@pytest.fixture
def path(model, tmp_path):
    """Return the path of the model file."""
    path = tmp_path / "small.model"
    model_io.save(model, path)
    return path


@pytest.mark.parametrize("args", HELPS)
def test_help_and_version_import_neither_numpy_nor_numba(args):
    done = subprocess.run([sys.executable, "-c", LIGHT, *args], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_wrong_usage_imports_neither_numpy_nor_numba():
    args = ["encode", "--alpha", "1"]
    done = subprocess.run([sys.executable, "-c", LIGHT, *args], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"AssertionError" not in done.stderr


def test_help_lists_the_commands_in_the_order_of_their_use():
    lines = invoke("--help").stdout.split("Commands:")[1].split("\n")
    assert [line.split()[0] for line in lines if line.strip()] == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_examples_and_explains_every_option(name):
    shown = invoke(name, "--help").stdout
    assert "Examples:\n" in shown
    assert 2 <= shown.count(f"bytepiece {name}") - 1 <= 5
    assert shown.isascii()  # any terminal can show it
    command = cli_main.cli.get_command(click.Context(cli_main.cli), name)
    assert all(p.help for p in command.params if isinstance(p, click.Option))


def test_an_unknown_command_lists_the_known_commands():
    error = invoke("encdoe", code=2).stderr
    assert all(name in error for name in COMMANDS)


def test_python_m_bytepiece():
    done = subprocess.run(
        [sys.executable, "-m", "bytepiece", "--version"], capture_output=True, check=False
    )
    assert done.stdout.startswith(b"bytepiece 0.")


@pytest.mark.parametrize("args", [["encode", "-m"], ["decode", "-m"], ["info"]])
def test_a_missing_model_says_how_to_get_one(args, tmp_path):
    path = tmp_path / "none.model"
    error = invoke(*args, path, code=1).stderr
    assert f"no model at {path}" in error
    assert "bytepiece train FILE" in error
    assert ("name one as MODEL" if args == ["info"] else "name one with -m") in error


def test_the_model_comes_from_the_variable_or_the_current_folder(
    model, path, tmp_path, monkeypatch
):
    ids = invoke("encode", "-m", path, input=b"the").stdout
    monkeypatch.chdir(tmp_path)
    assert "bytepiece.model" in invoke("encode", input=b"the", code=1).stderr
    model_io.save(model, tmp_path / "bytepiece.model")
    assert invoke("encode", input=b"the").stdout == ids
    monkeypatch.setenv("BYTEPIECE_MODEL", str(tmp_path / "other.model"))
    assert "other.model" in invoke("encode", input=b"the", code=1).stderr
    assert "other.model" in invoke("info", code=1).stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"no model", "not a model"),
        (b'{"format": "bytepiece"', "whole"),
        (b'{"format": "bytepiece", "version": 99}', "version 99"),
        (b"[1, 2]", "not an object"),
        (b'{"a": {}}', "another kind"),
        (b"\xff\xfe\x00", "not a model"),
    ],
)
@pytest.mark.parametrize("args", [["encode", "-m"], ["decode", "-m"], ["info"]])
def test_a_bad_model_file_is_reported_in_one_line(args, content, words, tmp_path):
    path = tmp_path / "bad.model"
    path.write_bytes(content)
    error = invoke(*args, path, code=1).stderr
    assert str(path) in error
    assert words in error


def test_a_duplicate_piece_is_reported(path, tmp_path):
    document = json.loads(path.read_text("utf-8"))
    document["pieces"][300 - 256] = document["pieces"][-1]
    bad = tmp_path / "twice.model"
    bad.write_text(json.dumps(document), "utf-8")
    assert "occurs twice" in invoke("info", bad, code=1).stderr
    assert "is a folder; name the file of the model in it" in invoke("info", ".", code=1).stderr


@pytest.mark.parametrize("args", [["encode", "-m"], ["decode", "-m"], ["info"]])
def test_a_directory_is_not_a_model(args, tmp_path):
    assert str(tmp_path) in invoke(*args, tmp_path, code=1).stderr


def test_info_shows_what_the_file_holds(model, path):
    shown = invoke("info", path).stdout
    assert invoke("info", "-m", path).stdout == shown
    assert "leave out MODEL or -m" in invoke("info", path, "-m", path, code=2).stderr
    facts = json.loads(invoke("info", "--json", path).stdout)
    assert facts["vocab_size"] == model.vocab_size
    assert facts["format"] == "bytepiece"
    assert facts["bytes"] == path.stat().st_size
    assert facts["piece_length"]["max"] == len(b" and the hat")
    assert facts["special_tokens"][1] == {"name": "<bos>", "id": 1, "role": "bos"}
    assert facts["fingerprint"] == model.fingerprint
    for value in ("small.model", facts["vocab_size"], facts["fingerprint"], "<eos> 2 (eos)"):
        assert str(value) in shown


def test_info_recognizes_the_original_format(model, tmp_path):
    pieces = [*model.pieces, b'"format": "bytepiece"', b"format"]
    nfc = Model(pieces, [-5.0] * len(pieces), rules=TextRules(("NFC",)))
    path = tmp_path / "original.model"
    model_io.save_original(nfc, path)
    assert json.loads(invoke("info", "--json", path).stdout)["format"] == "original"
    assert "original format" in invoke("info", path).stdout


def test_info_escapes_control_characters(model, tmp_path):
    path = tmp_path / "small.model"
    model_io.save(Model(model.pieces, model.scores, record={"note": "\x1b[2J\n"}), path)
    assert "note \\u001b[2J\\n" in invoke("info", path).stdout


def test_log_messages_of_the_library_are_shown(monkeypatch):
    def load(path):
        logging.getLogger("bytepiece.kernels.jit").info("compiling kernels: a few seconds")
        raise FileNotFoundError

    monkeypatch.setattr(Tokenizer, "load", load)
    shown = invoke("encode", code=1).stderr
    assert shown.startswith("bytepiece: compiling kernels: a few seconds\n")
    assert not logging.getLogger("bytepiece").handlers


def test_the_progress_line_shows_share_speed_and_time_left(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_INTERVAL", 0)
    with progress.ProgressLine("encoding", 2_000_000, shown=True) as progress_line:
        progress_line.advance(500_000)
        progress_line.advance(500_000)
    shown = capsys.readouterr().err
    assert "encoding  [#####---------------]  25%  0.5 MB" in shown
    assert "[##########----------]  50%  1.0 MB" in shown
    assert "/s  0:00:00 left" in shown


def test_the_progress_line_without_a_total_has_no_bar(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_INTERVAL", 0)
    with progress.ProgressLine("encoding", None, shown=True) as progress_line:
        progress_line.advance(1_500_000)
    assert "encoding  1.5 MB  " in capsys.readouterr().err


@posix_only
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("args", [["encode"], ["encode", "--format", "pieces"]])
def test_a_closed_output_pipe_ends_the_run_quietly(args, unbuffered, path, tmp_path):
    text = tmp_path / "text.txt"
    text.write_bytes(b"the hat\n" * 30_000)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with start(*args, "-m", path, text, env=environment) as program:
        assert program.stdout.readline()
        program.stdout.close()
        assert b"Error" not in program.stderr.read()
        assert program.wait() == 128 + signal.SIGPIPE


@posix_only
@pytest.mark.parametrize("args", [["info"], ["encode", "-m"]])
def test_a_full_disk_is_reported_in_one_line(args, path):
    with (
        Path("/dev/full").open("wb") as full,
        start(*args, path, stdout=full) as program,
    ):
        program.stdin.write(b"the hat\n")
        program.stdin.close()
        error = program.stderr.read().decode()
        assert program.wait() == 1
    assert_one_line(error)
    assert "No space left" in error


@posix_only
def test_unwritable_help_is_reported_in_one_line():
    with Path("/dev/full").open("wb") as full, start("--help", stdout=full) as program:
        assert_one_line(program.stderr.read().decode())
        assert program.wait() == 1


@posix_only
@pytest.mark.parametrize(("closed", "words"), [("<", "input is closed"), (">", "output is closed")])
def test_a_closed_stream_is_reported_in_one_line(closed, words, path):
    script = f'exec "$0" -m bytepiece encode -m "$1" {closed}&-'
    command = ["sh", "-c", script, sys.executable, str(path)]
    done = subprocess.run(command, capture_output=True, check=False, input=b"the\n")
    assert done.returncode == 1
    assert_one_line(done.stderr.decode())
    assert words in done.stderr.decode()


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_cleanly(number, path):
    with start("encode", "-m", path) as program:
        program.stdin.write(b"the hat\n")
        program.stdin.flush()
        assert program.stdout.readline()  # the program now waits for more input
        program.send_signal(number)
        error = program.stderr.read().decode().splitlines()
        assert program.wait() == 128 + number
    assert error[-1] == "Interrupted"
    assert not any("Traceback" in line for line in error)


@posix_only
def test_a_signal_sent_twice_leaves_the_cleanup_alone_and_a_later_one_does_not():
    script = """if True:
        import signal, time
        from bytepiece_cli import signals

        def interrupted():
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt:
                return True
            return False

        signals.catch()
        print(interrupted(), interrupted())
        time.sleep(signals._ECHO)
        print(interrupted())
    """
    with Program([sys.executable, "-c", script]) as program:
        assert program.stdout.read().split() == [b"True", b"False", b"True"]


@posix_only
@pytest.mark.parametrize("repeated", [False, True])
def test_an_interruption_that_is_lost_comes_again(repeated):
    """C code drops the exceptions of a callback; the signal may be sent twice meanwhile."""
    script = f"""if True:
        import ctypes, signal, threading, time
        from bytepiece_cli import signals

        class Timer(threading.Timer):
            def start(self):
                if {repeated}:
                    signal.raise_signal(signal.SIGTERM)
                super().start()

        threading.Timer = Timer
        signals.catch()
        ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGTERM))()
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            print(signals.exit_code())
    """
    with Program([sys.executable, "-c", script]) as program:
        assert program.stdout.read().split() == [str(128 + signal.SIGTERM).encode()]


@posix_only
def test_a_signal_that_another_thread_receives_ends_the_wait_for_input():
    script = """if True:
        import os, signal, threading
        from bytepiece_cli import signals

        def receive():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)

        signals.catch()
        threading.Timer(0.2, receive).start()
        try:
            os.read(0, 1)
        except KeyboardInterrupt:
            os.write(1, b"interrupted")
    """
    with Program([sys.executable, "-c", script]) as program:
        assert program.stdout.read() == b"interrupted"
