"""Scores of given pieces are those of expectation maximization over all segmentations."""

import math

import numpy as np
import pytest
from support.reference import segmentations

import bytepiece
from bytepiece import Model, TextRules, Tokenizer
from bytepiece.editing import score as scoring
from bytepiece.errors import CorpusError
from bytepiece.rules.merges import Merges
from bytepiece.rules.words import WordCut

BYTES = [bytes([byte]) for byte in range(256)]
PIECES = [*BYTES, b"ab", b"abc", b"bc", b" a", b" ab"]
RANKS = [-1] * 256 + [0, 1, 2, 3, 4]
BPE = Model(
    tuple(PIECES),
    np.zeros(len(PIECES)),
    np.arange(len(PIECES)),
    (),
    TextRules(segment="text", words=(WordCut(" ?[^ ]+"),)),
    merges=Merges(ranks=RANKS),
)
TEXTS = ["abc ab bc", "abcabc a b", "ab ab ab", ""]


def learned(words, start, allowed=lambda path: True):
    """Return the probabilities after some rounds, by enumeration of all segmentations.

    Args:
        words: the words of the text.
        start: the count of each piece before the first round.
        allowed: returns whether a segmentation may be drawn.
    """
    masses = start
    for _ in range(scoring._ROUNDS):
        whole = math.fsum(masses.values())
        sums = dict.fromkeys(masses, 0.0)
        for word in words:
            paths = list(filter(allowed, segmentations(word, masses)))
            weights = [math.prod(masses[piece] / whole for piece in path) for path in paths]
            for path, weight in zip(paths, weights, strict=True):
                for piece in path:
                    sums[piece] += weight / math.fsum(weights)
        masses = {piece: max(value, scoring._LEAST) for piece, value in sums.items()}
    whole = math.fsum(masses.values())
    return {piece: math.log(value / whole) for piece, value in masses.items()}


def test_scores_equal_the_twin():
    tok = Tokenizer(BPE)
    start = dict.fromkeys(PIECES, 0.0)
    for text in TEXTS:
        for piece in tok.tokenize(text):
            start[piece] += 1
    start = {piece: max(value, scoring._LEAST) for piece, value in start.items()}
    words = [b"abc", b" ab", b" bc", b"abcabc", b" a", b" b", b"ab", b" ab", b" ab"]
    expected = learned(words, start)
    scored = bytepiece.score(BPE, TEXTS)
    assert scored.scores == pytest.approx([expected[piece] for piece in scored.pieces], abs=1e-4)
    assert scored.pieces == BPE.pieces
    assert scored.ids.tolist() == BPE.ids.tolist()
    assert [Tokenizer(scored).encode(text) for text in TEXTS] == [*map(tok.encode, TEXTS)]


CHARACTERS = ["é", "éa", "日", "日本", "aé", "é日"]


@pytest.mark.parametrize("made_only", [False, True])
def test_scores_over_characters_equal_the_twin(made_only, tmp_path):
    """Single bytes stand for characters without a piece, and only for them."""
    pieces = [*BYTES, *(text.encode() for text in CHARACTERS)]
    ranks = [*[-1] * 257, 0, -1, -1, 1, 2]
    model = Model(
        tuple(pieces),
        np.zeros(len(pieces)),
        np.arange(len(pieces)),
        (),
        TextRules(segment="text", unknown="bytes", words=(WordCut(" ?[^ ]+"),)),
        merges=Merges(ranks=ranks),
    )
    if made_only:
        model = model.made_only()
    known = [text.encode() for text in ("é", "日")]

    def allowed(path):
        if made_only and "日本".encode() in path:
            return False
        spelled = b"".join(piece if len(piece) > 1 else b"." + piece for piece in path)
        return not any(
            b"".join(b"." + one[i : i + 1] for i in range(len(one))) in spelled for one in known
        )

    texts = ["aé日本 éa", "日é日 本é", "éé"]
    tok = Tokenizer(model)
    start = dict.fromkeys(pieces, 0.0)
    for text in texts:
        for piece in tok.tokenize(text):
            start[piece] += 1
    start = {piece: max(value, scoring._LEAST) for piece, value in start.items()}
    words = ["aé日本", " éa", "日é日", " 本é", "éé"]
    expected = learned([word.encode() for word in words], start, allowed)
    scored = bytepiece.score(model, texts)
    found = dict(zip(scored.pieces, scored.scores.tolist(), strict=True))
    share = math.fsum(math.exp(found[piece]) for piece in pieces)
    for piece in pieces:
        assert found[piece] - math.log(share) == pytest.approx(expected[piece], abs=1e-4)
    path = tmp_path / "scored.model"
    bytepiece.model_io.save(scored, path)
    assert bytepiece.model_io.load(path) == scored


def test_rare_words_stand_for_others_if_there_are_too_many(monkeypatch):
    texts = [f"abc{number} ab" for number in range(3000)]
    exact = bytepiece.score(BPE, texts)
    monkeypatch.setattr(scoring, "_MOST", 40_000)
    some = bytepiece.score(BPE, texts, threads=1)
    assert bytepiece.score(BPE, texts, threads=3) == some
    assert some != exact
    size = exact.record["scored"]["bytes"]
    assert some.record["scored"]["bytes"] == pytest.approx(size, rel=0.1)
    assert some.scores[256] == pytest.approx(exact.scores[256], abs=0.1)  # "ab"


def test_threads_and_parts_change_nothing(monkeypatch, tmp_path):
    texts = [f"abc {number} ab bc" * (number % 5) for number in range(200)]
    once = bytepiece.score(BPE, texts, threads=1)
    monkeypatch.setattr(scoring, "_BATCH", 50)
    assert bytepiece.score(BPE, texts, threads=3) == once
    path = tmp_path / "some.txt"
    path.write_text("\n".join(texts))
    assert bytepiece.score(BPE, path).record["scored"]["bytes"] == path.stat().st_size
    twice = bytepiece.score(BPE, bytepiece.Files([path], weights=[2]))
    assert twice.record["scored"]["bytes"] == 2 * path.stat().st_size


def test_progress_counts_the_bytes_of_files_and_the_rounds(tmp_path):
    path, seen = tmp_path / "some.txt", []
    path.write_text("the cat\nthe hat\n" * 99)
    bytepiece.score(BPE, path, progress=lambda *report: seen.append(report))
    size = path.stat().st_size
    assert [report for report in dict.fromkeys(seen) if report[1] == report[2]] == [
        ("reading", size, size),
        ("fitting", 8, 8),
    ]


def test_scores_make_the_text_more_probable():
    texts = ["the cat and the hat"] * 5
    model = bytepiece.train(texts, 300, algorithm="merge")
    before = sum(Tokenizer(model).lattice(text).log_z for text in texts)
    after = sum(Tokenizer(bytepiece.score(model, texts)).lattice(text).log_z for text in texts)
    assert after > before


def test_a_weight_of_all_texts_hardly_changes_scores(tmp_path):
    (tmp_path / "x.txt").write_text("\n".join(TEXTS * 3), "utf-8")
    plain = bytepiece.score(BPE, bytepiece.Files([tmp_path / "x.txt"]))
    for weight in (0.5, 1.001):
        found = bytepiece.score(BPE, bytepiece.Files([tmp_path / "x.txt"], weights=[weight]))
        # Only the count that stands for no occurrence has another share.
        assert np.abs(found.scores - plain.scores).max() < abs(math.log(weight)) + 0.01
        size = found.record["scored"]["bytes"] / plain.record["scored"]["bytes"]
        assert size == pytest.approx(weight, abs=0.02)


def test_weights_that_are_too_large_are_refused(tmp_path):
    (tmp_path / "x.tsv").write_text("the cat sat\t9999999999999999\n" * 100, "utf-8")
    with pytest.raises(CorpusError, match="counts would no longer be exact"):
        bytepiece.score(BPE, bytepiece.Files([tmp_path / "x.tsv"]))


def test_bad_requests_are_refused():
    with pytest.raises(CorpusError, match="no text"):
        bytepiece.score(BPE, ["", ""])
    with pytest.raises(CorpusError):
        bytepiece.score(BPE, ["a", 5])
