"""The server of the page: limits, many clients, slow clients, and the end."""

import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import pytest
from support.cli import assert_one_line, invoke, posix_only, start
from support.playing import TEXT, playing

from bytepiece.play.asked import MOST_TEXT
from bytepiece.play.gate import MOST_BODY
from bytepiece.play.server import MOST_ARRIVING, PlayServer


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served):
    status, _, _ = served.post("tokens", b"{", Content_Length=str(MOST_BODY + 1))
    assert status == 413
    assert served.call("tokens", **TEXT)


def test_a_client_that_sends_too_much_still_sees_why(served):
    assert served.post("tokens", bytes(MOST_BODY + 1))[0] == 413


def test_a_head_that_is_too_large_is_refused(served):
    assert served.ask("GET", served.path, headers={"X": "x" * 100_000})[0] == 431
    assert served.ask("GET", served.path, headers={f"X{n}": "" for n in range(200)})[0] == 431


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"text": 1, "alpha": 1, "sample": false}',
        json.dumps({**TEXT, "sample": True, "seed": "x"}).encode(),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(served, body):
    assert served.post("tokens", body)[0] == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": -1}, "alpha must be a finite number of at least 0"),
        ({"sample": True, "seed": str(2**64)}, "seed"),
        ({"text": "x" * (MOST_TEXT + 1)}, "more than 1,048,576 bytes"),
    ],
)
def test_an_error_of_the_library_is_told(served, change, message):
    status, _, body = served.post("tokens", json.dumps({**TEXT, **change}).encode())
    assert status == 422
    assert message in json.loads(body)["error"]


def test_many_slow_clients_keep_nobody_out(served):
    slow = []
    try:
        for number in range(3 * MOST_ARRIVING):
            client = socket.create_connection(("127.0.0.1", served.port))
            client.sendall(b"GET / HTTP/1.1\r\n" if number % 2 else b"G")
            slow.append(client)
        begin = time.monotonic()
        assert served.call("tokens", **TEXT)
        assert time.monotonic() - begin < 5
    finally:
        for client in slow:
            client.close()


def test_a_client_that_does_not_read_keeps_nobody_out(served):
    body = json.dumps({**TEXT, "text": "the hat " * 2000}).encode()
    head = (
        f"POST {served.path}tokens HTTP/1.1\r\nHost: {served.host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    deaf = []
    try:
        for _ in range(10):
            client = socket.create_connection(("127.0.0.1", served.port))
            client.sendall(head.encode() + body)
            deaf.append(client)
        assert served.call("tokens", **TEXT)
    finally:
        for client in deaf:
            client.close()


def test_large_requests_leave_room_for_small_ones(served):
    large = json.dumps({**TEXT, "text": "the hat and the cat, " * 40_000}).encode()
    done = threading.Event()

    def flood():
        while not done.is_set():
            assert served.post("tokens", large)[0] in (200, 503)

    with ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(flood) for _ in range(4)]
        try:
            for _ in range(3):
                begin = time.monotonic()
                assert served.call("tokens", **TEXT)
                assert time.monotonic() - begin < 10
        finally:
            done.set()
        for flooding in floods:
            flooding.result()


def test_many_requests_at_once_are_answered_or_put_off(served):
    body = json.dumps(TEXT).encode()
    with ThreadPoolExecutor(60) as pool:
        statuses = list(pool.map(lambda _: served.post("tokens", body)[0], range(300)))
    assert {*statuses} <= {200, 503}
    assert statuses.count(200) > 100


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_it_at_once(model_files, number):
    with playing(model_files[0]) as found:
        waiting = socket.create_connection(("127.0.0.1", found.port))
        waiting.sendall(b"GET /")
        large = json.dumps({**TEXT, "text": "the hat " * 100_000}).encode()
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(found.post, "tokens", large) for _ in range(3)]
            time.sleep(0.2)
            begin = time.monotonic()
            found.process.send_signal(number)
            found.process.wait(timeout=30)
            took = time.monotonic() - begin
            for one in asked:
                one.exception()
        waiting.close()
        assert found.process.returncode == 0
        assert found.process.stderr.read() == b"bytepiece: the page is closed\n"
        assert took < 2  # seconds, on a busy machine


class Interrupted(dict):
    """Files among which nothing can be looked up: the program is interrupted meanwhile."""

    def __contains__(self, name):
        raise KeyboardInterrupt


def test_an_interruption_while_a_request_is_answered_says_nothing(caplog):
    def ask(address):
        url = urlsplit(address)
        client = HTTPConnection(url.hostname, url.port, timeout=30)
        with suppress(OSError, HTTPException):
            client.request("GET", url.path)
            client.getresponse()

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        PlayServer(Interrupted(), {}).run(0, lambda address: pool.submit(ask, address))
    assert not caplog.records


def test_a_port_that_is_taken_is_an_error_in_one_line(served, model_files):
    done = start("play", "--no-browser", "--port", served.port, model_files[0])
    _, error = done.communicate(timeout=60)
    assert done.returncode == 1
    assert_one_line(error.decode())
    assert f"port {served.port} is already in use; name another one with --port" in error.decode()


def test_wrong_models_are_told_before_anything_is_served(model_files, tmp_path):
    error = invoke("play", tmp_path / "none.model", code=1).stderr
    assert "none.model; train one with `bytepiece train FILE` or name one as MODEL or $" in error
    (tmp_path / "bad.model").write_text("{}")
    assert "bad.model" in invoke("play", model_files[0], tmp_path / "bad.model", code=1).stderr
    assert "4 fit on the page" in invoke("play", *model_files[:1] * 5, code=2).stderr
