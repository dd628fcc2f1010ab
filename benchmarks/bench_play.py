"""The time that a keystroke takes on the page of `bytepiece play`, with 10 kB of text.

    python -m benchmarks.bench_play --model bytepiece_80k.model --text heldout.txt

It counts CPU time, so that other programs on the machine matter little: that of the thread that
answers the call, and that of the page's main thread in a headless Chromium. Beside it stands the
time that passes from the keystroke, with the call, until the tokens are painted.
Playwright's library drives the browser. Without it, only the server is measured.
"""

import argparse
import json
import shutil
import statistics
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from queue import Queue

from benchmarks.support.harness import BenchmarkReport
from bytepiece.play.files import page_files
from bytepiece.play.server import PlayServer
from bytepiece.play.views import Playground

_BYTES = 10_000
_TIMES = 15
_EDITS = {
    "at the end": "box.value += 'x'",
    "in the middle": "box.value = box.value.slice(0, 5000) + 'y' + box.value.slice(5000)",
    "another text": "box.value = [...box.value].reverse().join('')",
}
"""What each edit does to the box with the text."""
_EDIT = """async () => {
  const box = document.getElementById("text");
  performance.clearMeasures();
  // The page calls this without a time after its first frame: first for the measure "redrawn", and
  // then for the tokens that are not in the window. These wait until the CPU time is read.
  const later = window.realTimeout ??= window.setTimeout;
  let calls = 0;
  window.setTimeout = (work, wait) => later(work, wait ?? (calls++ ? 400 : 0));
  %s;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  const pause = (done) => later(done, 5);
  while (!performance.getEntriesByName("redrawn").length) await new Promise(pause);
  return performance.getEntriesByName("redrawn")[0].duration;
}"""
_FINISH = """async () => {
  window.setTimeout = window.realTimeout;
  const pause = (done) => setTimeout(done, 5);
  while (document.querySelector("[aria-busy=true]")) await new Promise(pause);
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    given = parser.parse_args()
    text = given.text.read_bytes()[:_BYTES].decode("utf-8", "ignore")
    playground = Playground()
    playground.add(given.model)
    playground.warm_up()
    report = BenchmarkReport("play")
    rows = [("server, a call for tokens", server_seconds(playground, text), None)]
    if find_spec("playwright"):
        rows += [(f"browser, {name}", *times) for name, *times in browser_seconds(playground, text)]
    report.table(
        f"Median times in ms, {len(text.encode())} bytes of text",
        ("what", "CPU", "passes"),
        [(name, *(f"{1e3 * t:.1f}" if t else "" for t in times)) for name, *times in rows],
    )


def server_seconds(playground: Playground, text: str) -> float:
    """Return the median CPU time of a call, from JSON to JSON."""
    times = []
    for number in range(_TIMES):
        asked = {"text": text + "x" * number, "alpha": 0.5, "sample": False}
        begin = time.thread_time()
        json.dumps(playground.tokens(json.loads(json.dumps(asked))), separators=(",", ":"))
        times.append(time.thread_time() - begin)
    return statistics.median(times)


def browser_seconds(playground: Playground, text: str) -> list[tuple[str, float, float | None]]:
    """Return for each edit the median CPU time of the page's main thread until it paints.

    The third value is the median time that passes until then. The time for the tokens that are
    drawn after that, since they are not in the window, is another entry.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    address: Queue[str] = Queue()
    server = PlayServer(page_files(), playground.calls)
    threading.Thread(target=server.run, args=(0, address.put), daemon=True).start()
    found: list[tuple[str, float, float | None]] = []
    with sync_playwright() as driver:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.goto(address.get())
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def busy() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return next(float(it["value"]) for it in metrics if it["name"] == "TaskDuration")

        for name, edit in _EDITS.items():
            page.fill("#text", text)
            page.wait_for_selector(f"#notice:text-matches('^{len(text.encode()):,} bytes')")
            painted, finished, passed = [], [], []
            for _ in range(_TIMES):
                begin = busy()
                passed.append(page.evaluate(_EDIT % edit) / 1e3)
                middle = busy()
                page.evaluate(_FINISH)
                painted.append(middle - begin)
                finished.append(busy() - middle)
            found += [
                (
                    f"{name}, until it is painted",
                    statistics.median(painted),
                    statistics.median(passed),
                ),
                (f"{name}, then outside the window", statistics.median(finished), None),
            ]
        browser.close()
    return found


if __name__ == "__main__":
    main()
