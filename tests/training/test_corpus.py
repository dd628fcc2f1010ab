"""Reading corpora: files, records and collections give the same texts at every reading."""

import json

import pytest

import bytepiece
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs import texts
from bytepiece.inputs.files import Files
from bytepiece.training import corpus_reader
from bytepiece.training.corpus_reader import CorpusReader

TEXT = "one line\r\n\n\nanother, longer line\n中文\nlast without end"


def segments(source, **options):
    """Return all segments of a corpus, as byte strings."""
    found = []
    for block in CorpusReader(
        source, options.get("normalization", ()), options.get("digit_group", 0)
    ):
        text = block.text.tobytes()
        ends = zip(block.bounds[:-1], block.bounds[1:], strict=True)
        found += [text[a:b] for a, b in ends]
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_a_file_is_one_text_for_any_block_size(tmp_path, monkeypatch, size):
    path = tmp_path / "corpus.txt"
    path.write_bytes(TEXT.encode())
    expected = segments([TEXT])
    assert b"".join(expected) == TEXT.encode()
    assert expected[0] == b"one line\r\n\n\n"
    monkeypatch.setattr(corpus_reader, "_BLOCK", size)
    monkeypatch.setattr(texts, "BLOCK", size)
    assert segments(path) == segments(str(path)) == segments(Files([path])) == expected


def test_too_long_a_line_is_cut_between_characters(tmp_path, monkeypatch):
    path = tmp_path / "corpus.txt"
    text = "中é\U0001f600a" * 50
    path.write_bytes(text.encode())
    monkeypatch.setattr(texts, "BLOCK", 10)
    monkeypatch.setattr(texts, "LONGEST_LINE", 17)
    pieces = segments(path)
    assert b"".join(pieces) == text.encode()
    assert len(pieces) > 9
    assert "".join(piece.decode() for piece in pieces) == text


def test_records_are_texts_of_their_own(tmp_path):
    path = tmp_path / "corpus.jsonl"
    rows = [{"text": "one\ntwo", "other": "x"}, {"text": "three", "other": "y"}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    assert segments(path) == [b"one\n", b"two", b"three"]
    assert segments(Files([path], jsonl_field="other")) == [b"x", b"y"]


@pytest.mark.parametrize(
    "line", ["not json", "[1]", '{"text": 5}', '{"other": "x"}', '"text"', "[" * 100000]
)
def test_a_bad_record_is_named_by_file_and_line(tmp_path, line):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": "good"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"corpus\.jsonl:2: (not .*JSON|no field|the field)"):
        bytepiece.train(path)


def test_a_reader_refuses_a_one_shot_iterator():
    with pytest.raises(CorpusError, match="only once"):
        CorpusReader((line for line in ["a", "b"]), (), 0)


def test_a_corpus_that_changes_is_refused(monkeypatch):
    # A corpus is read twice only if it does not fit in the memory.
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 300)
    monkeypatch.setattr("bytepiece.training.memory.LEAST_TEXT", 1000)

    class Changing:
        reads = 0

        def __iter__(self):
            self.reads += 1
            return iter(["a text\n"] * 1000 * self.reads)

    with pytest.raises(CorpusError, match="changed"):
        bytepiece.train(Changing(), memory=1, algorithm="merge", spaces="across")


def test_an_item_that_is_not_a_text_is_refused():
    with pytest.raises(CorpusError, match="int"):
        bytepiece.train(["text", 5])
    with pytest.raises(ArgumentError, match="not bytes"):
        bytepiece.train(b"text")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"missing\.txt: .*no such file"):
        bytepiece.train(tmp_path / "missing.txt")


def test_short_texts_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(corpus_reader, "_MOST_TEXTS", 10)
    few = ["", "ab", "", "c"] * 30
    blocks = list(CorpusReader(few, (), 0))
    assert max(len(block.bounds) - 1 for block in blocks) == 10
    assert segments(few) == [b"ab", b"c"] * 30


def test_bytes_and_str_are_the_same_text():
    assert bytepiece.train(["é" * 9], 300) == bytepiece.train(["é".encode() * 9], 300)
