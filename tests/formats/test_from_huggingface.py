"""Hugging Face's Unigram models: once read, they encode and decode like `tokenizers`."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.huggingface_files import (
    SQUEEZE,
    STRIP,
    TOKENS,
    added,
    byte_level,
    changed,
    files,
    metaspace,
    sequence,
)
from support.reading import LINES, ODD, TEXTS, kept_and_pickled
from support.strategies import JIT, make_model
from support.tokenizers_library import TheirTokenizer, before_1

from bytepiece import TextRules, Tokenizer, model_io
from bytepiece.errors import ModelError
from bytepiece.formats import from_huggingface, to_huggingface
from bytepiece.formats.huggingface_cuts import OLD_DIGITS
from bytepiece.rules.foreign import HuggingFaceRules

NAMES = [
    "words",
    "words, no marks",
    "blanks",
    "ends",
    "untyped",
    "identity",
    "nmt_nfkc",
    "byte fallback",
    "first",
    "never",
    "across, split",
    "across, whole",
    "old spelling",
    "no normalizer",
    "forms",
    "prepended",
    "both strips",
    "bytes",
    "bytes, normalized",
    "bytes, prefix",
    "bytes, lines",
    "characters",
]


@pytest.fixture(params=NAMES, scope="module")
def file(request):
    return files()[request.param]


@pytest.fixture(scope="module")
def theirs(file):
    try:
        return TheirTokenizer(file)
    except ValueError as error:
        pytest.skip(f"tokenizers cannot read it: {error}")


@pytest.fixture(scope="module")
def ours(file):
    return Tokenizer(from_huggingface.from_document(file))


@pytest.fixture(scope="module")
def texts(file):
    texts = [*(LINES if JIT else LINES[:40]), *(ODD if JIT else [text[:200] for text in ODD])]
    return [text for text in texts if "<0x41>" not in text]


def test_ids_are_the_same(ours, theirs, texts):
    """Their library always finds special tokens in a text. Ours finds them if allowed."""
    rows = ours.encode_batch(texts, allowed_special="all", threads=2)
    assert [row.tolist() for row in rows] == theirs.encode_batch(texts)


def test_decoding_is_the_same(ours, theirs, texts, file):
    if file["decoder"] is None:
        assert "no decoder" in str(ours.model.record["notes"])
        return
    rows = theirs.encode_batch(texts)
    assert ours.decode_batch(rows) == theirs.decode_batch(rows)


@given(TEXTS)
def test_any_text(ours, theirs, text):
    assert ours.encode(text, allowed_special="all") == theirs.encode(text)


def test_our_own_file_and_pickles_keep_the_model(ours, texts, tmp_path):
    for tok in kept_and_pickled(ours, tmp_path):
        assert tok.encode_batch(texts) == ours.encode_batch(texts)


def test_load_recognizes_the_format_by_its_content(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(files()["identity"]), "utf-8")
    model, kind = model_io.load_with_format(path)
    assert kind == "huggingface"
    assert isinstance(model.rules.library, HuggingFaceRules)
    assert model.special_id("bos") == 1
    assert model.special_id("eos") == 2
    assert model.special_id("unknown") == 0


def test_a_model_over_bytes_is_like_one_of_ours():
    model = from_huggingface.from_document(files()["bytes, lines"])
    model.check_own("this")
    assert Tokenizer(model).decode_bytes(Tokenizer(model).encode(b"\xff\xfe")) == b"\xff\xfe"


@pytest.mark.parametrize("digits", ["free", "each", "groups-of-three"])
def test_a_model_that_we_wrote_is_read_again(digits):
    rules = TextRules(normalization=("NFC",), digits=digits)
    model = make_model({b"th": -2.0, b"\n\n": -3.0, b" \xe4": -4.0}, rules=rules)
    again = from_huggingface.from_document(json.loads(to_huggingface.to_json(model)))
    assert again.rules == rules
    assert {*zip(again.pieces, again.ids, again.scores, strict=True)} == {
        *zip(model.pieces, model.ids, model.scores, strict=True)
    }


@before_1
def test_digits_split_like_ours():
    digits = {
        "type": "Split",
        "pattern": {"Regex": OLD_DIGITS},
        "behavior": "Isolated",
        "invert": False,
    }
    steps = sequence(
        digits,
        {**digits, "pattern": {"Regex": r"\n+"}, "behavior": "MergedWithPrevious"},
        byte_level(),
        of="pretokenizers",
    )
    file = changed(files()["bytes"], pre_tokenizer=steps)
    tok = Tokenizer(from_huggingface.from_document(file))
    theirs = TheirTokenizer(file)
    assert tok.model.rules.digits == "each"
    for text in ("in 1984 or ١٩٨٤\n\n12", "1a2\n3", *LINES[:50]):
        assert tok.encode(text) == theirs.encode(text)


def test_notes_say_what_is_lost():
    file = changed(
        files()["byte fallback"],
        truncation={"max_length": 5},
        post_processor={"type": "TemplateProcessing"},
        decoder={"type": "WordPiece"},
        added_tokens=[
            *files()["identity"]["added_tokens"],
            added(5000, "<mask>", lstrip=True),
            added(5001, "[word]", special=False, single_word=True),
        ],
    )
    model = from_huggingface.from_document(file)
    notes = "\n".join(model.record["notes"])
    for what in ("truncation", "post_processor", "WordPiece", "<mask>", "[word]", "<0x41>"):
        assert what in notes
    assert model.vocab_size == 5002
    assert Tokenizer(model).encode("[word]", allowed_special="all")[-1] == 5001


def without_space(file):
    return [entry for entry in file["model"]["vocab"] if entry[0] != "▁"]


PLAIN = {
    "added_tokens": [added(*token) for token in TOKENS],
    "normalizer": sequence(STRIP, SQUEEZE),
    "pre_tokenizer": metaspace(),
    "decoder": metaspace(),
    "model": {
        "type": "Unigram",
        "unk_id": 0,
        "vocab": [
            *([name, 0.0] for _, name in TOKENS),
            *([name, -2.0] for name in ("▁", "a", "b", "▁a", "ab")),
        ],
        "byte_fallback": False,
    },
}


def modified(**settings):
    return changed(PLAIN, model={**PLAIN["model"], **settings})


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ({"model": {"type": "BPE", "vocab": {}, "merges": []}}, "without a vocabulary"),
        ({"model": {"type": "WordPiece", "vocab": {}}}, "WordPiece model, and only Unigram"),
        ({"model": {"type": "WordLevel", "vocab": {}}}, "WordLevel model, and only Unigram"),
        ({"model": {}}, "WordLevel model, and only Unigram"),
        ({"model": {"merges": [], "vocab": {}}}, "without a vocabulary"),
        ({"model": {"continuing_subword_prefix": "", "vocab": {}}}, "WordPiece model, and only"),
        ({"model": {"type": ["Unigram"]}}, "other model, and only Unigram"),
        ({"model": []}, "JSON of another kind"),
        ({"model": None, "vocab": {}}, "JSON of another kind"),
        (modified(vocab={}), "without a list of pieces"),
        (modified(vocab=[]), "without a list of pieces"),
        (modified(vocab=[["a"]]), "a piece and its score"),
        (modified(vocab=[["a", "b"]]), "a piece and its score"),
        (modified(vocab=[[1, 2.0]]), "a piece and its score"),
        (modified(vocab=[*PLAIN["model"]["vocab"], ["▁", 0.0]]), "occurs twice"),
        (modified(vocab=[*PLAIN["model"]["vocab"], ["", 0.0]]), "empty"),
        (modified(vocab=[*PLAIN["model"]["vocab"], ["\ud800", 0.0]]), "Unicode"),
        (modified(vocab=[*PLAIN["model"]["vocab"], ["x" * 2000, 0.0]]), "1024"),
        (modified(vocab=[*PLAIN["model"]["vocab"], ["xyzzy", 1e15]]), "score"),
        (modified(vocab=without_space(PLAIN)), "alone"),
        (modified(unk_id=None), "no unknown token"),
        (modified(unk_id=99999), "unk_id"),
        (modified(unk_id=-1), "unk_id"),
        (modified(unk_id=True), "unk_id"),
        (modified(byte_fallback="yes"), "byte_fallback"),
        (modified(vocab=[*PLAIN["model"]["vocab"], ["<0x41>", 0.0]], byte_fallback=True), "255 of"),
        (modified(vocab=[*PLAIN["model"]["vocab"], ["xyzzy", 10**400]]), "its score"),
        (changed(PLAIN, added_tokens={"a": 1}), "added_tokens"),
        (changed(PLAIN, added_tokens=["a"]), "added token"),
        (changed(PLAIN, added_tokens=[added("1", "a")]), "added token"),
        (changed(PLAIN, added_tokens=[added(3000, "")]), "added token"),
        (changed(PLAIN, added_tokens=[added(2000, "a"), added(2001, "a")]), "twice"),
        (changed(PLAIN, added_tokens=[added(5, "<zzz>")]), "id of another"),
        (changed(PLAIN, normalizer={"type": "Nmt"}), "normalizer Nmt"),
        (changed(PLAIN, normalizer={"type": "Replace", "pattern": {"Regex": "a*"}, "content": ""}),
         "expression 'a.' cannot be read"),
        (changed(PLAIN, normalizer={"type": "Replace", "pattern": {"Regex": 7}, "content": ""}),
         "normalizer Replace"),
        (changed(PLAIN, pre_tokenizer={"type": "WhitespaceSplit"}), "WhitespaceSplit"),
        (changed(PLAIN, pre_tokenizer=sequence({"type": "WhitespaceSplit"}, metaspace("never"),
                                               of="pretokenizers")), "where a word begins"),
        (changed(PLAIN, pre_tokenizer=sequence(metaspace(split=False), {"type": "WhitespaceSplit"},
                                               of="pretokenizers")), "WhitespaceSplit"),
        (changed(PLAIN, normalizer=sequence({"type": "ByteLevel"}, {"type": "NFC"}),
                 pre_tokenizer=None), "normalizer NFC"),
        (changed(PLAIN, normalizer={"type": "ByteLevel"}), "does not fit its ByteLevel"),
        (changed(PLAIN, normalizer={"type": "Replace", "pattern": {"String": ""}, "content": ""}),
         "normalizer Replace"),
        (changed(PLAIN, normalizer={"type": "Strip"}), "strip_left"),
        (changed(PLAIN, normalizer={"type": "Precompiled", "precompiled_charsmap": "%"}), "Base64"),
        (changed(PLAIN, normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
         "charsmap"),
        (changed(PLAIN, normalizer=["NFC"]), "normalizer"),
        (changed(PLAIN, normalizer={"type": "Sequence"}), "normalizer"),
        (changed(PLAIN, normalizer=sequence(7)), "normalizer"),
        (changed(PLAIN, normalizer=sequence(sequence())), "normalizer Sequence"),
        (changed(PLAIN, pre_tokenizer={"type": "Whitespace"}), "pre_tokenizer Whitespace"),
        (changed(PLAIN, pre_tokenizer={"type": "Digits", "individual_digits": True}), "Digits"),
        (changed(PLAIN, pre_tokenizer=metaspace("sometimes")), "Metaspace"),
        (changed(PLAIN, pre_tokenizer={**metaspace(), "replacement": "_"}), "Metaspace"),
        (changed(PLAIN, pre_tokenizer=sequence(metaspace(), metaspace(), of="pretokenizers")),
         "Metaspace"),
        (changed(PLAIN, pre_tokenizer=byte_level(use_regex=True)), "ByteLevel"),
        (changed(PLAIN, pre_tokenizer={"type": "Split", "pattern": {"Regex": r"\n+"},
                                       "behavior": "MergedWithPrevious"}), "no ByteLevel"),
        (changed(PLAIN, pre_tokenizer={"type": "Split", "pattern": {"Regex": "a"},
                                       "behavior": "Isolated"}), "Split"),
        (changed(PLAIN, decoder="Metaspace"), "decoder"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_one_line(tmp_path, file, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file))
    with pytest.raises(ModelError, match=message) as info:
        model_io.load(path)
    assert str(info.value).startswith(f"{path}: ")
    assert "\n" not in str(info.value)
    assert len(str(info.value)) < 500


@before_1
@pytest.mark.parametrize("lines", [True, False])
def test_a_run_of_unknown_bytes_ends_with_its_stretch(tmp_path, lines):
    split = {
        "type": "Split",
        "pattern": {"Regex": "\\n+"},
        "behavior": "MergedWithPrevious",
        "invert": False,
    }
    steps = [split, byte_level()] if lines else [byte_level()]
    vocabulary = [["<unk>", 0.0], ["a", -1.0], ["\u0102", -2.0]]  # It spells the byte 0xA9.
    file = changed(
        PLAIN,
        model={"type": "Unigram", "unk_id": 0, "vocab": vocabulary},
        pre_tokenizer=sequence(*steps, of="pretokenizers"),
        normalizer=None,
        added_tokens=[added(0, "<unk>")],
        decoder=None,
    )
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file))
    tok, theirs = Tokenizer.load(path), TheirTokenizer(file)
    for text in ["b\nb", "a\n\n", "éa\nb<unk>é", "<unk><unk>\n<unk>b"]:
        ids = tok.encode(text, allowed_special="all")
        assert ids == theirs.encode(text)
        assert len(tok.align(text, ids, allowed_special="all").byte_spans) == len(ids)


@pytest.mark.parametrize("left", [True, False])
def test_a_note_on_the_space_before_a_stripped_text(left):
    strip = {**STRIP, "strip_left": left}
    file = changed(PLAIN, pre_tokenizer=metaspace("first"), normalizer=strip)
    notes = from_huggingface.from_document(file).record["notes"]
    assert ("puts none" in " ".join(notes)) == left


@settings(max_examples=400 if JIT else 50)
@given(st.data())
def test_a_file_with_any_part_replaced(data):
    """Any value in place of any part gives a model or a ModelError of one line."""
    file = changed(PLAIN)
    place = file
    for depth in range(6):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inside = place[key]
        if (
            not isinstance(inside, (dict, list))
            or not inside
            or (depth and data.draw(st.booleans()))
        ):
            break
        place = inside
    place[key] = data.draw(
        st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=3)
        | st.lists(st.integers(), max_size=2) | st.just({"type": "Sequence"}) | st.just({})
    )  # fmt: skip
    if not from_huggingface.looks_like(file):
        return
    try:
        model = from_huggingface.from_document(file)
    except ModelError as error:
        message = str(error)
    else:
        message = ""
        Tokenizer(model).encode("a b")
    assert "\n" not in message
