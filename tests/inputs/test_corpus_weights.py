"""Weights of files, and what a reader notices between two passes over a corpus."""

from pathlib import Path

import pytest
from support import SAMPLE
from support.corpora import TEXT, train, write_lines
from support.strategies import JIT

from bytepiece import Files
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs import texts
from bytepiece.training.corpus_reader import CorpusReader

pytestmark = pytest.mark.usefixtures("empty_directory")


@pytest.fixture
def parts():
    """Write three files of different texts."""
    lines = SAMPLE.read_bytes().splitlines()
    for i, name in enumerate("abc"):
        write_lines(f"{name}.txt", lines[i::3] if JIT else lines[i::30])
    return ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize("options", [{}, {"min_count": 5, "order": 3}, {"digits": "each"}])
@pytest.mark.parametrize("weights", [[2, 1, 1], [1, 3, 2], [0, 1, 2], [5, 5, 0]])
def test_a_whole_weight_equals_that_many_readings(parts, weights, options):
    repeated = [part for part, weight in zip(parts, weights, strict=True) for _ in range(weight)]
    for size in (300, 900):
        weighted = train(Files(parts, weights=weights), size, **options)
        assert weighted == train(Files(repeated), size, **options)
        assert len(weighted.pieces) > 290 or not JIT
    assert weighted.record["weights"] == weights


def test_a_weight_of_one_changes_nothing(parts):
    model = train(Files(parts, weights=[1, 1.0, True]))
    assert model == train(Files(parts))
    assert model.record == train(Files(parts)).record


def test_fractions_are_whole_numbers_of_smaller_units(parts):
    # Halves and quarters make four units. Counts and their limits are both in units,
    model = train(Files(parts, weights=[0.5, 1, 0.25]), 600, min_count=2)
    four = train(Files(parts, weights=[2, 4, 1]), 600, min_count=8)
    counts = [dict(zip(m.pieces, m.counts.tolist(), strict=True)) for m in (model, four)]
    # but a byte that does not occur counts as a single occurrence.
    assert (counts[0][b"\0"], counts[1][b"\0"]) == (4, 1)
    assert len(model.pieces) > 500 or not JIT
    assert len({piece for piece in counts[0] if counts[0][piece] != counts[1].get(piece)}) < 250
    sizes = [Path(part).stat().st_size for part in parts]
    assert model.record["corpus_bytes"] == sum(sizes)
    assert model.record["weighted_bytes"] == sizes[0] / 2 + sizes[1] + sizes[2] / 4
    assert model.record["count_unit"] == 0.25


def test_weights_do_not_depend_on_threads_order_or_blocks(parts, monkeypatch):
    weights = {"a.txt": 0.3, "b.txt": 1.7, "c.txt": 0.001}
    expected = train(Files(parts, weights=[weights[part] for part in parts]), threads=1)
    monkeypatch.setattr("bytepiece.training.corpus_reader._BLOCK", 999)
    monkeypatch.setattr(texts, "BLOCK", 77)
    for order in (parts, parts[::-1]):
        files = Files(order, weights=[weights[part] for part in order])
        assert train(files, threads=3) == expected


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), 1_000_001, 0.0004, "two", None])
def test_weights_out_of_range_are_refused(parts, weight):
    with pytest.raises(ArgumentError, match="weight"):
        Files(parts, weights=[1, 1, weight])


def test_another_number_of_weights_than_paths_is_an_error(parts):
    with pytest.raises(ArgumentError, match="2 weights for 3 paths"):
        Files(parts, weights=[1, 1])


def test_weight_zero_for_all_leaves_nothing(parts):
    with pytest.raises(CorpusError, match="empty"):
        train(Files(parts, weights=[0, 0, 0]))


# Passes.


def test_changed_counts_between_passes_are_noticed():
    write_lines("x.tsv", [b"ab\t1", b"cd\t2"])
    reader = CorpusReader("x.tsv", (), 0)
    list(reader)
    list(reader)
    write_lines("x.tsv", [b"ab\t2", b"cd\t1"])
    with pytest.raises(CorpusError, match="changed"):
        list(reader)


def test_a_new_file_between_passes_is_noticed():
    write_lines("data/a.txt", [b"ab"])
    reader = CorpusReader("data", (), 0)
    list(reader)
    write_lines("data/b.txt", [b"ab"])
    with pytest.raises(CorpusError, match="changed"):
        list(reader)


def test_progress_of_compressed_input_reaches_its_end(packed):
    pack, _ = packed
    Path("x").write_bytes(pack(TEXT))
    seen = []
    train("x", progress=lambda *step: seen.append(step))
    counting = [(done, total) for phase, done, total in seen if phase == "counting"]
    assert counting[-1] == (len(TEXT), len(TEXT))
    assert all(done < total for done, total in counting[:-1])
