"""Decoding gives back every text, byte for byte."""

import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.strategies import BYTES, JIT, STRINGS, TEXTS, make_model, scores_of, vocabularies

from bytepiece import TextRules, Tokenizer
from bytepiece.rules.text import to_bytes

METHODS = [
    {},
    {"alpha": 0.1, "seed": 1},
    {"alpha": 0.1, "seed": 1, "sampler": "viterbi"},
    {"alpha": 0.1, "seed": 1, "sampler": "nbest", "nbest_size": 2},
]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=["free", "each", "groups-of-three"])
def each_tok(request, model):
    """Return a tokenizer of the small model, by each rule for digits."""
    rules = TextRules(digits=request.param)
    return Tokenizer(make_model(scores_of(model), rules=rules))


@given(TEXTS)
@example("")
@example("\n")
@example("\n" * 1000)
@example("\ufeffthe\r\nhat\r\n")
@example("\ud83d\udc4d \udcff\ud800")
@example(b"\x00\x00\x00")
@example(bytes(range(256)))
@example(b"\xff\xfe\xed\xa0\x80\xe4\xbb")
@example("👨\u200d👩\u200d👧 e\u0301 0١२")
@pytest.mark.parametrize("options", METHODS)
def test_decoding_undoes_encoding(each_tok, options, text):
    ids = each_tok.encode(text, **options)
    assert each_tok.decode_bytes(ids) == to_bytes(text)
    assert b"".join(each_tok.tokenize(text, **options)) == to_bytes(text)


@given(vocabularies(alphabet=b"\x00\n\xe4\xbb"), st.binary(max_size=30))
def test_decoding_undoes_encoding_with_any_vocabulary(scores, text):
    tok = Tokenizer(make_model(scores))
    for options in METHODS:
        assert tok.decode_bytes(tok.encode(text, **options)) == text


@given(st.lists(TEXTS, max_size=6), st.booleans(), st.booleans())
def test_rows_of_a_batch_decode_to_their_texts(each_tok, texts, bos, eos):
    batch = each_tok.encode_batch(texts, add_bos=bos, add_eos=eos, alpha=0.1, seed=1, samples=2)
    assert batch.ids.dtype == np.int32
    assert batch.offsets.dtype == np.int64
    assert len(batch) == len(batch.offsets) - 1 == 2 * len(texts)
    assert batch.offsets[0] == 0
    assert batch.offsets[-1] == len(batch.ids)
    rows = list(batch)
    assert [each_tok.decode_bytes(row) for row in rows] == [
        to_bytes(text) for text in texts for _ in range(2)
    ]
    for index, row in enumerate(rows):
        assert row.tolist() == batch[index].tolist() == batch[index - len(batch)].tolist()
        assert row.tolist() == batch.ids[batch.offsets[index] : batch.offsets[index + 1]].tolist()
    for index in (len(batch), -len(batch) - 1):
        with pytest.raises(IndexError):
            batch[index]


@given(STRINGS)
def test_a_str_comes_back_whole_unless_it_has_lone_surrogates(each_tok, text):
    decoded = each_tok.decode(each_tok.encode(text))
    if any("\ud800" <= char <= "\udfff" for char in text):
        assert decoded == to_bytes(text).decode("utf-8", "replace")
    else:
        assert decoded == text


def test_a_normalizing_model_gives_back_the_normalized_text():
    tok = Tokenizer(make_model({}, rules=TextRules(normalization=("NFC",))))
    assert tok.decode(tok.encode("e\u0301")) == "é"
    assert tok.decode_bytes(tok.encode(b"e\xcc\x81\xff")) == b"\xc3\xa9\xff"


def test_stray_bytes_decode_to_replacement_characters(tok):
    assert tok.decode(tok.encode(b"a\xffb\xe4\xbb")) == "a\ufffdb\ufffd"


def test_special_tokens_vanish_in_decoding(tok):
    ids = tok.encode("the\n", add_bos=True, add_eos=True)
    assert tok.decode([0, *ids, 0, 1]) == "the\n"
    assert tok.decode_batch([ids, [], [2]]) == ["the\n", "", ""]
    assert [tok.decode_bytes([special]) for special in (0, 1, 2)] == [b""] * 3


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array])
def test_ids_may_come_in_any_container(tok, kind):
    ids = tok.encode("the cat")
    assert tok.decode(kind(ids)) == "the cat"
    assert tok.decode_bytes(kind(ids)) == b"the cat"


# ---- streams


@given(BYTES | STRINGS.map(to_bytes), st.booleans())
def test_a_stream_decodes_to_the_same_text(tok, text, finest):
    """This also holds if every byte has an id of its own."""
    ids = [tok.piece_to_id(bytes([byte])) for byte in text] if finest else tok.encode(text)
    decoder = tok.stream_decoder()
    parts = [decoder.push(id_) for id_ in [1, *ids, 2]]
    parts.append(decoder.finish())
    assert "".join(parts) == tok.decode(ids)
    assert decoder.push(tok.piece_to_id(b"a")) == "a"


def test_a_stream_holds_back_unfinished_characters(tok):
    decoder = tok.stream_decoder()
    pushed = [decoder.push(tok.piece_to_id(bytes([byte]))) for byte in "a👍é".encode() + b"\xe4"]
    assert pushed == ["a", "", "", "", "👍", "", "é", ""]
    assert decoder.finish() == "\ufffd"
    assert decoder.finish() == ""


# ---- long texts


@pytest.mark.parametrize("options", METHODS)
def test_a_megabyte_of_one_byte_comes_back(options):
    pieces = {b"a" * n: -4.0 - n / 8 for n in (2, 3, 5, 8, 21, 64)}
    tok = Tokenizer(make_model(pieces, byte_score=-5.0))
    text = b"a" * (MEGABYTE if JIT else 3000)
    assert tok.decode_bytes(tok.encode(text, **options)) == text


@pytest.mark.parametrize("options", METHODS)
def test_many_empty_lines_come_back(tok, options):
    text = b"\n" * (MEGABYTE if JIT else 3000)
    assert tok.decode_bytes(tok.encode(text, **options)) == text


@pytest.mark.skipif(not JIT, reason="needs compiled kernels")
@pytest.mark.parametrize("options", METHODS)
def test_ten_megabytes_without_a_newline_take_linear_time(tok, options):
    line = "the cat and the hat... 今天天气 👍 ".encode()
    tok.encode(line, **options)
    seconds = []
    for size in (MEGABYTE, 10 * MEGABYTE):
        text = line * (size // len(line))
        times = []
        for _ in range(3):
            start = time.perf_counter()
            batch = tok.encode_batch([text], **options)
            times.append(time.perf_counter() - start)
        assert tok.decode_bytes(batch.ids) == text
        seconds.append(min(times))
    # On a quiet machine, ten times the text takes ten times as long. With quadratic time it would
    # take a hundred times as long.
    assert seconds[1] < 30 * max(seconds[0], 0.03)
