"""`bytepiece encode`: its input, output, options and the numbers of documents."""

import bz2
import gzip
import json
import lzma
import os
import subprocess
from itertools import chain

import numpy as np
import pytest
from bytepiece_cli import rows
from hypothesis import given
from hypothesis import strategies as st
from support.cli import LINES, TEXT, invoke, posix_only, start
from support.strategies import JIT

from bytepiece import Encoded
from bytepiece.display import printable
from bytepiece.inputs import line_batches

SAMPLING = ["--sample", "--alpha", "0.3", "--seed", "7"]


pytestmark = pytest.mark.usefixtures("model_of_the_environment")


def ids_of(output):
    assert output.endswith("\n") or not output
    return [[int(word) for word in line.split(" ") if word] for line in output.splitlines()]


def samples(tok, documents, **options):
    draw = {"alpha": 0.3, "seed": 7, **options}
    return [tok.encode(text, doc_id=i, **draw) for i, text in enumerate(documents)]


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"the", [b"the"]),
        (b"the\n", [b"the"]),
        (b"\n\nthe\n\n", [b"", b"", b"the", b""]),
        (b"the\r\nhat\r", [b"the\r", b"hat\r"]),
        (b"\xff\xfe\x00\n\xe5\xa4", [b"\xff\xfe\x00", b"\xe5\xa4"]),
        ("\ufeffthe\u2028hat\x85\x0b\x0c\n".encode(), ["\ufeffthe\u2028hat\x85\x0b\x0c".encode()]),
        (TEXT, LINES),
    ],
)
def test_a_line_is_a_document(text, documents, tok):
    assert ids_of(invoke("encode", input=text).stdout) == [tok.encode(d) for d in documents]


def test_a_very_long_line_is_one_document(tok):
    text = b"the hat " * (700_000 if JIT else 700)
    assert ids_of(invoke("encode", input=text).stdout) == [tok.encode(text)]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_input_is_decompressed(pack, tok, tmp_path):
    expected = [tok.encode(line) for line in LINES]
    path = tmp_path / "x.gz"  # recognized by its content, not its name
    path.write_bytes(pack(TEXT))
    assert ids_of(invoke("encode", path).stdout) == expected
    assert ids_of(invoke("encode", input=pack(TEXT)).stdout) == expected
    records = tmp_path / "x.jsonl.gz"
    records.write_bytes(pack(b'{"text": "the\\nhat"}\n{"text": 5}\n'))
    result = invoke("encode", records, code=1)
    assert ids_of(result.stdout) == [tok.encode("the\nhat")]
    assert "x.jsonl.gz:2: " in result.stderr
    path.write_bytes(pack(TEXT)[:-9])
    assert f"{path}: the " in invoke("encode", path, code=1).stderr
    assert "<stdin>: the " in invoke("encode", input=pack(TEXT)[:-9], code=1).stderr


def test_a_line_number_is_the_document_number_of_its_sample(tok):
    assert ids_of(invoke("encode", *SAMPLING, input=TEXT).stdout) == samples(tok, LINES)
    options = ["--epoch", "3", "--sampler", "viterbi"]
    drawn = ids_of(invoke("encode", *SAMPLING, *options, input=TEXT).stdout)
    assert drawn == samples(tok, LINES, epoch=3, sampler="viterbi")
    options = ["--sampler", "nbest", "--nbest-size", "3"]
    drawn = ids_of(invoke("encode", *SAMPLING, *options, input=TEXT).stdout)
    assert drawn == samples(tok, LINES, sampler="nbest", nbest_size=3)


def test_documents_are_numbered_across_files(tmp_path, tok):
    one, two = tmp_path / "one.txt", tmp_path / "two.jsonl"
    one.write_bytes(TEXT)
    two.write_text('{"text": "the\\nhat"}\n\n{"text": ""}\n', "utf-8")
    drawn = ids_of(invoke("encode", *SAMPLING, one, "-", two, input=b"the the\n").stdout)
    assert drawn == samples(tok, [*LINES, b"the the", "the\nhat", ""])


def test_the_first_document_may_have_any_number(tok):
    for first in (5, 2**64 - len(LINES)):
        drawn = invoke("encode", *SAMPLING, "--first-document", first, input=TEXT).stdout
        expected = tok.encode_batch(LINES, alpha=0.3, seed=7, doc_id0=first)
        assert ids_of(drawn) == [row.tolist() for row in expected]
    invoke("encode", *SAMPLING, "--first-document", 2**64 - 1, input=TEXT, code=1)


def test_the_hash_of_a_text_is_its_number(tok, tmp_path):
    expected = tok.encode_batch(LINES, alpha=0.3, seed=7, doc_ids="text")
    drawn = invoke("encode", *SAMPLING, "--doc-ids", "text", input=TEXT).stdout
    assert ids_of(drawn) == [row.tolist() for row in expected]
    records = tmp_path / "x.jsonl"
    records.write_text("".join(json.dumps({"text": line.decode()}) + "\n" for line in LINES))
    assert invoke("encode", *SAMPLING, "--doc-ids", "text", records).stdout == drawn


NUMBERED = [("a", "the hat the"), (-5, "the cat"), (2**64 - 1, "今天天气 the"), ("今", "")]


@pytest.mark.parametrize("options", [[], ["--more-tokens", "20%", "--jsonl", "text"]])
def test_a_field_of_records_has_the_numbers(tok, tmp_path, options):
    numbers, texts = zip(*NUMBERED * 9, strict=True)
    path = tmp_path / "x.jsonl"
    with path.open("w") as file:
        for number, text in NUMBERED * 9:
            print(json.dumps({"id": number, "text": text}) + "\n", file=file)
    sampling = ["--sample", "--seed", 7, *(options or ["--alpha", 0.3])]
    alpha = tok.alpha_for_tokens(texts, 1.2) if options else 0.3
    expected = tok.encode_batch(texts, alpha=alpha, seed=7, doc_ids=numbers)
    drawn = invoke("encode", *sampling, "--doc-ids", "id", path).stdout
    assert ids_of(drawn) == [row.tolist() for row in expected]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": "a"}, 'no field "id"; the fields are: "text"; --doc-ids NAME names another one'),
        ({"text": "a", "id": 1.5}, 'the field "id" must be a whole number, a str or bytes'),
        ({"text": "a", "id": None}, 'the field "id" must be a whole number, a str or bytes'),
        ({"text": "a", "id": 2**64}, 'the field "id" must be in'),
    ],
)
def test_a_record_without_a_number_is_named(tmp_path, record, message):
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "the", "id": 5}\n' + json.dumps(record))
    result = invoke("encode", *SAMPLING, "--doc-ids", "id", path, code=1)
    assert f"x.jsonl:2: {message}" in result.stderr
    assert len(ids_of(result.stdout)) == 1


def test_lines_have_no_field_with_numbers():
    error = invoke("encode", *SAMPLING, "--doc-ids", "id", input=TEXT, code=1).stderr
    assert '<stdin>: lines of text have no field "id"; --doc-ids text takes' in error
    options = ["--doc-ids", "text", "--first-document", "5"]
    assert "leave --first-document out" in invoke("encode", *SAMPLING, *options, code=2).stderr


@pytest.mark.parametrize("most", [1, 5, 1000])
def test_batches_and_threads_do_not_matter(most, monkeypatch, tok):
    monkeypatch.setattr(line_batches, "_MOST", most)
    for threads in (1, 2):
        shown = invoke("encode", *SAMPLING, "--threads", threads, input=TEXT).stdout
        assert ids_of(shown) == samples(tok, LINES)


def test_a_fresh_seed_is_shown_so_that_the_run_can_be_repeated():
    first = invoke("encode", "--sample", input=TEXT * 9)
    option = first.stderr.split("add ")[1].split()
    assert invoke("encode", "--sample", *option, input=TEXT * 9).stdout == first.stdout
    assert invoke("encode", "--sample", input=TEXT * 9).stdout != first.stdout


def test_a_range_of_alphas_and_a_share_of_the_documents(tok):
    options = ["--alpha", "0.1:0.9", "--sample-prob", "0.5", "--seed", "5"]
    shown = invoke("encode", "--sample", *options, input=TEXT).stdout
    assert ids_of(shown) == samples(tok, LINES, alpha=(0.1, 0.9), sample_prob=0.5, seed=5)


def test_the_default_alpha_is_one_tenth(tok):
    shown = invoke("encode", "--sample", "--seed", 5, input=TEXT).stdout
    assert ids_of(shown) == samples(tok, LINES, alpha=0.1, seed=5)


@pytest.mark.parametrize(
    "option",
    [
        ["--alpha", "0.1"],
        ["--more-tokens", "10%"],
        ["--sample-prob", "0.5"],
        ["--seed", "1"],
        ["--epoch", "0"],
        ["--first-document", "0"],
        ["--doc-ids", "text"],
        ["--sampler", "perfect"],
    ],
)
def test_sampling_options_without_sample_are_wrong_usage(option):
    error = invoke("encode", *option, code=2).stderr
    assert option[0] in error
    assert "add --sample" in error


def test_nbest_size_needs_the_nbest_sampler():
    error = invoke("encode", "--sample", "--nbest-size", 3, code=2).stderr
    assert "--sampler nbest" in error


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--alpha", ["nan", "inf", "-inf", "-0.1", "x", "0.2:0.1", "1:2:3", ":"]),
        ("--sample-prob", ["-0.1", "1.1", "nan", "x"]),
        ("--seed", [-1, 2**64, "1.5"]),
        ("--epoch", [-1, 2**32]),
        ("--sampler", ["exact"]),
        ("--nbest-size", [0, 2**20 + 1]),
        ("--threads", [0]),
        ("--format", ["csv"]),
    ],
)
def test_values_out_of_range_are_wrong_usage(option, values):
    for value in values:
        error = invoke("encode", "--sample", option, value, code=2).stderr
        assert f"'{option}'" in error
        assert str(value) in error


def test_the_limits_of_ranges_are_valid(tok):
    options = ["--seed", 2**64 - 1, "--epoch", 2**32 - 1, "--alpha", "0"]
    drawn = ids_of(invoke("encode", "--sample", *options, input=TEXT).stdout)
    assert drawn == samples(tok, LINES, alpha=0, seed=2**64 - 1, epoch=2**32 - 1)


def test_a_text_instead_of_a_file_gets_a_hint():
    error = invoke("encode", "the hat", code=2).stderr
    assert "'the hat' does not exist" in error
    assert "echo" in error


def test_pieces_are_readable_and_special_tokens_have_names():
    shown = invoke("encode", "--format", "pieces", "--bos", "--eos", input=b"the hat\n\n\xff\r")
    lines = shown.stdout_bytes.decode().splitlines()
    assert lines == ["<bos> the ▁hat <eos>", "<bos> <eos>", "<bos> \\xff \\r <eos>"]


def test_jsonl_holds_the_same_ids(tok):
    shown = invoke("encode", "--format", "jsonl", "--eos", input=TEXT).stdout
    rows = [json.loads(line) for line in shown.splitlines()]
    assert rows == [{"ids": [*tok.encode(line), 2]} for line in LINES]
    assert invoke("encode", "--format", "jsonl", input=b"").stdout == ""


@given(
    lists=st.lists(st.lists(st.integers(0, 2**24 - 1), max_size=4), max_size=5),
    together=st.sampled_from([1, 2, 3, 5, 1 << 18]),
    few=st.sampled_from([0, 1 << 10]),
)
def test_ids_are_written_as_decimal_numbers(lists, together, few, tok):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(rows, "_TOGETHER", together)
        monkeypatch.setattr(rows, "_FEW", few)
        check_lines(lists, tok)


def check_lines(lists, tok):
    offsets = np.cumsum([0, *map(len, lists)])
    encoded = Encoded(np.array(list(chain(*lists)), dtype=np.int32), offsets)
    expected = "".join(" ".join(map(str, row)) + "\n" for row in lists)
    assert b"".join(rows.line_writer("ids", tok)(encoded)).decode() == expected
    jsonl = b"".join(rows.line_writer("jsonl", tok)(encoded)).decode()
    assert [json.loads(line)["ids"] for line in jsonl.splitlines()] == lists
    known = [[id_ % tok.vocab_size for id_ in row] for row in lists]
    shown = b"".join(
        rows.line_writer("pieces", tok)(Encoded(np.array(list(chain(*known)), np.int32), offsets))
    )
    names = [[tok.id_to_piece(id_) for id_ in row] for row in known]
    expected = [
        " ".join(printable(name.encode() if isinstance(name, str) else name) for name in row)
        for row in names
    ]
    assert shown.decode() == "".join(line + "\n" for line in expected)


def test_the_option_jsonl_names_the_field_of_the_text(tok):
    text = '{"id": 1, "body": "the\\n今天\\ud800"}\n  \n{"body": "hat"}'.encode()
    drawn = ids_of(invoke("encode", *SAMPLING, "--jsonl", "body", input=text).stdout)
    assert drawn == samples(tok, ["the\n今天\ud800", "hat"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("the", ["not JSON"]),
        ('{"text": "the"', ["not JSON"]),
        ("[" * 200_000, ["not JSON"]),
        ("\xff", ["not JSON"]),
        ('["the"]', ["not a JSON object", '{"text"']),
        ('{"body": "the", "n": 1}', ['no field "text"', '"body", "n"', "--jsonl"]),
        ("{}", ['no field "text"', "none"]),
        ('{"text": 5}', ['"text" is 5', "--jsonl"]),
        ('{"text": null}', ['"text" is null', "--jsonl"]),
    ],
)
def test_a_bad_record_is_reported_after_the_records_before_it(line, words, tmp_path, tok):
    path = tmp_path / "some.jsonl"
    path.write_bytes(b'{"text": "the"}\n\n' + line.encode("latin-1") + b'\n{"text": "hat"}\n')
    result = invoke("encode", path, code=1)
    assert ids_of(result.stdout) == [tok.encode("the")]
    for word in [f"{path}:3: ", *words]:
        assert word in result.stderr
    piped = invoke("encode", "--jsonl", "text", input=path.read_bytes(), code=1)
    assert "<stdin>:3: " in piped.stderr


def test_a_missing_file_stops_the_run_at_the_start(tmp_path):
    there = tmp_path / "there.txt"
    there.write_bytes(TEXT)
    result = invoke("encode", there, tmp_path / "missing.txt", code=2)
    assert not result.stdout
    assert "missing.txt" in result.stderr


def test_each_line_is_answered_at_once(tok):
    with start("encode") as program:
        for line in (b"the hat", b"", b"the"):
            program.stdin.write(line + b"\n")
            program.stdin.flush()
            answer = program.stdout.readline().decode()  # without an answer it waits forever
            assert [int(word) for word in answer.split()] == tok.encode(line)
        program.stdin.write(b"no end")
        program.stdin.close()
        assert [int(word) for word in program.stdout.read().split()] == tok.encode("no end")
        assert program.wait() == 0


@posix_only
def test_an_empty_nonblocking_pipe_is_not_the_end_of_input(tok):
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with start("encode", stdin=reader) as program:
        os.close(reader)
        for _ in range(2):
            os.write(writer, b"the hat\n")
            assert [int(word) for word in program.stdout.readline().split()] == tok.encode(
                "the hat"
            )
        os.close(writer)
        assert program.wait() == 0


def test_large_output_is_complete():
    text = TEXT * (20_000 if JIT else 20)
    with start("encode", stderr=subprocess.DEVNULL) as program:
        output, _ = program.communicate(text)
    assert output == invoke("encode", input=text).stdout_bytes
