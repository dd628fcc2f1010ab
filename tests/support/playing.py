"""A running `bytepiece play`, and requests to it."""

import http.client
import json
import re
import signal
import subprocess
from contextlib import contextmanager
from typing import Any, NamedTuple

from support.cli import start


class Played(NamedTuple):
    """A running server: its process, its port, and the path that begins with its token."""

    process: "subprocess.Popen[bytes]"
    port: int
    path: str

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}{self.path}"

    def ask(self, method, target, body=None, headers=(), host=None):
        """Return the status, the headers and the body of an answer. The headers are all given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", host or self.host), *dict(headers).items()):
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def post(self, name, raw, **headers):
        """Call with the bytes of a body, like the page itself."""
        fields = {
            "Origin": f"http://{self.host}",
            "Content-Type": "application/json",
            "Content-Length": str(len(raw)),
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        return self.ask("POST", self.path + name, raw, fields)

    def call(self, name, **asked) -> Any:
        """Make a call and return its answer."""
        status, _, body = self.post(name, json.dumps(asked).encode())
        assert status == 200, (status, body)
        return json.loads(body)


TEXT = {"text": "the hat", "alpha": 0.5, "sample": False, "seed": "0", "epoch": "0"}
"""A call for tokens."""


@contextmanager
def playing(*models):
    """Start the command; yield it when it listens."""
    process = start("play", "--no-browser", *models)
    try:
        for line in process.stderr:
            if found := re.search(rb"http://127\.0\.0\.1:(\d+)(/\S+/);", line):
                yield Played(process, int(found[1]), found[2].decode())
                break
            assert line.startswith(b"bytepiece: "), line
        else:
            raise AssertionError("it ended before it listened")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
