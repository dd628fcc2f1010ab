"""The facts of an explanation against enumeration, for all kinds of models, and their JSON."""

import json
import math
import pickle
from collections import Counter
from functools import partial
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.explained import HOSTILE, tokenizers
from support.lattices import OVERLAPPING
from support.reading import ODD
from support.strategies import BYTES, STRINGS, make_model, texts_over

from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError
from bytepiece.explain import edges

KINDS = ["ours", "characters", "unknown", "unigram", "bpe"]
TEXTS = [text for text in ODD if len(text) < 300] + HOSTILE + ["the hat at the cat", "xyz é ab 今"]


near = partial(pytest.approx, abs=1e-9)


def explain(kind, text, **options):
    return tokenizers()[kind].explain(text, **{"nbest": 3, "samples": 2, **options})


@given(texts_over(b"ab", 1, 8), st.sampled_from([0.0, 0.5, 1.0, 3.0]))
def test_facts_are_those_of_all_paths(text, alpha):
    tok = Tokenizer(make_model(OVERLAPPING))
    found = tok.explain(text, alpha, nbest=4)
    laws = {path: math.exp(p) for path, p in reference.path_logs(text, OVERLAPPING, alpha).items()}
    boundaries, places, numbers = Counter(), Counter(), Counter()
    for path, p in laws.items():
        ends = list(accumulate(map(len, path), initial=0))
        numbers[len(path)] += p
        boundaries.update(dict.fromkeys(ends, p))
        places.update(dict.fromkeys(pairwise(ends), p))
    assert b"".join(piece.piece for piece in found.pieces) == text == found.normalized
    for piece in found.pieces:
        assert piece.score == OVERLAPPING[piece.piece]
        assert (piece.left, piece.right) == near((boundaries[piece.start], boundaries[piece.end]))
        assert piece.probability == near(places[piece.start, piece.end])
    assert dict(enumerate(found.boundary_probs)) == near(
        {place: boundaries[place] for place in range(len(text) + 1)}
    )
    assert dict(found.token_counts) == near({n: p for n, p in numbers.items() if p >= 1e-9})
    assert {(edge.start, edge.end): edge.probability for edge in found.edges} == near(dict(places))
    chosen = {(edge.start, edge.end) for edge in found.edges if edge.chosen}
    assert chosen == {(piece.start, piece.end) for piece in found.pieces}
    assert found.n_paths == len(laws)
    assert found.entropy == pytest.approx(-sum(p * math.log(p) for p in laws.values()), abs=1e-9)
    best = reference.sorted_paths(text, OVERLAPPING)[:4]
    assert [len(path) for path in best] == [len(path.ids) for path in found.nbest]
    assert [path.probability for path in found.nbest] == pytest.approx([laws[p] for p in best])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS)
def test_all_kinds_of_models_are_explained(kind, text):
    tok = tokenizers()[kind]
    found = explain(kind, text, alpha=0.3, seed=5)
    assert [piece.id for piece in found.pieces] == list(found.encoding.ids) == tok.encode(text)
    assert b"".join(piece.piece for piece in found.pieces) == found.normalized
    spans = tok.align(text, tok.encode(text))
    assert [list(piece.byte_span) for piece in found.pieces] == spans.byte_spans.tolist()
    assert [list(piece.char_span) for piece in found.pieces] == spans.char_spans.tolist()
    for number, path in enumerate(found.samples):
        assert list(path.ids) == tok.encode(text, alpha=0.3, seed=5, sample=number)
    for piece in found.pieces:
        assert 0 <= piece.probability <= min(piece.left, piece.right) + 1e-9
        assert math.isfinite(piece.score)
    marked = sorted((edge.start, edge.end) for edge in found.edges if edge.chosen)
    assert {start for start, _ in marked} >= {piece.start for piece in found.pieces}
    assert found.log10_paths == pytest.approx(math.log10(found.n_paths))
    assert found.merges == (kind == "bpe")
    assert found.uniform == (kind == "bpe")
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_probability_of_a_run_of_unknown_characters_is_that_of_its_path():
    found = explain("unknown", "xyz")
    assert [(piece.piece, piece.probability) for piece in found.pieces] == [(b"xyz", 1.0)]
    assert len(found.edges) == 3
    assert found.pieces[0].score == pytest.approx(sum(edge.score for edge in found.edges))


@given(STRINGS | BYTES, st.sampled_from(KINDS))
def test_json_gives_the_same_facts_back(text, kind):
    found = explain(kind, text)
    facts = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert facts == found.as_json()
    assert bytes.fromhex(facts["normalized_hex"]) == found.normalized
    assert bytes.fromhex(facts["text_hex"]) == found.text
    assert [bytes.fromhex(each["hex"]) for each in facts["pieces"]] == [
        piece.piece for piece in found.pieces
    ]
    assert int(facts["paths"]) == found.n_paths


def test_the_keys_of_json_are_stable():
    facts = explain("ours", "the").as_json()
    assert list(facts) == [
        *("name", "fingerprint", "encoded_by", "uniform", "text", "text_hex", "normalized_hex"),
        *("alpha", "pieces", "log_prob", "probability", "nbest", "samples", "seed"),
        *("entropy_nats", "entropy_bits", "expected_tokens", "token_deviation", "paths"),
        *("log10_paths", "boundary_probs", "token_counts", "edges", "edges_left_out"),
        "most_left_out",
    ]
    assert sorted(facts["pieces"][0]) == [
        *("byte_span", "char_span", "end", "hex", "id", "left", "probability", "right", "score"),
        *("shown", "start"),
    ]
    assert sorted(facts["nbest"][0]) == ["ends", "ids", "log_prob", "probability"]
    assert sorted(facts["edges"][0]) == ["chosen", "end", "id", "probability", "score", "start"]
    assert facts["token_counts"][0].keys() == {"tokens", "probability"}


def test_few_edges_are_left_of_a_long_text(monkeypatch):
    monkeypatch.setattr(edges, "MOST_EDGES", 12)
    tok = Tokenizer(make_model(OVERLAPPING))
    every, found = tok.explain("ab" * 4), tok.explain("ab" * 30)
    assert len(found.edges) == max(12, len(found.pieces))
    assert {(p.start, p.end) for p in found.pieces} <= {(e.start, e.end) for e in found.edges}
    assert found.edges_left_out > 0 < found.most_left_out <= 1
    assert len(every.edges) == 12


def test_a_number_of_paths_with_too_many_digits_is_null():
    found = Tokenizer(make_model(OVERLAPPING)).explain("ab" * 3000, samples=0, nbest=1)
    facts = found.as_json()
    assert facts["paths"] is None
    assert facts["log10_paths"] > 1000
    assert found.encoding.probability == 0
    assert "·10" in str(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nbest": 1001}, "nbest must be at most 1000"),
        ({"samples": -1}, "samples must be a whole number of at least 0"),
        ({"alpha": -1.0}, "alpha must be at least 0"),
        ({"seed": -1}, "seed must be in"),
        ({"text": "x" * 16385}, "16,384 are the most"),
        ({"text": "ﷺ" * 5462}, "16,384 are the most"),
        ({"text": 7}, "text"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    given = {"text": "the", **options}
    with pytest.raises(ArgumentError, match=message):
        tokenizers()["ours"].explain(given.pop("text"), **given)


def test_no_samples_and_no_paths_are_fine():
    found = explain("ours", "", nbest=0, samples=0)
    assert found.pieces == found.nbest == found.samples == found.edges == ()
    assert found.n_paths == 1
    assert found.token_counts == ((0, 1.0),)
