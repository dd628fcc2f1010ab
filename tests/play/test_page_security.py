"""What the page keeps out, in a real browser: markup in texts, other origins, the network."""

import http.server
import threading

import pytest
from support.browser import write

HOSTILE = "</span><img src=x onerror=alert(1)><script>alert(1)</script>&amp;\u202e\x00\x1b[31m"


def test_hostile_text_and_names_stay_text(page):
    write(page, HOSTILE)
    written = page.locator(".tokens").first.inner_text()
    assert "<script>" in written
    assert r"\u202e" in written
    assert r"\x00\x1b" in written
    assert "small <i>&amp; $HOME.model" in page.inner_text("#models")
    page.hover(".token >> nth=2")
    page.wait_for_selector("#details meter", state="attached")
    page.check("[value=pieces]")
    page.click("#tab-lattice")
    page.wait_for_selector("#drawing-of-lattice svg")
    page.click("#tab-vocabulary")
    page.fill("#query", "<")
    page.wait_for_selector("#rows td")
    names = page.evaluate("() => [...document.querySelectorAll('main *')].map(it => it.localName)")
    assert not {"img", "script", "iframe", "i", "a"} & {*names}


def test_the_page_is_small(served):
    names = ["", "page.css", "lattice.css", "icon.svg", "play.js", "code.js", "dom.js"]
    names += ["graphemes.js", "lattice.js", "server.js", "tokens.js", "vocabulary.js"]
    sizes = []
    for name in names:
        status, _, body = served.ask("GET", served.path + name)
        assert status == 200
        assert b"http://" not in body.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"https://" not in body
        sizes.append(len(body))
    assert sum(sizes) < 300_000


ATTACK = """async (address) => {
  const tried = {};
  const note = (name) => (it) => { tried[name] = String(it); };
  const say = (name) => [note(name), note(name)];
  const body = JSON.stringify({ text: "x", alpha: 1, sample: false });
  const json = { "Content-Type": "application/json" };
  await fetch(address).then((it) => it.text()).then(...say("read"));
  await fetch(address + "tokens", { method: "POST", headers: json, body }).then(...say("call"));
  await fetch(address + "tokens", { method: "POST", body, mode: "no-cors" })
    .then((it) => it.type).then(...say("blind call"));
  await import(address + "play.js").then(...say("import"));
  await new Promise((done) => {
    const script = document.createElement("script");
    script.onload = () => { tried.script = "loaded"; done(); };
    script.onerror = () => { tried.script = "failed"; done(); };
    script.src = address + "dom.js";
    document.body.append(script);
  });
  await new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = () => setTimeout(done, 200);
    frame.src = address;
    document.body.append(frame);
  });
  return tried;
}"""


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><body></body>")

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere():
    """Serve an empty page of another origin on this machine; yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_page_of_another_origin_cannot_use_it_even_with_the_address(browser, served, elsewhere):
    page = browser.new_page()
    answers = []
    page.on("response", lambda it: answers.append((it.url, it.status)))
    page.goto(elsewhere)
    tried = page.evaluate(ATTACK, served.address)
    assert tried.pop("script") == "failed"
    # A blind call is sent without a question before, and has no effect.
    assert tried.pop("blind call", "opaque") in ("opaque", "TypeError: Failed to fetch")
    assert all("Failed to fetch" in answer for answer in tried.values()), tried
    theirs = [(url, status) for url, status in answers if url.startswith(served.address)]
    assert theirs
    assert {status for _, status in theirs} <= {403, 405}
    page.close()


def test_another_name_for_this_machine_is_no_way_in(browser, served):
    page = browser.new_page()
    answer = page.goto(f"http://evil.test:{served.port}{served.path}")
    assert answer.status == 421
    assert page.title() == ""
    page.close()


def test_the_page_can_reach_nothing_but_its_server(browser, served, elsewhere):
    page = browser.new_page()
    page.goto(served.address)
    reached = page.evaluate(
        """(address) => Promise.allSettled([
      fetch(address), fetch(address, { mode: "no-cors" }), import(address + "x.js"),
    ]).then((all) => all.map((it) => it.status))""",
        elsewhere,
    )
    assert reached == ["rejected"] * 3
    page.close()
