"""tokenizer.json files as `tokenizers` and `transformers` read them."""

import json
import math
import os
import re
import sys
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import SAMPLE
from support.strategies import JIT, make_model, models
from support.tokenizers_library import LIBRARY, TheirTokenizer, before_1

from bytepiece import SpecialToken, TextRules, Tokenizer
from bytepiece._logarithms import rounded
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats import huggingface_numbers as numbers
from bytepiece.formats import to_huggingface
from bytepiece.kernels.digits import DIGIT_RANGES

SCALARS = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
"""All code points of Unicode that can be encoded; with slow kernels, only the first ones."""
if not JIT:
    SCALARS = SCALARS[:0x3000]

ODD = [
    "",
    "\n",
    "\n\n\nb",
    "a\n\nb\n",
    "a\r\n\r\nb\tc \n \n",
    "\0\0a\0",
    " " * 100,
    "7 7\n\n7\n٣७７x\n",
    "e\u0301 ﬁ ① ㍿ \u1e9b\u0323 가 \u1100\u1161",
    "▁Ġ\u0100\u0120Ċ",
    "\ufeff\u200d👩‍🚀\u2028\u2029\x85\x0b\x0c",
    "".join(map(chr, range(256))),
    "<pad><bos>text<eos>",
]

TEXTS = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("\n\n\r 07٣é\u0301\0"))


def load(model, plain=True):
    """Return the tokenizer that the library reads."""
    return TheirTokenizer(to_huggingface.to_json(model), plain)


@pytest.mark.parametrize("algorithm", ["merge", "bnlm"])
def test_whole_texts_and_lines_get_the_same_ids(trained, algorithm):
    model = trained[algorithm]
    theirs = load(model)
    # The file's scores are rounded, and BNLM's are not.
    tok = Tokenizer(replace(model, scores=rounded(model.scores), counts=None))
    whole = SAMPLE.read_text("utf-8")[: None if JIT else 4000]
    lines = whole.split("\n")
    texts = [*lines, whole, whole.replace("\n", " "), *ODD, SCALARS[::16]]
    for text, ids in zip(texts, theirs.encode_batch(texts), strict=True):
        assert ids == tok.encode(text)
        assert theirs.decode(ids, skip_special_tokens=False) == text


@given(models(), st.lists(TEXTS, max_size=3))
def test_any_model_and_text(model, texts):
    tok, theirs = Tokenizer(model), load(model)
    for text in texts:
        assert theirs.encode(text) == tok.encode(text)
        assert theirs.decode(tok.encode(text)) == text


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("digits", ["free", "each", "groups-of-three"])
def test_rules(trained, form, digits):
    pieces = {
        b"a1": -1.0,
        b"\nb": -1.0,
        b"7\n": -1.0,
        b"11": -1.0,
        b"1111": -0.5,
        "é".encode(): -3.0,
    }
    rules = TextRules(normalization=(form,), digits=digits)
    model = make_model(pieces, rules=rules)
    tok, theirs = Tokenizer(model), load(model)
    for text in [*ODD, "a11\nb7\n\n8\nba1", "11\n\n11", "1111a11111 1117777777\n11"]:
        assert theirs.encode(text) == tok.encode(text)


@pytest.mark.parametrize("digits", ["each", "groups-of-three"])
def test_segments_equal_those_of_this_library(digits):
    """Pieces join each character's bytes to both neighbors, so any other cut gives other ids."""
    rules = TextRules(digits=digits)
    starts = {char.encode()[:1] for char in SCALARS} | {b"\n"}
    ends = {char.encode()[-1:] for char in SCALARS if ord(char) > 0x7F}
    pieces = {b"a" + start: -1.0 for start in starts} | {end + b"b": -1.0 for end in ends}
    model = make_model({**pieces, b"\na": -1.0, b"b\n": -1.0, b"\n\n": -1.0}, rules=rules)
    near = {chr(code) for low, high in DIGIT_RANGES for code in range(low - 1, high + 2)}
    text = "".join(f"a{char}b\n" for char in sorted({*SCALARS[::16], *near}))
    ids = load(model).encode(text)
    assert ids == Tokenizer(model).encode(text)
    assert [len(Tokenizer(model).encode(f"a{char}b")) for char in "7٣७é中"] == [3, 4, 5, 2, 3]


@given(st.text(st.sampled_from("0123٣٤７𝟕a\u0300é \n"), max_size=60))
@example("0" * 3001)
@example("٣" * 3000 + "a")
def test_groups_of_digits(text):
    runs = {char * n: -1.0 for char in "0٣７" for n in (2, 3, 4)}
    runs |= dict.fromkeys(["01", "123", "23٣", "a0", "3a", " 1", "2\n"], -1.0)
    rules = TextRules(digits="groups-of-three")
    model = make_model({run.encode(): score for run, score in runs.items()}, rules=rules)
    assert load(model).encode(text) == Tokenizer(model).encode(text)


@before_1
@pytest.mark.parametrize("digits", ["free", "each", "groups-of-three"])
def test_offsets_are_into_the_text_given(trained, digits):
    rules = TextRules(digits=digits)
    for model in (trained["merge"], make_model({b"a1": -1.0, b"\n\n": -1.0}, rules=rules)):
        theirs, tok = load(model), Tokenizer(model)
        for text in [*ODD, SAMPLE.read_text("utf-8")[:20000], "a1\n\n\n٣٣x"]:
            encoding = theirs.library.encode(text)
            spans = tok.align(text, encoding.ids).char_spans
            assert encoding.offsets == list(map(tuple, spans))


SPECIAL = (
    SpecialToken("<pad>", 300, "pad"),
    SpecialToken("<|im start|>", 5, "control"),
    SpecialToken("<|im", 7, "control"),
    SpecialToken("中", 310, "control"),
    SpecialToken("<eos>", 400, "eos"),
)


@pytest.fixture
def with_gaps():
    """A model with gaps between its ids, and special tokens in some of the gaps."""
    pieces = {b"<e": -1.0, b"os>": -1.0, "中文".encode(): -2.0}
    free = [id_ for id_ in range(3, 300) if id_ not in (5, 7)][: 256 + len(pieces)]
    return make_model(pieces, special_tokens=SPECIAL, ids=free)


def test_a_document_cannot_forge_a_special_token(with_gaps):
    tok, theirs = Tokenizer(with_gaps), load(with_gaps)
    for text in ["<eos>", "<|im start|>中文<|im<pad>", "中", "unused 0", "\0unused 299"]:
        assert theirs.encode(text) == tok.encode(text)
        assert not {token.id for token in SPECIAL} & set(theirs.encode(text))
    theirs = load(with_gaps, plain=False)
    text = "a<eos><|im start|>中文<|im中<pad>"
    assert theirs.encode(text) == tok.encode(text, allowed_special="all")
    assert theirs.decode(theirs.encode(text)) == "a文"


@before_1
def test_names_and_ids_are_kept(with_gaps):
    theirs = load(with_gaps).library
    assert {token.name: theirs.token_to_id(token.name) for token in SPECIAL} == {
        token.name: token.id for token in SPECIAL
    }
    assert theirs.token_to_id("<e") == Tokenizer(with_gaps).piece_to_id(b"<e")
    assert theirs.get_vocab_size() == with_gaps.vocab_size == 401


def test_bytes_with_very_low_scores_win_over_a_special_token():
    model = make_model({}, byte_score=-(2.0**20))
    assert load(model).encode("<eos>") == Tokenizer(model).encode("<eos>")


def test_a_piece_spelled_like_a_special_token_gives_a_warning():
    model = make_model({b"<eos>": -1.0, b"<e": -3.0})
    with pytest.warns(UserWarning, match="1 pieces"):
        theirs = load(model)
    others = Tokenizer(make_model({b"<e": -3.0}))
    assert [theirs.decode([id_]) for id_ in theirs.encode("<eos>")] == [
        piece.decode() for piece in others.tokenize("<eos>")
    ]


@pytest.mark.parametrize("name", ["Ġ", "a", "a\0"])
def test_a_special_token_whose_name_cannot_be_spelled(name):
    model = make_model({}, special_tokens=(SpecialToken(name, 0, "control"),))
    with pytest.raises(ModelError, match="rename it"):
        to_huggingface.to_json(model)


@before_1
@given(st.floats(-(2.0**20), -1e-5) | st.floats(1e-5, 900.0) | st.just(0.0))
def test_scores_are_read_to_the_last_bit(score):
    """Inexact scores would decide ties differently. The library rounds a number twice."""
    theirs = load(make_model({b"ab": score}))
    name, read = json.loads(theirs.library.to_str())["model"]["vocab"][-1]
    assert (name, read) == ("ab", rounded(score))


@given(st.floats(-1e5, -1e-5) | st.floats(1e-5, 900.0) | st.just(0.0))
def test_any_number_has_a_spelling_that_is_read_to_the_last_bit(number):
    assert numbers.read(numbers.spelled(number)) == number


@before_1
def test_ids_stay_when_the_library_saves_the_file_ten_times(trained):
    # With exact scores, the library's reader and writer changed the path of XVIII.
    scores = {bytes([b]): -9.393628109108949 for b in range(256)}
    numerals = make_model(scores | {b"II": -11.624561652903061, b"XV": -8.42673182976946})
    texts = ["XVIII", *SAMPLE.read_text("utf-8").split("\n"), *ODD]
    for model in (numerals, trained["merge"], trained["bnlm"]):
        file = first = to_huggingface.to_json(model)
        ids = load(model).encode_batch(texts)
        for _ in range(10):
            file = LIBRARY.Tokenizer.from_str(file).to_str()
        assert json.loads(file)["model"] == json.loads(first)["model"]
        assert TheirTokenizer(file, plain=True).encode_batch(texts) == ids
        again = Tokenizer(replace(model, scores=rounded(model.scores), counts=None))
        assert [again.encode(text) for text in texts] == ids


@before_1
@given(
    st.floats(-1e6, 1e6).map(repr)
    | st.from_regex(r"-?[1-9][0-9]{0,25}\.[0-9]{1,30}", fullmatch=True)
)
@example("-0.00000000000000000000000000000123456789012345678901234567890")
@example("-1.5e-300")
@example("-18446744073709551615.5")
@example("-18446744073709551616.5")
def test_numbers_are_read_as_the_library_reads_them(number):
    file = to_huggingface.to_json(make_model({b"ab": -1.0}))
    theirs = LIBRARY.Tokenizer.from_str(re.sub(r'(\["ab", )[^]]*', rf"\g<1>{number}", file))
    assert json.loads(theirs.to_str())["model"]["vocab"][-1] == ["ab", numbers.read(number)]


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("-4." + "5" * 5000, -4.555555555555555),
        ("-" + "0" * 5000 + "4.5", -4.5),
        ("0.0e999", 0.0),
        ("-4.5e400", -math.inf),
        ("-4.5e" + "9" * 5000, -math.inf),
        ("4.5e-" + "9" * 5000, 0.0),
    ],
)
def test_numbers_with_very_many_digits_or_large_exponents(number, value):
    assert numbers.read(number) == value


def test_text_that_is_not_a_number():
    with pytest.raises(ValueError, match="no number"):
        numbers.read("NaN")


@before_1
def test_the_sampler_of_the_library_refuses(trained):
    theirs = load(trained["merge"]).library
    if not hasattr(theirs.model, "alpha"):
        pytest.skip("the sampler came with tokenizers 0.23")
    theirs.model.alpha = 0.1
    with pytest.raises(Exception, match="unk_id"):
        theirs.encode("text")


def test_a_failed_write_leaves_no_file_behind(model, tmp_path):
    with pytest.raises(OSError, match="missing"):
        to_huggingface.save(model, tmp_path / "missing" / "tokenizer.json")
    assert list(tmp_path.iterdir()) == []


def test_transformers_loads_the_files(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    model = trained["merge"]
    tok = Tokenizer(model)
    template = "{% for m in messages %}{{ m['content'] }}{{ eos_token }}{% endfor %}"
    to_huggingface.save_pretrained_files(model, tmp_path, {"chat_template": template})
    text = "the train , 'll\r\n\n don't <eos>\t今天"
    loaded = [
        transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json")),
        transformers.AutoTokenizer.from_pretrained(tmp_path),
    ]
    loaded[1].save_pretrained(tmp_path / "again")
    loaded.append(transformers.AutoTokenizer.from_pretrained(tmp_path / "again"))
    for theirs in loaded:
        assert theirs(text, split_special_tokens=True).input_ids == tok.encode(text)
        assert theirs(text).input_ids == tok.encode(text, allowed_special="all")
        assert theirs.decode(tok.encode(text)) == text
    for theirs in loaded[1:]:
        assert (theirs.pad_token_id, theirs.bos_token_id, theirs.eos_token_id) == (0, 1, 2)
        chat = [{"role": "user", "content": "the train"}]
        rendered = theirs.apply_chat_template(chat, return_dict=False)
        assert rendered == [*tok.encode("the train"), 2]


def test_files_for_transformers_are_written_for_models_only(trained, tmp_path):
    with pytest.raises(ArgumentError, match=r"not a Tokenizer; take tok\.model"):
        to_huggingface.save_pretrained_files(Tokenizer(trained["merge"]), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_config_for_transformers_lists_other_special_tokens(with_gaps, tmp_path):
    to_huggingface.save_pretrained_files(with_gaps, tmp_path / "new")
    config = json.loads((tmp_path / "new" / "tokenizer_config.json").read_text("utf-8"))
    assert (config["pad_token"], config["eos_token"]) == ("<pad>", "<eos>")
    assert config["additional_special_tokens"] == ["<|im start|>", "<|im", "中"]
    assert "bos_token" not in config
    assert "chat_template" not in config


def test_writing_does_not_need_the_library(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert json.loads(to_huggingface.to_json(trained["merge"]))["version"] == "1.0"
