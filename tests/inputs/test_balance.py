"""Balance: the weights that languages and other groups get from their sizes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import invoke
from support.corpora import train, write_lines

from bytepiece import Files, model_io
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs.balance import balanced_steps, factors_of

pytestmark = pytest.mark.usefixtures("empty_directory")

ENGLISH, SWAHILI = b"the cat and the hat", b"paka na kofia"
SIZES = {"en": 400 * len(ENGLISH), "sw": 50 * len(SWAHILI)}


def expected(exponent, sizes):
    """Return the weights by XLM-R's formula: q_i in proportion to p_i^exponent, times n / n_i."""
    total = sum(sizes)
    q = [(size / total) ** exponent for size in sizes]
    return [round(total * one / sum(q) / size, 3) for one, size in zip(q, sizes, strict=True)]


@pytest.fixture
def parts():
    """Write two texts of different sizes."""
    write_lines("en.txt", [ENGLISH] * 400)
    write_lines("sw.txt", [SWAHILI] * 50)
    return ["en.txt", "sw.txt"]


@pytest.fixture
def records():
    """Write the same texts as records of one file, of mixed languages."""
    english = [{"text": ENGLISH.decode(), "lang": "en"}] * 8
    lines = [*english, {"lang": "sw", "text": SWAHILI.decode()}] * 50
    write_lines("all.jsonl", [json.dumps(line).encode() for line in lines])
    return "all.jsonl"


@given(
    st.dictionaries(st.integers(), st.integers(0, 1 << 50), min_size=1),
    st.sampled_from([0, 0.3, 1]),
)
def test_factors_keep_the_size_of_the_corpus(sizes, exponent):
    factors = factors_of(sizes, exponent)
    balanced = [size * factors[group] for group, size in sizes.items()]
    assert sum(balanced) == pytest.approx(sum(sizes.values()))
    if exponent == 0:
        filled = [size for size in balanced if size]
        assert filled == pytest.approx([sum(filled) / max(len(filled), 1)] * len(filled))
    if exponent == 1:
        assert list(factors.values()) == pytest.approx([1.0] * len(factors))


def test_weights_stay_in_their_range():
    assert balanced_steps(1, 1e-9) == 1
    assert balanced_steps(1, 1e12) == 1_000_000_000
    assert balanced_steps(0.5, 1.25) == 625


@pytest.mark.parametrize("exponent", [0, 0.3, 1])
def test_each_path_is_a_group(parts, exponent):
    files = Files(parts).balanced(exponent)
    sizes = [Path(part).stat().st_size for part in parts]
    assert list(files.weights) == expected(exponent, sizes)
    model = train(files)
    assert model == train(Files(parts, weights=files.weights))
    assert model.record.get("weights", [1, 1]) == list(files.weights)
    assert model.record["balance"] == {"exponent": exponent}
    assert model.record.get("weighted_bytes", sum(sizes)) == pytest.approx(sum(sizes), rel=0.001)
    assert "balance" not in train(Files(parts)).record


def test_compressed_text_is_measured_as_text(parts, packed):
    pack, suffix = packed
    Path(f"en.txt{suffix}").write_bytes(pack(Path("en.txt").read_bytes()))
    packed_files = Files([f"en.txt{suffix}", "sw.txt"])
    assert packed_files.balanced(0.3).weights == Files(parts).balanced(0.3).weights


def test_explicit_weights_are_multiplied(parts):
    write_lines("other.txt", [b"x"] * 10)
    plain = Files(parts).balanced(0.3).weights
    files = Files([*parts, "other.txt"], weights=[1, 2, 0]).balanced(0.3)
    assert files.weights == pytest.approx((plain[0], 2 * plain[1], 0), abs=0.0015)
    assert "other" not in "".join(map(str, files.inputs()))


def test_counts_and_empty_files_are_measured():
    write_lines("a.tsv", [b"ab\t30", b"cd\t0"])
    write_lines("b.tsv", [b"abcdef\t10"])
    Path("empty.txt").touch()
    files = Files(["a.tsv", "b.tsv", "empty.txt"], weights=[1, 1, 3])
    assert files.balanced(0.3).weights == (1, 1, 3)


def test_a_field_names_the_groups(records):
    files = Files([records]).balanced(0.3, "lang")
    weights = expected(0.3, SIZES.values())
    assert files.balance.weights == dict(zip(["en", "sw"], weights, strict=True))
    model = train(files)
    assert model.record["balance"] == {
        "exponent": 0.3,
        "by": "lang",
        "weights": files.balance.weights,
    }
    assert "weights" not in model.record
    lines = Path(records).read_bytes().splitlines()
    write_lines("en.jsonl", [line for line in lines if b"cat" in line])
    write_lines("sw.jsonl", [line for line in lines if b"paka" in line])
    assert model == train(Files(["en.jsonl", "sw.jsonl"], weights=weights))
    units = [weight / files.unit for _, weight in files.weighted()]
    assert units == [*[weights[0]] * 8, weights[1]] * 50


def test_a_column_names_the_groups(records):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = list(map(json.loads, Path(records).read_text().splitlines()))
    table = arrow.table(
        {
            "text": [None, *(row["text"] for row in rows)],
            "lang": arrow.array([None, *(row["lang"] for row in rows)]).dictionary_encode(),
            "number": range(len(rows) + 1),
        }
    )
    parquet.write_table(table, "all.parquet")
    files = Files(["all.parquet"], weights=[3]).balanced(0.3, "lang")
    assert files.balance == Files([records]).balanced(0.3, "lang").balance
    assert files.weights == (3,)
    tripled = [round(3 * weight, 3) for weight in files.balance.weights.values()]
    units = [weight / files.unit for _, weight in files.weighted()]
    assert units == pytest.approx([*[tripled[0]] * 8, tripled[1]] * 50, abs=0.0015)
    for column, words in [("number", "holds int64"), ("no", 'no column "no".*--balance-by')]:
        with pytest.raises(CorpusError, match=words):
            Files(["all.parquet"]).balanced(0.3, column)
    parquet.write_table(
        arrow.table(
            {"text": ["a"], "lang": [None]},
            schema=arrow.schema([("text", arrow.string()), ("lang", arrow.string())]),
        ),
        "none.parquet",
    )
    with pytest.raises(CorpusError, match='row 1 has a text, but no group in "lang"'):
        Files(["none.parquet"]).balanced(0.3, "lang")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"text": "a"}, 'x.jsonl:1: no field "lang".*--balance-by'),
        ({"text": "a", "lang": 5}, 'the field "lang" is 5, not a text; --balance-by'),
    ],
)
def test_records_without_a_group_are_refused(line, words):
    write_lines("x.jsonl", [json.dumps(line).encode()])
    with pytest.raises(CorpusError, match=words):
        Files(["x.jsonl"]).balanced(0.3, "lang")


def test_texts_without_fields_have_no_groups(parts):
    with pytest.raises(CorpusError, match=r'en\.txt has no field "lang"'):
        Files(parts).balanced(0.3, "lang")


def test_too_many_groups_are_refused(monkeypatch):
    monkeypatch.setattr("bytepiece.inputs.files.MOST_GROUPS", 2)
    lines = [json.dumps({"text": "a", "id": str(number)}).encode() for number in range(3)]
    write_lines("x.jsonl", lines)
    with pytest.raises(CorpusError, match='"id" names 3 groups'):
        Files(["x.jsonl"]).balanced(0.3, "id")


def test_a_group_that_comes_later_is_noticed(records):
    files = Files([records]).balanced(0.3, "lang")
    write_lines(records, [json.dumps({"text": "a", "lang": "zh"}).encode()])
    with pytest.raises(CorpusError, match="changed after its groups were measured"):
        train(files)


@pytest.mark.parametrize("exponent", [-0.1, 1.5, float("nan"), "much"])
def test_an_exponent_out_of_range_is_refused(parts, exponent):
    with pytest.raises(ArgumentError, match="balance must be"):
        Files(parts).balanced(exponent)


def test_one_path_is_nothing_to_balance(records):
    with pytest.raises(ArgumentError, match="a single group"):
        Files([records]).balanced(0.3)


def test_the_command_balances(parts, records):
    result = invoke("train", *parts, "--balance", 0.3, "-o", "a.model", "--vocab-size", 300)
    files = Files(parts).balanced(0.3)
    assert f"balanced: the text counts in en.txt {files.weights[0]:g} times, " in result.stderr
    assert "measuring" in result.stderr
    model = model_io.load("a.model")
    assert model.record["weights"] == list(files.weights)
    options = ["--balance", 0, "--balance-by", "lang", "--vocab-size", 300]
    result = invoke("train", records, *options, "-o", "b.model")
    weights = model_io.load("b.model").record["balance"]["weights"]
    assert weights == dict(zip(["en", "sw"], expected(0, SIZES.values()), strict=True))
    assert f"sw {weights['sw']:g} times" in result.stderr


def test_balance_on_the_command_line_has_a_range(parts):
    invoke("train", *parts, "--balance", 2, code=2)
    assert "--balance EXPONENT" in invoke("train", *parts, "--balance-by", "lang", code=2).stderr
    assert (
        "--balance needs several inputs"
        in invoke("train", parts[0], "--balance", 0.3, code=2).stderr
    )
