"""A small HTTP server for one user on this machine.

The standard library's `http.server` gives each connection a thread and each request all the time
that it takes. This server bounds both, in few lines: connections wait without a thread, and two
threads compute.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple

from bytepiece.errors import BytepieceError
from bytepiece.play.gate import (
    HEADERS,
    PlayRequest,
    RefusedRequest,
    body_length,
    name_asked,
    parsed,
)

logger = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
PATIENCE = 10.0
"""The most seconds for a request to arrive, and for an answer to leave."""
MOST_ARRIVING = 64
"""The most connections whose request has not arrived. If another one comes, the oldest is closed,
so that slow clients keep nobody out."""
MOST_WAITING = 32
"""The most requests that wait for a thread or have one."""
_THREADS = 2
_HEAD = 1 << 14
"""The most bytes of a request's head."""
_LINGER = 1.0
"""Seconds for which the rest of a refused request is read, so that the client sees the answer."""

Call = Callable[[dict[str, Any]], Any]
"""A call of the page: it takes a JSON object and returns what becomes JSON."""


class PageFile(NamedTuple):
    """A file of the page: its type for browsers, and its bytes."""

    type: str
    content: bytes


class PlayAnswer(NamedTuple):
    """An answer: its status, its type and its body."""

    status: HTTPStatus
    type: str
    body: bytes

    def as_bytes(self) -> bytes:
        """Return what is sent."""
        fields = {
            "Content-Type": self.type,
            "Content-Length": str(len(self.body)),
            "Connection": "close",
            **HEADERS,
        }
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


class PlayServer:
    """Serves files and calls to the page that knows a token. It listens on 127.0.0.1 only.

    Args:
        files: the files by their names; "" is the page.
        calls: the calls by their names.
    """

    def __init__(self, files: Mapping[str, PageFile], calls: Mapping[str, Call]) -> None:
        self._files = files
        self._calls = calls
        self._token = secrets.token_urlsafe(24)
        self._hosts = ("", "")
        self._arriving: dict[asyncio.Task[Any], None] = {}
        self._waiting = 0
        self._threads = ThreadPoolExecutor(_THREADS, "play")

    def run(self, port: int, ready: Callable[[str], object]) -> None:
        """Serve until the program is interrupted.

        Args:
            port: the port; 0 takes a free one.
            ready: called with the page's address once the server listens.

        Raises:
            OSError: if the port is taken.
        """
        try:
            asyncio.run(self._run(port, ready))
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, port: int, ready: Callable[[str], object]) -> None:
        asyncio.get_running_loop().set_exception_handler(_unhandled)
        server = await asyncio.start_server(self._connected, ADDRESS, port, limit=_HEAD)
        async with server:
            port = server.sockets[0].getsockname()[1]
            self._hosts = (f"{ADDRESS}:{port}", f"localhost:{port}")
            ready(f"http://{ADDRESS}:{port}/{self._token}/")
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        task = asyncio.current_task()
        assert task is not None  # for the type checker
        if len(self._arriving) >= MOST_ARRIVING:
            oldest = next(iter(self._arriving))
            del self._arriving[oldest]
            oldest.cancel()
        self._arriving[task] = None
        # A client that is gone or too slow gets no answer, and a cancelled task has ended its work.
        gone = (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError)
        try:
            with suppress(*gone):
                await self._talk(reader, writer, task)
        finally:
            self._arriving.pop(task, None)
            writer.close()

    async def _talk(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: "asyncio.Task[Any]",
    ) -> None:
        refused = False
        try:
            name, body = await asyncio.wait_for(self._request(reader), PATIENCE)
            self._arriving.pop(task, None)
            answer = self._file(name) if body is None else await self._called(name, body)
        except RefusedRequest as refusal:
            refused = True
            answer = _refusal(refusal.status)
        writer.write(answer.as_bytes())
        await asyncio.wait_for(writer.drain(), PATIENCE)
        if refused:
            writer.write_eof()
            await asyncio.wait_for(_rest(reader), _LINGER)

    async def _request(self, reader: asyncio.StreamReader) -> tuple[str, bytes | None]:
        """Read a request; return what it asks for, and its body if it has one."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise RefusedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
        request: PlayRequest = parsed(head)
        name = name_asked(request, self._hosts, self._token)
        if request.method == "GET":
            return name, None
        if request.method != "POST":
            raise RefusedRequest(HTTPStatus.METHOD_NOT_ALLOWED)
        return name, await reader.readexactly(body_length(request.headers))

    def _file(self, name: str) -> PlayAnswer:
        if name not in self._files:
            raise RefusedRequest(HTTPStatus.NOT_FOUND)
        return PlayAnswer(HTTPStatus.OK, *self._files[name])

    async def _called(self, name: str, body: bytes) -> PlayAnswer:
        """Answer a call in a thread."""
        if name not in self._calls:
            raise RefusedRequest(HTTPStatus.NOT_FOUND)
        if self._waiting >= MOST_WAITING:
            raise RefusedRequest(HTTPStatus.SERVICE_UNAVAILABLE)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _answered, self._calls[name], body)
        finally:
            self._waiting -= 1


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report an error that no code handled. An interruption of the program is none."""
    if not isinstance(context.get("exception"), KeyboardInterrupt):
        loop.default_exception_handler(context)


def _answered(call: Call, body: bytes) -> PlayAnswer:
    """Return the answer of a call. An error of this library is told to the page."""
    try:
        asked = json.loads(body)
        if not isinstance(asked, dict):
            raise ValueError("a call takes an object")
    except (ValueError, RecursionError):
        return _refusal(HTTPStatus.BAD_REQUEST)
    status = HTTPStatus.OK
    try:
        answer = call(asked)
    except BytepieceError as error:
        status, answer = HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)}
    except (KeyError, TypeError, ValueError):  # not what the page sends
        return _refusal(HTTPStatus.BAD_REQUEST)
    except Exception:
        logger.exception("a call of the page failed")
        return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR)
    text = json.dumps(answer, separators=(",", ":"), allow_nan=False)
    return PlayAnswer(status, "application/json", text.encode())


def _refusal(status: HTTPStatus) -> PlayAnswer:
    return PlayAnswer(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode())


async def _rest(reader: asyncio.StreamReader) -> None:
    """Read and forget what a client still sends."""
    while await reader.read(1 << 16):
        pass
