"""What the page's calls answer, against the library's own functions."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, Tokenizer
from bytepiece.display import of_printable, printable
from bytepiece.errors import ArgumentError
from bytepiece.explain.shown import shown
from bytepiece.model_io import save
from bytepiece.play import views
from bytepiece.play.asked import MOST_SHOWN, text_of
from bytepiece.play.views import Playground

TEXTS = ["", "the hat", "\n\n", "今天天气 👍🏽 e\u0301", "a\ud800b", "\u202e\x00<b>", "the " * 30]


@pytest.fixture(scope="module")
def playground(model_files):
    found = Playground()
    for path in model_files:
        found.add(path)
    return found


@pytest.fixture(scope="module")
def tokenizers(model_files):
    return [Tokenizer.load(path) for path in model_files]


def asked(text, **others):
    plain = {"text": text, "alpha": 0.5, "sample": False, "seed": "0", "epoch": "0"}
    return {**plain, **others}


def utf16(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_encode(playground, tokenizers, text):
    found = playground.tokens(asked(text))
    json.dumps(found, allow_nan=False)
    assert found["bytes"] == found["shown_bytes"] == len(text.encode("utf-8", "surrogatepass"))
    assert found["shown"] == utf16(text)
    for tok, theirs in zip(tokenizers, found["models"], strict=True):
        ids = tok.encode(text)
        assert theirs["ids"] == ids
        assert theirs["count"] == theirs["best"] == len(ids)
        places = tok.align(text, ids)
        assert theirs["bytes"] == places.byte_spans.ravel().tolist()
        spans = places.char_spans.tolist()
        assert theirs["starts"] == [utf16(text[:start]) for start, _ in spans]
        assert theirs["ends"] == [utf16(text[:end]) for _, end in spans]
        assert {*theirs["pieces"]} == {*ids}
        for id_, (text_shown, digits, score, _, _) in theirs["pieces"].items():
            piece = tok.id_to_piece(id_)
            assert (text_shown, bytes.fromhex(digits)) == (shown(piece), piece)
            number = tok.model.pieces.index(piece)
            assert score == round(float(tok.model.scores[number]), 4)


@pytest.mark.parametrize("text", TEXTS)
def test_a_sample_is_that_of_its_seed_and_epoch(playground, tokenizers, text):
    seed = 2**64 - 1  # more than a script's numbers can hold
    found = playground.tokens(asked(text, sample=True, alpha=0.2, seed=str(seed), epoch="3"))
    for tok, theirs in zip(tokenizers, found["models"], strict=True):
        assert theirs["ids"] == tok.encode(text, alpha=0.2, seed=seed, epoch=3)
        assert theirs["best"] == tok.count(text)


def test_probabilities_and_prices_are_those_of_the_lattice(playground, tokenizers):
    text = "the hat and the cat"
    found = playground.tokens(asked(text))
    for tok, theirs in zip(tokenizers, found["models"], strict=True):
        lattice = tok.lattice(text, 0.5)
        starts, ends, _, p = lattice.marginals()
        of = dict(zip(zip(starts.tolist(), ends.tolist(), strict=True), p.tolist(), strict=True))
        spans = np.array(theirs["bytes"]).reshape(-1, 2).tolist()
        assert theirs["p"] == [round(of[start, end] * 1e6) for start, end in spans]
        assert theirs["expected"] == lattice.expected_tokens()
        assert theirs["price"] == lattice.expected_tokens() / tok.count(text)


def test_only_the_beginning_of_a_long_text_is_shown_and_all_of_it_is_counted(
    playground, tokenizers
):
    text = "the hat 今天\n" * 3000
    found = playground.tokens(asked(text))
    assert found["bytes"] == len(text.encode())
    assert MOST_SHOWN // 2 < found["shown_bytes"] <= MOST_SHOWN
    assert text[: found["shown"]].endswith("\n")
    for tok, theirs in zip(tokenizers, found["models"], strict=True):
        assert theirs["count"] == tok.count(text)
        assert theirs["ids"] == tok.encode(text)[: len(theirs["ids"])]


@given(st.text(st.sampled_from("ab\n今👍"), max_size=40), st.integers(4, 20))
def test_a_text_is_cut_between_lines_or_characters(text, most):
    cut = text_of(asked(text), most)
    assert text.startswith(cut.shown)
    assert len(cut.shown.encode()) <= most
    assert cut.shown == text or len(cut.shown.encode()) >= most // 2 - 3


def test_less_is_shown_if_a_lattice_may_be_large(model_files, monkeypatch):
    monkeypatch.setattr(views, "MOST_EDGES", 600)
    small = Playground()
    small.add(model_files[0])
    found = small.tokens(asked("the hat " * 100))
    assert found["shown_bytes"] < 300
    assert found["models"][0]["count"] > len(found["models"][0]["ids"])


def test_a_model_that_changes_texts_has_its_places_in_both_texts(trained, tmp_path):
    save(trained["nfc"], tmp_path / "nfc.model")
    playground = Playground()
    playground.add(tmp_path / "nfc.model")
    [theirs] = playground.tokens(asked("e\u0301te\u0301"))["models"]
    assert theirs["bytes"][-1] == 7
    assert theirs["places"][-1] == len("été".encode())
    assert all(p > 0 for p in theirs["p"])


@pytest.mark.parametrize("alpha", [-1, float("inf"), float("nan")])
def test_an_alpha_out_of_range_is_an_error(playground, alpha):
    with pytest.raises(ArgumentError, match="alpha"):
        playground.tokens(asked("x", alpha=alpha))


def test_alternatives_are_the_most_probable_edges_that_overlap(playground, tokenizers):
    text = "the hat"
    rows = playground.alternatives(asked(text, model=1, start=0, end=3))
    marginals = tokenizers[1].lattice(text, 0.5).marginals()
    overlapping = sorted(
        (
            (p, int(a), int(b), int(id_))
            for a, b, id_, p in zip(*marginals, strict=True)
            if a < 3 and b > 0
        ),
        key=lambda edge: -edge[0],
    )
    assert [row["p"] for row in rows] == [p for p, *_ in overlapping[:12]]
    assert {(row["start"], row["end"], row["id"]) for row in rows[:3]} == {
        edge[1:] for edge in overlapping[:3]
    }
    assert rows[0]["shown"] == shown(text.encode()[rows[0]["start"] : rows[0]["end"]])


def test_the_lattice_is_the_explanation_of_the_text(playground, tokenizers):
    found = playground.lattice(asked("the cat", model=1, sample=True, seed="5"))
    explained = tokenizers[1].explain("the cat", 0.5, nbest=10, samples=20, seed=5).as_json()
    assert {name: found[name] for name in explained} == explained
    name, attributes, _, children = found["picture"]
    assert name == "svg"
    assert "role" in attributes
    assert {child[0] for child in children} <= {"path", "circle", "rect", "text"}
    edges = [child for child in children if child[0] == "path"]
    assert sum(edge[1]["class"] == "chosen" for edge in edges) == len(explained["pieces"])


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_has_a_picture(playground, text):
    json.dumps(playground.lattice(asked(text, model=0)))


def test_a_long_texts_lattice_is_that_of_its_beginning(playground):
    found = playground.lattice(asked("the hat " * 1000, model=0))
    assert found["bytes"] == 8000
    assert len(found["text_hex"]) // 2 == views.MOST_EXPLAINED


def search(playground, **others):
    query = {"query": "", "contains": False, "order": "score", "unused": False, "first": 0}
    return playground.vocabulary(asked("the hat", model=1, **{**query, **others}))


def test_a_search_finds_pieces_by_their_beginning_or_content(playground, tokenizers):
    model = tokenizers[1].model
    everything = search(playground)
    assert everything["found"] == everything["of"] == len(model.pieces)
    assert len(everything["rows"]) == 100
    for query, wanted in (("th", b"th"), (" t", b" t"), ("▁t", b" t"), (r"\xe4", b"\xe4")):
        for contains in (False, True):
            found = search(playground, query=query, contains=contains)
            fits = [wanted in p if contains else p.startswith(wanted) for p in model.pieces]
            assert found["found"] == sum(fits)


def test_searches_have_an_order_and_go_on(playground, tokenizers):
    of = {"score": lambda row: -row["score"], "length": lambda row: -row["length"]}
    of |= {"id": lambda row: row["id"], "bytes": lambda row: bytes.fromhex(row["hex"])}
    for order, key in of.items():
        rows = search(playground, order=order)["rows"]
        rows += search(playground, order=order, first=100)["rows"]
        assert len({row["id"] for row in rows}) == 200
        assert [*map(key, rows)] == sorted(map(key, rows))
    ranks = [row["rank"] for row in search(playground)["rows"]]
    assert ranks == [*range(1, 101)]


def test_a_search_tells_how_often_the_text_has_each_piece(playground, tokenizers):
    ids = tokenizers[1].encode("the hat")
    unused = search(playground, unused=True)
    assert unused["found"] == unused["of"] - len({*ids})
    rows = [row for n in range(0, unused["of"], 100) for row in search(playground, first=n)["rows"]]
    assert {row["id"]: row["used"] for row in rows if row["used"]} == {
        id_: ids.count(id_) for id_ in ids
    }


@given(st.binary(max_size=20) | st.text(max_size=12).map(str.encode))
def test_a_piece_can_be_typed_as_it_is_shown(piece):
    assert of_printable(printable(piece)) == piece


@pytest.mark.parametrize("typed", ["\\", "\\xg1", "\\U99999999", "a\\", "\\q", "\ud800"])
def test_what_is_no_escape_stands_for_itself(typed):
    assert of_printable(typed) == typed.encode("utf-8", "surrogatepass")


def test_special_tokens_are_no_pieces(tmp_path):
    pieces = [bytes([byte]) for byte in range(256)]
    save(Model(pieces, [-5.0] * 256), tmp_path / "bytes.model")
    playground = Playground()
    playground.add(tmp_path / "bytes.model")
    search_all = {"query": "", "contains": True, "order": "id", "unused": True, "first": 0}
    assert playground.vocabulary(asked("", model=0, **search_all))["found"] == 256
    [facts] = playground.models({})
    assert facts["name"] == "bytes.model"
    assert facts["vocab_size"] == 259
