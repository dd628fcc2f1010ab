"""The page, the picture and notebooks: well formed, escaped, self-contained, bounded."""

import base64
import hashlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explained import HOSTILE, tokenizers
from support.lattices import OVERLAPPING, lattice_of
from support.strategies import STRINGS, make_model

from bytepiece import Tokenizer
from bytepiece.explain import blocks
from bytepiece.explain.lattice_svg import LEAST_DRAWN, drawn, standalone, svg
from bytepiece.explain.page import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
VOID = {"meta", "input", "wbr"}
KINDS = ["ours", "characters", "unknown", "bpe"]


class Reader(HTMLParser):
    """Collects the tags of a document, and checks that each one is closed."""

    def __init__(self, document):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def explain(kind, text, **options):
    return tokenizers()[kind].explain(text, **options)


def check_safe(document, scripts):
    """Assert that nothing in a document runs, besides our scripts, or asks for anything."""
    reader = Reader(document)
    assert reader.tags.count("script") == scripts
    assert not {"img", "link", "iframe", "object", "a", "form", "image", "use"} & {*reader.tags}
    names = {name for name, _ in reader.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not {"href", "src", "xlink:href", "action"} & names
    outside = document.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"@import|url\(", outside)
    return reader


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [*HOSTILE, "", "\n\n", "the hat", "xyz é ab 今👍", "\ud800"])
def test_a_page_is_well_formed_and_escaped(text, kind):
    document = page([explain(kind, text, name=f"<i>{kind}")])
    check_safe(document, 1)
    assert "&lt;i&gt;" in document
    assert {char for char in document if not char.isprintable()} <= {"\n", "\N{NO-BREAK SPACE}"}


@given(STRINGS, st.sampled_from(KINDS))
@settings(max_examples=20)
def test_every_text_has_a_page(text, kind):
    check_safe(page([explain(kind, text), explain("bpe", text)]), 1)


def test_only_our_script_may_run():
    document = page([explain("ours", "the")])
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', document)[1]
    script = re.search("<script>(.*?)</script>", document, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert document.index("Content-Security-Policy") < document.index("<style>")


def test_the_picture_has_an_edge_for_each_piece():
    found = explain("ours", "the the", alpha=0.1)
    root = ET.fromstring(svg(drawn(found), 0.0))
    edges = root.findall("{http://www.w3.org/2000/svg}path")
    assert len(edges) == len(found.edges)
    marked = [edge for edge in edges if edge.get("class") == "chosen"]
    assert len(marked) == len(found.pieces)
    wide = {float(edge.get("data-p")): float(edge.get("stroke-width")) for edge in edges}
    assert all(one[1] <= other[1] for one, other in pairwise(sorted(wide.items())))
    likely = [edge for edge in found.edges if edge.chosen or edge.probability >= LEAST_DRAWN]
    root = ET.fromstring(standalone(found))
    assert len(root.findall("{http://www.w3.org/2000/svg}path")) == len(likely) < len(edges)


@pytest.mark.parametrize("text", HOSTILE)
def test_pictures_are_safe_xml(text):
    for document in (standalone(explain("ours", text)), standalone(explain("bpe", text))):
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(document).iter()}
        assert tags <= {"svg", "style", "rect", "path", "title", "circle", "text"}
        assert "url(" not in document


def test_characters_cut_apart_are_joined():
    document = page([explain("ours", "a今")])
    assert document.count('<bdi class="character">今</bdi>') == 1
    reader = Reader(blocks.tokens(explain("ours", "👍 \xe9 今天")))
    assert "bdi" in reader.tags


def test_a_long_page_is_bounded():
    document = page([Tokenizer(make_model(OVERLAPPING)).explain("ab" * 8192, 0.1)])
    assert len(document) < 8_000_000
    assert "left out" in document
    assert f"and {8192 * 2 // 3 - blocks.MOST_TOKENS:,}" not in document  # no estimate
    assert re.search(r"… and [\d,]+ tokens more", document)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", HOSTILE)
def test_notebooks_get_safe_fragments(text, kind):
    tok = tokenizers()[kind]
    shown = (tok, tok.lattice(text, 0.5), tok.explain(text, 0.5))
    for one in shown:
        check_safe(one._repr_html_(), 0)


def test_a_notebook_draws_short_lattices_only():
    assert "<svg" in lattice_of(OVERLAPPING, b"abab")._repr_html_()
    assert "<svg" not in lattice_of(OVERLAPPING, b"ab" * 1001)._repr_html_()


@pytest.mark.skipif(CHROMIUM is None, reason="needs the browser chromium")
def test_the_slider_hides_edges_in_a_browser(tmp_path):
    found = explain("ours", HOSTILE[0] + " the the", alpha=0.1)
    (tmp_path / "page.html").write_text(page([found]), "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    done = subprocess.run(
        [CHROMIUM, *flags, "--dump-dom", str(tmp_path / "page.html")],
        capture_output=True,
        timeout=120,
        check=True,
    )
    seen = done.stdout.decode()
    others = [edge.probability for edge in found.edges if not edge.chosen]
    likely = sum(float(f"{p:.2e}") >= 0.01 for p in others)
    assert f"1 % ({likely} of {len(others)} other edges shown)" in seen
    assert seen.count('style="display: none;"') == len(others) - likely > 0
