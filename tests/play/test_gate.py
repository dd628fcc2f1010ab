"""Which requests to the page are answered."""

import json
import socket

import pytest
from support.playing import TEXT

from bytepiece.play.gate import MOST_BODY, RefusedRequest, body_length, name_asked, parsed

HOSTS = ("127.0.0.1:5", "localhost:5")


def asked(target="/secret/tokens", *fields, host="Host: 127.0.0.1:5"):
    """Return what a request for a target asks for, or the status that refuses it."""
    head = "\r\n".join([f"GET {target} HTTP/1.1", host, *fields, "", ""])
    try:
        return name_asked(parsed(head.encode("latin-1")), HOSTS, "secret")
    except RefusedRequest as refused:
        return refused.status


def test_the_page_itself_may_ask():
    assert asked() == "tokens"
    assert asked("/secret/") == ""
    assert asked("/secret/", host="host: localhost:5") == ""
    assert asked("/secret/", "Sec-Fetch-Site: none") == ""
    assert asked("/secret/tokens", "Origin: http://127.0.0.1:5") == "tokens"
    assert asked("/secret/../etc/passwd") == "../etc/passwd"  # a name; no file has it


@pytest.mark.parametrize(
    "target",
    ["/", "/secret", "/secre/", "/secretx/", "/wrong/tokens", "//secret/", "secrét/", "", "/é/x"],
)
def test_a_target_must_begin_with_the_token(target):
    assert asked(target) == 404 or asked(target) == 400


@pytest.mark.parametrize(
    "host",
    [
        "Host: evil.test:5",
        "Host: 127.0.0.1",
        "Host: 127.0.0.1:6",
        "Host: 127.0.0.1:5.evil.test",
        "Host: [::1]:5",
        "Host:",
        "X: y",
        "Host: 127.0.0.1:5\r\nHost: evil.test",
    ],
)
def test_a_host_must_be_the_servers_own(host):
    assert asked(host=host) == 421


@pytest.mark.parametrize(
    "field",
    [
        "Origin: https://evil.test",
        "Origin: null",
        "Origin: http://127.0.0.1:6",
        "Origin: https://127.0.0.1:5",
        "Origin: http://localhost:5",  # another origin than that of the Host
        "Origin: http://127.0.0.1:5\r\nOrigin: http://evil.test",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
def test_no_other_origin_may_ask(field):
    assert asked("/secret/tokens", field) == 403
    assert asked("/wrong/tokens", field) == 404  # and learns nothing about the token


def test_a_head_that_is_no_http_is_refused():
    for head in (
        b"\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"\x16\x03\x01 \xff\r\n\r\n",
    ):
        with pytest.raises(RefusedRequest) as refused:
            parsed(head)
        assert refused.value.status == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Content-Length": "3"}, 415),
        ({"Content-Type": "text/plain", "Content-Length": "3"}, 415),
        ({"Content-Type": "application/json"}, 411),
        ({"Content-Type": "application/json", "Transfer-Encoding": "chunked"}, 411),
        ({"Content-Type": "application/json", "Content-Length": "-1"}, 400),
        ({"Content-Type": "application/json", "Content-Length": "³"}, 400),
        ({"Content-Type": "application/json", "Content-Length": str(MOST_BODY + 1)}, 413),
        ({"Content-Type": "application/json", "Content-Length": "9" * 5000}, 413),
    ],
)
def test_a_body_is_json_of_a_stated_and_bounded_length(fields, status):
    lines = [f"{name}: {value}" for name, value in fields.items()]
    head = "\r\n".join(["POST / HTTP/1.1", *lines, "", ""])
    with pytest.raises(RefusedRequest) as refused:
        body_length(parsed(head.encode("latin-1")).headers)
    assert refused.value.status == status


def test_the_server_checks_all_of_it(served):
    assert served.ask("GET", served.path)[0] == 200
    assert served.ask("GET", "/")[0] == 404
    other = "/y" if served.path.startswith("/x") else "/x"
    assert served.ask("GET", other + served.path[2:])[0] == 404
    assert served.ask("GET", served.path, host="evil.test")[0] == 421
    assert served.ask("GET", served.path, headers={"Origin": "https://evil.test"})[0] == 403
    body = json.dumps(TEXT).encode()
    assert served.post("tokens", body)[0] == 200
    assert served.post("tokens", body, Origin="https://evil.test")[0] == 403
    assert served.post("tokens", body, Content_Type="text/plain")[0] == 415
    assert served.post("nothing", body)[0] == 404
    assert served.ask("GET", served.path + "tokens")[0] == 404
    assert served.ask("GET", served.path + "../../pyproject.toml")[0] == 404
    for method in ("OPTIONS", "HEAD", "PUT", "DELETE"):
        assert served.ask(method, served.path)[0] == 405


def test_it_listens_on_127_0_0_1_only(served):
    with socket.socket() as other:
        other.settimeout(5)
        assert other.connect_ex(("127.0.0.2", served.port)) != 0


def test_every_answer_forbids_other_origins(served):
    for target in (served.path, served.path + "play.js", "/"):
        _, headers, _ = served.ask("GET", target)
        assert "Access-Control-Allow-Origin" not in headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
