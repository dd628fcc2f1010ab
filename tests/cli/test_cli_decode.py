"""`bytepiece decode`: it returns the exact bytes, and names bad ids."""

import json

import pytest
from bytepiece_cli import decode
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support.cli import TEXT, invoke
from support.strategies import BYTES

from bytepiece import model_io
from bytepiece.inputs import line_batches
from bytepiece.inputs.decompress import compression_of

LAST = 276
"""The largest id of the model."""


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    """Return the path of the model file."""
    path = tmp_path_factory.mktemp("cli") / "small.model"
    model_io.save(model, path)
    return path


def with_end(text):
    return text if text.endswith(b"\n") or not text else text + b"\n"


@pytest.mark.parametrize("options", [[], ["--bos", "--eos"], ["--sample", "--alpha", "0"]])
@given(text=BYTES)
@example(text=TEXT)
@example(text=b"\n\r\n\n\r")
def test_encoded_text_comes_back_exactly(options, text, path):
    assume(compression_of(text) is None)
    ids = invoke("encode", "-m", path, *options, input=text).stdout_bytes
    assert invoke("decode", "-m", path, input=ids).stdout_bytes == with_end(text)


@given(texts=st.lists(st.text(max_size=9)))
@example(texts=["the\nhat\r\n", ""])
def test_encoded_records_come_back_exactly(texts, path):
    records = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    options = ["-m", path, "--format", "jsonl"]
    ids = invoke("encode", "--jsonl", "text", *options, input=records.encode()).stdout_bytes
    decoded = invoke("decode", *options, input=ids).stdout_bytes.decode()
    assert [json.loads(line)["text"] for line in decoded.split("\n")[:-1]] == texts


@given(text=BYTES, part=st.integers(1, 9))
def test_long_lines_and_records_are_decoded_in_parts(text, part, path, tok):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(decode, "_PART", part)
        ids = tok.encode(text)
        line = " ".join(map(str, ids)).encode() + b"\n"
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        assert invoke("decode", "-m", path, input=line).stdout_bytes == raw + b"\n"
        record = json.dumps({"ids": ids}).encode()
        decoded = invoke("decode", "-m", path, "--format", "jsonl", input=record).stdout_bytes
        assert decoded == json.dumps({"text": tok.decode(ids)}, ensure_ascii=False).encode() + b"\n"


def test_invalid_utf8_is_replaced_in_records(path, tok):
    ids = json.dumps({"ids": tok.encode(b"the\xff")}).encode()
    decoded = invoke("decode", "-m", path, "--format", "jsonl", input=ids).stdout_bytes
    assert decoded.decode() == '{"text": "the\ufffd"}\n'


def test_white_space_and_special_tokens_stand_for_no_text(path, tok):
    ids = " ".join(map(str, tok.encode("the")))
    text = f"1  {ids}\t2 \r\n\n 00{ids} \n"
    assert invoke("decode", "-m", path, input=text.encode()).stdout_bytes == b"the\n\nthe\n"


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_the_size_of_reads_does_not_matter(most, path, monkeypatch):
    ids = invoke("encode", "-m", path, input=TEXT).stdout_bytes
    monkeypatch.setattr(line_batches, "_MOST", most)
    assert invoke("decode", "-m", path, input=ids).stdout_bytes == with_end(TEXT)


@pytest.mark.parametrize(
    "word", [f"{LAST + 1}", "9" * 18, "9" * 5000, "-1", "+3", "1_0", "3.0", "the", "٣", "\x1b[2J"]
)
def test_a_bad_id_is_reported_with_its_line_and_the_range(word, path, tmp_path, tok):
    ids = tmp_path / "ids.txt"
    ids.write_text(f"3 4\n\n5 {word} 6\n7\n", "utf-8")
    result = invoke("decode", "-m", path, ids, code=1)
    assert (
        result.stdout_bytes == tok.decode_bytes([3, 4]) + b"\n\n"
    )  # the lines before the bad line
    assert f"{ids}:3: " in result.stderr
    assert f"0…{LAST}" in result.stderr
    assert repr(word)[1:20] in result.stderr or word in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f'{{"ids": [3, {LAST + 1}]}}', [str(LAST + 1), f"0…{LAST}"]),
        ('{"ids": [3, -1]}', ["-1", f"0…{LAST}"]),
        ('{"ids": [3, "4"]}', ['"4"', f"0…{LAST}"]),
        ('{"ids": [3, true]}', ["true", f"0…{LAST}"]),
        ('{"ids": [3, 4.0]}', ["4.0", f"0…{LAST}"]),
        ('{"ids": 3}', ["not a list"]),
        ('{"id": [3]}', ['no field "ids"', '"id"']),
        ("3 4", ["not JSON"]),
        ("[3, 4]", ["not a JSON object"]),
    ],
)
def test_a_bad_record_is_reported_with_its_line(line, words, path):
    text = f'{{"ids": [3]}}\n\n{line}\n'
    result = invoke("decode", "-m", path, "--format", "jsonl", input=text.encode(), code=1)
    assert result.stdout_bytes == b'{"text": "\\u0000"}\n'
    for word in ["<stdin>:3: ", *words]:
        assert word in result.stderr


def test_records_without_format_jsonl_get_a_hint(path):
    error = invoke("decode", "-m", path, input=b'{"ids": [3]}\n', code=1).stderr
    assert "--format jsonl" in error
