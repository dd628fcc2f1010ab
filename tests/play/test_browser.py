"""The page in a real browser."""

import itertools
import random
import subprocess
import sys

import pytest
from support.browser import shown, write
from support.cli import posix_only
from support.playing import playing

from bytepiece import Tokenizer
from bytepiece.display import printable
from bytepiece.play.asked import MOST_SHOWN, MOST_TEXT


def test_tokens_follow_the_text_as_it_is_typed(page, model_files):
    write(page, "the hat")
    for number, path in enumerate(model_files):
        pieces = Tokenizer.load(path).tokenize("the hat")
        assert shown(page, number) == [piece.decode() for piece in pieces]
    page.focus("#text")
    page.keyboard.press("End")
    page.keyboard.type(" and the cat")
    write(page, "the hat and the cat")
    pieces = Tokenizer.load(model_files[0]).tokenize("the hat and the cat")
    assert shown(page) == [piece.decode() for piece in pieces]


@pytest.mark.parametrize("seed", range(2))
def test_after_any_edits_the_page_shows_what_a_new_page_shows(page, seed):
    chosen = random.Random(seed)
    text = ""
    for _ in range(8):
        low, high = sorted(chosen.randrange(len(text) + 1) for _ in range(2))
        some = "".join(chosen.choices(["the ", "hat", "\n", "今天", "x"], k=chosen.randrange(6)))
        text = text[:low] + some + text[high:]
        write(page, text)
        parts = page.locator(".tokens").first.evaluate(
            "list => [...list.children].map(line => [...line.children].map(it => it.outerHTML))"
        )
        page.click("[value=ids]")
        page.click("[value=text]")
        assert parts == page.locator(".tokens").first.evaluate(
            "list => [...list.children].map(line => [...line.children].map(it => it.outerHTML))"
        )
        assert "".join(shown(page)).replace("⏎\n", "\n").replace("⏎", "\n") == text


def test_each_look_shows_ids_bytes_and_places(page, model_files):
    tok = Tokenizer.load(model_files[0])
    write(page, "the 今")
    ids = tok.encode("the 今")
    page.check("[value=ids]")
    assert shown(page) == [str(id_) for id_ in ids]
    page.check("[value=bytes]")
    assert shown(page) == [tok.id_to_piece(id_).hex(" ") for id_ in ids]
    page.check("[value=offsets]")
    assert shown(page)[0] == "0–4"
    page.check("[value=pieces]")
    assert shown(page) == ["the▁", r"\xe4\xbb", r"\x8a"]
    # The first two of the three end within a character or touch one.
    assert page.locator(".tokens").first.locator(".unfinished").all_inner_texts() == [r"\xe4\xbb"]


@pytest.mark.parametrize("text", ["👩‍👩‍👧", "e\u0301\u0323", "🇩🇪", "नि", "한"])
def test_what_people_see_as_one_character_is_one_block(page, text):
    write(page, f"x{text}y")
    assert text in shown(page)
    assert page.locator(".tokens").first.locator(".joined").all_inner_texts() == [text]


def test_lines_keep_their_own_direction_and_hebrew_its_order(page):
    write(page, "abc def\nשלום עולם\n")
    lines = page.locator(".tokens").first.locator(".line")
    directions = lines.evaluate_all("lines => lines.map(it => getComputedStyle(it).direction)")
    assert directions == ["ltr", "rtl"]
    page.check("#vertical")
    mode = page.locator(".tokens").first.evaluate("it => getComputedStyle(it).writingMode")
    assert mode == "vertical-rl"


def test_alpha_has_its_price_and_a_sample_its_seed(page, model_files):
    tok = Tokenizer.load(model_files[0])
    write(page, "the hat and the hat")
    page.fill("#alpha", "0.25")
    price = tok.lattice("the hat and the hat", 0.25).expected_tokens() / tok.count(
        "the hat and the hat"
    )
    page.wait_for_selector(f"#price:text-matches('^.{100 * (price - 1):.1f}.% ')")
    page.fill("#seed", "18446744073709551615")
    page.click("#again")
    assert page.is_checked("[value=sample]")
    assert page.input_value("#epoch") == "1"
    page.wait_for_timeout(500)
    page.check("[value=ids]")
    ids = tok.encode("the hat and the hat", alpha=0.25, seed=2**64 - 1, epoch=1)
    assert shown(page) == [str(id_) for id_ in ids]


def test_a_wrong_number_is_marked_and_not_sent(page):
    page.check("[value=sample]")
    page.fill("#seed", "abc")
    assert page.evaluate("() => document.querySelector('#seed').matches(':invalid')")
    assert page.inner_text("#busy") == ""


@posix_only
@pytest.mark.parametrize(
    "text", ["the 'hat' $HOME", "two\nlines 今天", "\x00\x7f\u202e\U000e0041", ""]
)
def test_the_command_and_the_python_code_do_what_the_page_shows(page, model_files, text):
    page.fill("#seed", "7")
    page.check("[value=sample]")
    write(page, text)
    page.click("#code summary")
    page.wait_for_timeout(300)
    page.click("#copy-command")
    command = page.evaluate("() => navigator.clipboard.readText()").split("\n\n")[0]
    page.click("#copy-python")
    code = page.evaluate("() => navigator.clipboard.readText()").split("\n\nimport")[0]
    assert (command + code).isprintable() or "\n" in code
    expected = Tokenizer.load(model_files[0]).tokenize(text, alpha=0.5, seed=7, epoch=0)
    program = f'bytepiece() {{ "{sys.executable}" -m bytepiece "$@"; }}\n'
    run = subprocess.run(["bash", "-c", program + command], capture_output=True, check=True)
    assert run.stdout.decode().split() == [printable(piece) for piece in expected]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout.decode() == f"{expected}\n"


def test_the_keyboard_reaches_tokens_and_says_what_is_known(page):
    write(page, "the hat and the hat\nthe cat")
    page.focus("[value=text]")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # behind the box for vertical lines
    active = "() => document.activeElement.getAttribute('aria-activedescendant')"
    first = page.evaluate(active)
    assert first == "token-0"
    assert page.get_attribute("#token-0", "aria-selected") == "true"
    page.keyboard.press("ArrowRight")
    assert "probability" in page.inner_text("#said")
    assert page.locator(".tokens").first.locator(".token").nth(1).get_attribute("id") == "token-0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    last = page.locator(".tokens").first.locator(".token").last
    assert last.get_attribute("id") == "token-0"
    page.wait_for_selector("#details meter", state="attached")
    page.focus("#tab-tokens")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-lattice", "aria-selected") == "true"
    assert page.is_visible("#view-lattice")


def test_everything_to_use_has_a_name(page):
    page.click("#code summary")
    for tab in ("tokens", "lattice", "vocabulary"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(500)
        nameless = page.evaluate("""() => [...document.querySelectorAll(
          'button, select, textarea, input:not([type=file]), [tabindex="0"], [role=group]')]
          .filter(it => it.checkVisibility() && !it.labels?.length && !it.ariaLabel
            && !it.textContent.trim() && !it.getAttribute('aria-labelledby'))
          .map(it => it.outerHTML)""")
        assert nameless == []


CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (it) => {
    for (; it; it = it.parentElement) {
      const colour = parse(getComputedStyle(it).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const it of document.querySelectorAll("body *")) {
    const own = [...it.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !it.checkVisibility() || it.closest("svg")) continue;
    const [a, b] = [light(parse(getComputedStyle(it).color)), light(ground(it))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push([it.outerHTML.slice(0, 90), ratio]);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrasts_are_at_least_4_5(page, scheme):
    page.emulate_media(color_scheme=scheme)
    write(page, "\tthe hat, 今天 0123456789 " + "".join(map(chr, range(33, 127))))
    page.click("#code summary")
    page.hover(".token >> nth=2")
    page.wait_for_selector("#details meter", state="attached")
    for tab in ("tokens", "lattice", "vocabulary"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(500)
        assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    write(page, "x" * 300 + " the hat " + "今天" * 100)
    for tab in ("tokens", "lattice", "vocabulary"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(400)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_ends_that_differ_are_marked(page, model_files):
    write(page, "the hat and the cat")
    ends = []
    for path in model_files:
        tok = Tokenizer.load(path)
        spans = tok.align("the hat and the cat", tok.encode("the hat and the cat")).byte_spans
        ends.append({int(end) for _, end in spans})
    for number, own in enumerate(ends):
        marked = page.locator(".tokens").nth(number).locator(".differs")
        assert marked.count() == len(own - ends[1 - number])


def test_the_lattice_view_hides_edges_and_shows_paths(page):
    write(page, "the hat and the hat")
    page.click("#tab-lattice")
    page.wait_for_selector("#paths tbody tr")
    drawn = page.locator("#drawing-of-lattice .edge")
    page.fill("#least", "-6")
    every = drawn.locator("visible=true").count()
    page.fill("#least", "0")
    assert drawn.locator("visible=true").count() < every
    assert page.locator("#paths table").count() == 2
    page.focus("#text")
    page.evaluate("() => document.querySelector('#text').setSelectionRange(0, 3)")
    page.wait_for_selector("#drawing-of-lattice svg[aria-label*='the']:not([aria-label*='hat'])")


def test_the_vocabulary_is_searched_as_one_types(page):
    page.click("#tab-vocabulary")
    page.select_option("#search .model", "1")
    page.wait_for_selector("#rows tbody tr >> nth=99")
    page.click("#more")
    page.wait_for_selector("#rows tbody tr >> nth=199")
    page.fill("#query", "▁th")
    page.wait_for_selector("#rows tbody tr:first-child .piece:text-matches('^▁th')")
    write(page, "xyz")
    page.check("#unused")
    page.wait_for_selector("#found:text-matches('pieces')")


def test_a_megabyte_is_counted_and_the_page_says_what_is_shown(page, model_files):
    text = "the hat and the cat\n" * 50_000
    # Playwright's own way to fill a box takes half a minute for this text.
    page.evaluate(
        """(text) => {
      const box = document.querySelector("#text");
      box.value = text;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }""",
        text,
    )
    page.wait_for_selector("#notice:text-matches('^1,000,000 bytes')", timeout=60_000)
    assert "All of them are counted" in page.inner_text("#notice")
    count = Tokenizer.load(model_files[0]).count(text)
    assert f"{count:,} tokens" in page.inner_text(".counts >> nth=0")
    assert len("".join(shown(page))) <= 2 * MOST_SHOWN


def test_more_than_is_taken_is_cut_and_said(page):
    page.fill("#text", "今天" * 300_000)
    page.wait_for_selector("#notice:text-matches('Only the first 1,048,57')", timeout=60_000)
    assert len(page.input_value("#text").encode()) <= MOST_TEXT


def test_a_file_can_be_opened_or_dropped(page, tmp_path):
    (tmp_path / "some.txt").write_bytes("the file 今天\r\n".encode())
    page.set_input_files("#file", tmp_path / "some.txt")
    page.wait_for_selector("#notice:text-matches('^16 bytes')")
    page.evaluate("""() => {
      const dropped = new DataTransfer();
      dropped.items.add(new File(["the dropped file"], "x.txt"));
      document.querySelector("#text").dispatchEvent(
        new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
    }""")
    page.wait_for_selector("#notice:text-matches('^16 bytes')")
    page.wait_for_timeout(500)
    assert page.input_value("#text") == "the dropped file"


def test_a_page_whose_server_ended_says_so(browser, model_files):
    with playing(model_files[0]) as found:
        page = browser.new_page()
        page.goto(found.address)
        page.wait_for_selector(".counts b")
    page.fill("#text", "the hat")
    page.wait_for_selector("#busy.wrong:text-matches('still running')")
    page.close()


REPLACE = """async (texts) => {
  const box = document.querySelector("#text");
  const list = document.querySelector(".tokens");
  const seen = [];
  const observer = new MutationObserver(() => seen.push(
    [list.querySelectorAll(".token").length, list.getAttribute("aria-busy")]));
  observer.observe(list, { childList: true, subtree: true });
  for (const text of texts) {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    // The next text comes while this one is being drawn.
    while (!seen.length) await new Promise((done) => requestAnimationFrame(done));
  }
  while (!seen.length || list.getAttribute("aria-busy") === "true") {
    await new Promise((done) => setTimeout(done, 5));
  }
  return seen;
}"""
LINES = "".join(f"the hat {number} and the cat, 今天天气\n" for number in range(300))


def drawn_text(page):
    """Return the text that the blocks of the first panel show, in and outside the window."""
    blocks = page.locator(".tokens").first.locator(".token").all_text_contents()
    return "".join(blocks).replace("⏎\n", "⏎").replace("⏎", "\n")


@pytest.mark.parametrize("text", [LINES, LINES.replace("\n", " ")], ids=["lines", "one line"])
def test_what_a_window_shows_is_painted_before_the_rest_of_a_long_text(page, model_files, text):
    seen = page.evaluate(REPLACE, [text])
    assert seen[0][0] <= 400 / len(model_files)
    assert seen[0][1] == "true"
    assert seen[-1][1] == "false"
    assert seen[-1][0] == len(shown(page))
    assert drawn_text(page) == text
    assert all(more - less <= 1000 for (less, _), (more, _) in itertools.pairwise(seen))


def test_edits_while_a_long_text_is_drawn_leave_no_trace(page):
    page.evaluate(REPLACE, ["x" + LINES, LINES[:3000] + "hat" + LINES[3000:], LINES[:900] + LINES])
    size = f"{len((LINES[:900] + LINES).encode()):,} bytes"
    page.wait_for_selector(f"#notice:text-matches('^{size}')")
    page.wait_for_selector(".tokens[aria-busy=true]", state="detached")
    assert drawn_text(page) == LINES[:900] + LINES
    edited = page.locator(".tokens").first.inner_html()
    page.click("[value=ids]")
    page.click("[value=text]")
    page.wait_for_selector(".tokens[aria-busy=true]", state="detached")
    assert page.locator(".tokens").first.inner_html() == edited


def test_the_keyboard_reaches_tokens_that_are_not_drawn_yet(page):
    chosen = page.evaluate(
        """(text) => new Promise((done) => {
      const list = document.querySelector(".tokens");
      new MutationObserver((_, observer) => {
        observer.disconnect();
        list.focus();
        list.dispatchEvent(new KeyboardEvent("keydown", { key: "End" }));
        done([list.getAttribute("aria-busy"), list.querySelector("#token-0").textContent]);
      }).observe(list, { childList: true });
      const box = document.querySelector("#text");
      box.value = text;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    })""",
        LINES + "xyz",
    )
    assert chosen == ["false", shown(page)[-1]]
