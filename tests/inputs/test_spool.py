"""Iterators that can be read only once: training reads them like lists, and leaves no copy."""

from pathlib import Path

import pytest

import bytepiece
from bytepiece.errors import CorpusError
from bytepiece.inputs.spool import replayable

LINES = [f"the cat {i} and the hat of {i * 7} rats, 今天天气不错" for i in range(200)]


def train(corpus, **options):
    return bytepiece.train(corpus, 400, **options)


@pytest.mark.parametrize("size", [1, 200])
def test_an_iterator_is_as_good_as_a_list(tmp_path, size):
    lines = [*LINES[:size], "", b"\xff\x00", "\ud800", "x" * 20_000]
    spools = tmp_path / "spools"
    spools.mkdir()
    options = {"normalization": ["NFKC"], "temp_dir": spools}
    assert train(iter(lines), **options) == train(lines, **options)
    assert train((line for line in lines), **options).record == train(lines, **options).record
    assert not list(spools.iterdir())


def test_an_open_file_is_an_iterator_of_lines(tmp_path):
    lines = [f"{line}\n" for line in LINES]
    path = tmp_path / "x.txt"
    path.write_text("".join(lines), encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        assert train(file) == train(lines)


def test_a_partly_read_copy_is_read_again_from_its_beginning():
    items = [b"%d" % i * (i % 5) for i in range(50)]
    with replayable(iter(items)) as corpus:
        first, second = iter(corpus), iter(corpus)
        assert [next(first) for _ in range(10)] == items[:10]
        assert [next(second) for _ in range(20)] == items[:20]
        assert list(first) == items[10:]
        assert list(second) == items[20:]
        assert list(corpus) == items


def test_an_iterator_with_an_item_that_is_not_a_text_is_refused():
    with pytest.raises(CorpusError, match="int"):
        train(iter(["text", 5]))


def test_an_error_of_the_iterator_itself_is_passed_on():
    def lines():
        yield "text"
        raise FileNotFoundError("mine")

    with pytest.raises(FileNotFoundError, match="mine"):
        train(lines())


def test_a_copy_that_cannot_be_kept_is_an_error():
    with pytest.raises(CorpusError, match=r"nowhere: .*temp_dir"):
        train(iter(["text"]), temp_dir="nowhere")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_a_full_disk_is_an_error(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open("/dev/full", "w+b"))  # noqa: PTH123, SIM115
    with pytest.raises(CorpusError, match="No space left"):
        train(iter(["text" * 10_000]))
