"""`bytepiece encode --more-tokens`, which finds the alpha, and `bytepiece info --on`."""

import json

import numpy as np
import pytest
from bytepiece_cli import encode
from support.cli import LINES, TEXT, invoke

from bytepiece import Encoded
from bytepiece.inputs import line_batches

TEN = ["--sample", "--seed", "7", "--more-tokens", "10%"]


pytestmark = pytest.mark.usefixtures("model_of_the_environment")


def shown(rows):
    return "".join(" ".join(map(str, row.tolist())) + "\n" for row in rows)


def sampled(tok, texts, priced, **options):
    alpha = tok.alpha_for_tokens(priced, 1.1, **options)
    return alpha, shown(tok.encode_batch(texts, alpha=alpha, seed=7, **options))


@pytest.mark.parametrize("most", [1, 7, 1 << 22])
@pytest.mark.parametrize("size", [5, 40, 1_000_000])
def test_the_beginning_finds_the_alpha_and_all_text_is_encoded(monkeypatch, tok, most, size):
    """The sizes of reads do not matter, and the beginning may end within a line."""
    monkeypatch.setattr(line_batches, "_MOST", most)
    monkeypatch.setattr(encode, "_PRICED", size)
    monkeypatch.setattr(encode, "usable_cores", lambda: 2)
    head, left = [], size
    for line in LINES:
        head.append(line[:left])
        left -= len(head[-1])
    alpha, expected = sampled(tok, LINES, head)
    result = invoke("encode", *TEN, input=TEXT)
    assert result.stdout == expected
    told = [line for line in result.stderr.splitlines() if "alpha" in line]
    assert len(told) == 1
    assert f"alpha {alpha!r} gives 1.1000 times" in told[0]
    again = invoke("encode", "--sample", "--seed", 7, "--alpha", repr(alpha), input=TEXT)
    assert again.stdout == expected


def test_other_samplers_and_a_share_of_the_documents(tok):
    lines = LINES * 9
    _, expected = sampled(tok, lines[:-1], lines[:-1], sample_prob=0.5)
    text = b"".join(line + b"\n" for line in lines[:-1])
    assert invoke("encode", *TEN, "--sample-prob", "0.5", input=text).stdout == expected
    options = {"sampler": "nbest", "nbest_size": 8}
    _, expected = sampled(tok, lines[:-1], lines[:-1], **options)
    flags = ["--sampler", "nbest", "--nbest-size", 8]
    assert invoke("encode", *TEN, *flags, input=text).stdout == expected


def test_records_and_tables_are_read_once(tok, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"text": line.decode()}) + "\n" for line in LINES), "utf-8")
    _, expected = sampled(tok, LINES, LINES)
    assert invoke("encode", *TEN, path).stdout == expected
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": [*LINES, None]}), tmp_path / "x.parquet")
    assert invoke("encode", *TEN, tmp_path / "x.parquet").stdout == expected + "\n"


def test_token_files_hold_the_same_samples(tok, tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(TEXT)
    arguments = ["encode", *TEN, "--format", "npy", "-o", tmp_path / "out", path]
    invoke(*arguments)
    _, expected = sampled(tok, LINES, LINES)
    ids, offsets = (np.load(tmp_path / f"out.{name}.npy") for name in ("ids", "offsets"))
    assert shown(Encoded(ids, offsets)) == expected


@pytest.mark.parametrize("text", [b"", b"\n\n"])
def test_input_without_text_needs_no_alpha(text):
    result = invoke("encode", *TEN, input=text)
    assert result.stdout == text.decode()


def test_alpha_and_more_tokens_exclude_each_other():
    error = invoke("encode", *TEN, "--alpha", 0.1, input=TEXT, code=2).stderr
    assert "leave --alpha out" in error


@pytest.mark.parametrize("value", ["10", "0.1", "0%", "-5%", "nan%", "inf%", "%", "ten%"])
def test_a_percentage_has_its_sign(value):
    error = invoke("encode", "--sample", "--more-tokens", value, code=2).stderr
    assert "is not a percentage above 0 such as 10%" in error


def test_a_price_out_of_reach_names_the_range():
    error = invoke("encode", "--sample", "--more-tokens", "900%", input=TEXT, code=1).stderr
    assert "a price of 10 is out of reach" in error
    assert "alphas from 0 to 64" in error


def test_info_shows_what_samples_cost(tok, tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(TEXT)
    table = invoke("info", "--on", path).stdout.splitlines()
    [facts] = json.loads(invoke("info", "--on", "-", "--json", input=TEXT).stdout)["on"]
    twice = invoke("info", "--on", path, "--on", path).stdout.splitlines()
    assert twice == [*table, *table[-11:]]
    size = sum(map(len, LINES))
    assert (facts["file"], facts["bytes"]) == ("<stdin>", size)
    assert [row["alpha"] for row in facts["alphas"]] == [None, 0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0]
    assert f"on {size / 1000:.1f} kB of {path}" in table
    assert table[-9].split() == ["alpha", "tokens", "price", "bits", "per", "byte"]
    assert table[-8].split() == [
        "best",
        "path",
        str(sum(map(tok.count, LINES))),
        "1.0000",
        "0.0000",
    ]
    for row, line in zip(facts["alphas"][1:], table[-7:], strict=True):
        lattices = [tok.lattice(text, row["alpha"]) for text in LINES]
        tokens = sum(lattice.expected_tokens() for lattice in lattices)
        bits = sum(lattice.entropy("bits") for lattice in lattices) / size
        price = tokens / facts["alphas"][0]["tokens"]
        assert row == {
            "alpha": row["alpha"],
            "tokens": pytest.approx(tokens),
            "price": pytest.approx(price),
            "entropy": pytest.approx(bits),
        }
        assert line.split() == [f"{row['alpha']:g}", f"{tokens:.0f}", f"{price:.4f}", f"{bits:.4f}"]


def test_info_on_a_text_without_tokens():
    assert "the texts have no tokens" in invoke("info", "--on", "-", input=b"", code=1).stderr
    assert "does not exist" in invoke("info", "--on", "missing.txt", code=2).stderr
