"""Which requests are answered: those of the page itself, and of nobody else."""

import io
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from secrets import compare_digest
from typing import NamedTuple

MOST_BODY = 1 << 23
"""The most bytes of a request's body. A megabyte of text takes up to six as JSON."""

HEADERS = {
    # No script, style, picture or request but this server's, no frame around the page, and no form.
    # `require-trusted-types-for` forbids scripts to turn a text into HTML.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address contains the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""Sent with every answer. None of them allows another origin anything."""


class RefusedRequest(Exception):  # noqa: N818  # what it is, not an error of this program
    """A request that is not answered, with the status that says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class PlayRequest(NamedTuple):
    """The head of a request.

    Args:
        method: such as "GET".
        target: the path and the query.
        headers: the header fields.
    """

    method: str
    target: str
    headers: Message


def parsed(head: bytes) -> PlayRequest:
    """Parse the head of a request.

    Raises:
        RefusedRequest: if it is no request of HTTP/1.
    """
    first, _, rest = head.partition(b"\r\n")
    words = first.decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise RefusedRequest(HTTPStatus.BAD_REQUEST)
    try:
        headers = parse_headers(io.BytesIO(rest))
    except HTTPException:
        raise RefusedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    return PlayRequest(words[0], words[1], headers)


def name_asked(request: PlayRequest, hosts: tuple[str, str], token: str) -> str:
    """Return what a request asks for: the target after the token.

    Three checks keep others out. The `Host` must be this server's, so that a domain that someone
    points at this machine is no way in. The target must begin with the token, which only the user
    knows. `Origin` and `Sec-Fetch-Site`, where a browser sends them, must say that the request
    comes from the page itself.

    Args:
        request: the head of the request.
        hosts: the names by which this server may be called, with the port.
        token: the secret.

    Raises:
        RefusedRequest: if a check fails.
    """
    headers = request.headers
    if len(headers.get_all("Host", [])) != 1 or headers["Host"] not in hosts:
        raise RefusedRequest(HTTPStatus.MISDIRECTED_REQUEST)
    given, slash, name = request.target.removeprefix("/").partition("/")
    # Bytes, since `compare_digest` takes no other text than ASCII.
    if not slash or not compare_digest(given.encode(), token.encode()):
        raise RefusedRequest(HTTPStatus.NOT_FOUND)
    own = f"http://{headers['Host']}"
    if any(origin != own for origin in headers.get_all("Origin", [])):
        raise RefusedRequest(HTTPStatus.FORBIDDEN)
    sites = headers.get_all("Sec-Fetch-Site", [])
    if any(site not in ("same-origin", "none") for site in sites):
        raise RefusedRequest(HTTPStatus.FORBIDDEN)
    return name


def body_length(headers: Message) -> int:
    """Return the length of a request's body.

    Raises:
        RefusedRequest: if the body is no JSON, has no stated length, or is too long.
    """
    # Browsers ask before they send JSON to another origin, and nobody answers that question here.
    if headers.get_content_type() != "application/json":
        raise RefusedRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    lengths = headers.get_all("Content-Length", [])
    if len(lengths) != 1 or "Transfer-Encoding" in headers:
        raise RefusedRequest(HTTPStatus.LENGTH_REQUIRED)
    if not (lengths[0].isascii() and lengths[0].isdigit()):
        raise RefusedRequest(HTTPStatus.BAD_REQUEST)
    if len(lengths[0]) > 9 or int(lengths[0]) > MOST_BODY:
        raise RefusedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(lengths[0])
