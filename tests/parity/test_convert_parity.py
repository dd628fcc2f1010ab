"""Comparing two encoders: which lines differ, and why; and checking written files."""

import json
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT, SAMPLE
from support.strategies import BYTES, make_model, models

from bytepiece import SpecialToken, TextRules, Tokenizer, conversion, model_io
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats import FORMATS
from bytepiece.parity import comparison as parity
from bytepiece.parity.comparison import ComparedEncoder, compare

with warnings.catch_warnings():
    # In newer Pythons, importing sentencepiece warns about its bindings.
    warnings.simplefilter("ignore")
    import sentencepiece  # noqa: F401

PIECES = [*(bytes([b]) for b in range(256)), b"ab", b"bc", b"", b"\ta"]


def encoder(rows, pieces=PIECES, over_bytes=True):
    """Return an encoder with fixed rows for some texts. The ids of other texts are their bytes."""
    return ComparedEncoder(
        "x", lambda texts: [rows.get(t, list(t)) for t in texts], pieces, over_bytes
    )


@pytest.mark.parametrize(
    ("text", "ours", "theirs", "cause"),
    [
        (b"abc", [256, 99], [97, 257], parity.TIE),
        (b"abc", [256, 99], [97, 98, 99], parity.OTHER),
        (b"\0abc", [0, 256, 99], [0, 97, 98, 99], parity.NUL),
        (b"\tab", [9, 256], [259, 98], parity.FALLBACK),
        (b"\x80abc", [128, 256, 99], [128, 97, 98, 99], parity.OTHER),
        (b"abc", [256, 99], [256, 258], parity.UNKNOWN_CHARACTERS),
        (b"ABC", [65, 66, 67], [97, 98, 99], parity.NORMALIZATION),
        (b"abc", [256, 99], [256], parity.NORMALIZATION),
    ],
)
def test_causes(text, ours, theirs, cause):
    scores = [-3.0] * 256 + [-2.0, -2.0 + 1e-6, -2.0, -1.0]
    found = compare(encoder({text: ours}), encoder({text: theirs}), scores, [[b"a", text]], "two")
    assert (found.lines, found.identical, found.causes) == (2, 1, {cause: 1})
    [difference] = found.differences
    assert (difference.line, difference.text, difference.cause) == (2, text, cause)
    assert (difference.ours, difference.theirs) == (tuple(ours), tuple(theirs))
    assert b"".join(difference.our_pieces) == text


def test_a_piece_that_one_encoder_does_not_have():
    ours, theirs = encoder({b"abc": [256, 99]}), encoder({}, [*PIECES[:256], b"?", b"bc"])
    found = compare(ours, theirs, [-3.0] * 256 + [-1.0, -1.0], [[b"abc"]], "one line")
    assert found.causes == {parity.CANNOT_CARRY: 1}


def test_bytes_that_are_not_utf8():
    ours, theirs = encoder({}), encoder({b"\xff": [239, 191, 189]}, over_bytes=False)
    found = compare(ours, theirs, [-3.0] * 256, [[b"\xff"], [], [b""]], "one line")
    assert (found.lines, found.causes) == (1, {parity.INVALID_UTF8: 1})


def test_no_lines():
    found = compare(encoder({}), encoder({}), [], [], "nothing")
    assert (found.lines, found.identical, found.share) == (0, 0, 1.0)
    assert "0 of 0" in str(found)


def test_a_report_is_short_and_rounds_down():
    text = b"abc" * 1000
    ours = encoder({text: [256, 99] * 1000})
    found = compare(ours, encoder({}), [-3.0] * 258, [[b"x"] * 200_000, [text] * 9], "many")
    assert found.causes == {parity.OTHER: 9}
    assert len(found.differences) == 2
    assert "200,000 of 200,009, 99.995 %" in str(found)
    assert "    x  ab\n    x  a b" in str(found)
    assert json.loads(json.dumps(found.as_dict()))["causes"] == {parity.OTHER: 9}


def check(model, path, to, lines=None):
    """Write a model; return the notes on the file and the parity of the file with the model."""
    notes = conversion.write(model, path, to)
    found = conversion.check(model, path, to, [lines or conversion.drawn(model)], "sample")
    return notes, found


def sample_lines():
    return SAMPLE.read_bytes().split(b"\n")


@pytest.mark.parametrize("algorithm", ["merge", "bnlm", "nfc"])
def test_hugging_face(trained, algorithm, tmp_path):
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    path = tmp_path / "tokenizer.json"
    notes, found = check(trained[algorithm], path, "huggingface", sample_lines())
    assert notes == []
    assert found.lines > 250
    assert found.identical == found.lines
    _, found = check(trained[algorithm], path, "huggingface")
    assert found.causes == {parity.INVALID_UTF8: 2}


@pytest.mark.parametrize("kind", ["whole", "bnlm"])
def test_sentencepiece_with_pieces_of_whole_characters(trained, kind, tmp_path):
    notes, found = check(trained[kind], tmp_path / "sp.model", "sentencepiece", sample_lines())
    assert notes == []
    # Training on such a small text gives small counts, and small counts give many ties.
    assert found.share >= 0.98
    assert set(found.causes) <= {parity.TIE, parity.FALLBACK}
    _, found = check(trained[kind], tmp_path / "sp.model", "sentencepiece")
    # Some of the odd lines differ. Nearly all lines joined from pieces are identical.
    assert parity.OTHER not in found.causes
    assert found.lines - found.identical < len(conversion.ODD_LINES) / 3


def test_sentencepiece_with_pieces_of_parts_of_characters(trained, tmp_path):
    notes, found = check(trained["merge"], tmp_path / "sp.model", "sentencepiece", sample_lines())
    assert [message.split()[:3] for message in notes] == [["SentencePiece", "cannot", "represent"]]
    assert set(found.causes) <= {parity.CANNOT_CARRY, parity.TIE, parity.FALLBACK}
    assert found.identical + sum(found.causes.values()) == found.lines


def test_a_file_of_the_original_library(trained, tmp_path):
    path = tmp_path / "original.model"
    notes, found = check(trained["nfc"], path, "original")
    assert notes == []
    assert found.identical == found.lines
    assert model_io.load_with_format(path)[1] == "original"
    with pytest.raises(ModelError, match="NFC"):
        conversion.write(trained["merge"], tmp_path / "no", "original")
    assert not (tmp_path / "no").exists()


def test_a_file_of_the_original_library_without_counts(tmp_path):
    model = make_model({b"ab": -2.0}, rules=TextRules(normalization=("NFC",)))
    notes, _ = check(model, tmp_path / "original.model", "original")
    assert notes == ["the original format has counts for scores; those below −30 change"]


def test_a_file_of_this_library(trained, tmp_path):
    notes, found = check(trained["merge"], tmp_path / "again.model", "bytepiece")
    assert (notes, found.identical) == ([], found.lines)


def test_notes_say_what_a_sentencepiece_file_loses(tmp_path):
    model = make_model(
        {b"<eos>": -1.0, b"\xe4\xbb": -1.0, b"<eo": -2.0},
        special_tokens=(SpecialToken("<eos>", 1, "eos"),),
        ids=range(3, 262),
    )
    notes, found = check(model, tmp_path / "sp.model", "sentencepiece", [b"<eos>", b"\xe4\xbb\x80"])
    assert notes == [
        "In SentencePiece, the special token '<eos>' is <s>",
        "SentencePiece cannot represent 1 pieces; left unused (with ensure_unicode, training makes "
        "whole characters only)",
    ]
    assert found.causes == {parity.CANNOT_CARRY: 1}


def test_notes_say_what_a_hugging_face_file_loses(tmp_path):
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    model = make_model({b"<eos>": -1.0, b"<eo": -2.0})
    notes, found = check(model, tmp_path / "t.json", "huggingface", [b"<eos>", b"<eo"])
    assert [message.split()[4] for message in notes] == ["have"] or "1 pieces" in notes[0]
    assert found.causes == {parity.CANNOT_CARRY: 1}


def test_sentencepiece_files_leave_out_normalization(trained, tmp_path):
    lines = ["cafe\u0301".encode(), "café".encode()]
    notes, found = check(trained["nfc"], tmp_path / "sp.model", "sentencepiece", lines)
    assert notes == ["SentencePiece gets texts as they are: normalize them (NFC) before"]
    assert found.causes == {parity.NORMALIZATION: 1}


def test_a_library_that_is_not_installed(trained, tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    conversion.write(trained["merge"], path, "huggingface")
    monkeypatch.setattr(
        conversion.HuggingFace, "missing", classmethod(lambda _: "not installed; pip install it")
    )
    with pytest.raises(ModelError, match="not installed; pip install it"):
        conversion.check(trained["merge"], path, "huggingface", [[b"a"]], "sample")


def test_unknown_formats(trained, tmp_path):
    with pytest.raises(ArgumentError, match="known are bytepiece, original, sentencepiece"):
        conversion.write(trained["merge"], tmp_path / "x", "bpe")
    assert len(FORMATS) == 5


def test_drawn_lines_are_always_the_same_and_contain_most_pieces(trained):
    model = trained["merge"]
    lines = conversion.drawn(model)
    assert lines == conversion.drawn(model)
    rows = Tokenizer(model).encode_batch(lines)
    assert len(np.unique(rows.ids)) > 0.8 * len(model.pieces)


@given(models(), st.lists(BYTES, max_size=4))
def test_every_difference_has_a_cause(model, texts):
    specials = tuple(replace(token, id=token.id + 3) for token in model.special_tokens)
    model = replace(model, ids=model.ids + 3, special_tokens=specials)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "sp.model"
        conversion.write(model, path, "sentencepiece")
        found = conversion.check(model, path, "sentencepiece", [texts], "texts")
    assert parity.OTHER not in found.causes
    assert found.identical + sum(found.causes.values()) == found.lines == sum(map(bool, texts))


def test_the_benchmark_runs_in_one_command(tmp_path):
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    command = [sys.executable, "-m", "benchmarks.bench_formats", "--output", tmp_path]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    assert "bar lines alike in Hugging Face's tokenizers: ≥ 99.9 %, measured 100" in run.stdout
    tables = json.loads((tmp_path / "formats.json").read_text("utf-8"))["tables"]
    assert tables[0]["parity"][0]["identical"] == tables[0]["parity"][0]["lines"] == 294
