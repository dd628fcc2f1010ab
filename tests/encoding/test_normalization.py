"""Normalization of a batch by kernels, against that of each text by itself."""

import unicodedata
from itertools import groupby, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reading import trained
from support.strategies import BYTES

from bytepiece import TextRules
from bytepiece.encoding.normalization import end_to_end, laid, normalized
from bytepiece.errors import ArgumentError
from bytepiece.kernels.composed import composed
from bytepiece.rules.character_map import ENDS
from bytepiece.rules.character_tables import composed_characters
from bytepiece.rules.foreign import HuggingFaceRules, SentencePieceRules
from bytepiece.rules.protobuf import fields
from bytepiece.rules.text import to_bytes

TABLE = dict(fields(dict(fields(trained(normalization_rule_name="nmt_nfkc")))[3]))[2]
SYMBOLS = [(), ("<x>", "<xy>", "▁", "½", " z"), ("é", "<")]
FLAGS = list(product((False, True), repeat=3))
PARTS = [
    *(b" ", b"  ", b"a", b"A", b"\t", b"\n", b"\0", b"\x01", b"<x>", b"<", b"<xy>", b" z"),
    *"é e\u0301 \u0301 ▁ \u3000 Ａ ½ ﷺ 한 \u1112\u1161\u11ab … 👍 今天 。".encode().split(),
    "A\u030a".encode(),
    *("\ufffd".encode(), "\u200b".encode(), b"\xff", b"\xed\xa0\x80", b"\xe2\x96", b"\x81"),
    *(b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2", b"\xf0\x9f"),
]
STRETCHES = st.lists(
    st.one_of(st.lists(st.sampled_from(PARTS), max_size=9).map(b"".join), BYTES), max_size=9
)


def parts_of(text, bounds):
    return [text[low:high].tobytes() for low, high in pairwise(bounds)]


def rules_of(library):
    return TextRules(segment="text", unknown="bytes", library=library)


@pytest.mark.parametrize("charsmap", [b"", TABLE], ids=["none", "nmt_nfkc"])
@given(STRETCHES, st.sampled_from(SYMBOLS), st.sampled_from(FLAGS), st.data())
def test_sentencepiece_texts_together(charsmap, texts, symbols, flags, data):
    library = SentencePieceRules(charsmap, *flags, symbols)
    found = parts_of(*normalized(*laid(texts), rules_of(library)))
    assert found == [library.normalize([text])[0] for text in texts]
    numbers = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    documents = np.cumsum([0, *numbers[1:]] if numbers else [], dtype=np.int64)
    found = parts_of(*normalized(*laid(texts), rules_of(library), documents))
    expected = []
    for _, group in groupby(zip(documents, texts, strict=True), key=lambda pair: pair[0]):
        expected += library.normalize([text for _, text in group])
    assert found == expected


def test_a_text_that_becomes_much_longer():
    library = SentencePieceRules(TABLE)
    text = "ﷺ".encode() * 1000
    [found] = parts_of(*normalized(*laid([text]), rules_of(library)))
    assert found == library.normalize([text])[0]
    assert len(found) > 5 * len(text)


def test_a_map_of_parts_of_characters_is_left_to_sentencepiece():
    size = int.from_bytes(TABLE[:4], "little")
    damaged = TABLE[: 4 + size] + TABLE[4 + size :].replace("é".encode(), b"\xc3\xc3")
    library = SentencePieceRules(damaged)
    assert library.tables is None
    texts = [b"a  b", b"", "e\u0301 Ａ".encode()]
    found = parts_of(*normalized(*laid(texts), rules_of(library)))
    assert found == [library.normalize([text])[0] for text in texts]
    documents = np.array([0, 0, 1])
    found = parts_of(*normalized(*laid(texts), rules_of(library), documents))
    assert found == [*library.normalize(texts[:2]), *library.normalize(texts[2:])]


def test_texts_end_to_end():
    texts = ["a", b"\xff", "é\ud800", "", memoryview(b"x"), bytearray(b"y")]
    assert parts_of(*end_to_end(texts)) == [
        b"a", b"\xff", b"\xc3\xa9\xed\xa0\x80", b"", b"x", b"y",
    ]  # fmt: skip
    assert parts_of(*end_to_end(["今", "é"])) == ["今".encode(), "é".encode()]
    with pytest.raises(ArgumentError, match="must be str or bytes, not int"):
        end_to_end(["a", 1])


STEPS = [
    (*charsmap, *strip, *squeeze)
    for charsmap in ((), (("charsmap", TABLE),))
    for strip in ((), (("strip", False, True),))
    for squeeze in ((), (("squeeze", "▁"),), (("squeeze", " "),))
]
STEPS += [(*steps, ("prepend", "▁")) for steps in STEPS]
STEPS += [
    (*steps[:-1], ("pattern", ENDS, ""), *steps[-1:])
    for steps in STEPS
    if steps[-1:] in [(("squeeze", "▁"),), (("squeeze", " "),)]
]
STEPS += [(*steps, ("prepend", " ")) for steps in STEPS if ("pattern", ENDS, "") in steps]
RARE = [b"\r\n", b"\r", *"\xa0 \u2028 \x85 नि 가".encode().split(b" ")]
MORE = st.lists(st.lists(st.sampled_from(PARTS + RARE), max_size=7).map(b"".join), max_size=9)


@pytest.mark.parametrize("prefix", ["always", "first", "never"])
@given(STRETCHES | MORE, st.sampled_from(STEPS), st.data())
def test_texts_of_a_tokenizer_json_together(prefix, texts, steps, data):
    library = HuggingFaceRules(steps, prefix)
    assert library.tables is not None
    found = parts_of(*normalized(*laid(texts), rules_of(library)))
    assert found == [library.normalize([text])[0] for text in texts]
    numbers = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    documents = np.cumsum([0, *numbers[1:]] if numbers else [], dtype=np.int64)
    found = parts_of(*normalized(*laid(texts), rules_of(library), documents))
    expected = []
    for _, group in groupby(zip(documents, texts, strict=True), key=lambda pair: pair[0]):
        expected += library.normalize([text for _, text in group])
    assert found == expected


@pytest.mark.parametrize(
    "steps",
    [
        (("squeeze", " "), ("strip", False, True)),
        (("strip", True, True),),
        (("squeeze", "_"),),
        (("lowercase",),),
        (("pattern", ENDS, ""),),
        (("pattern", " +", ""), ("squeeze", " ")),
        (("squeeze", " "), ("prepend", "_")),
    ],
)
def test_other_steps_are_left_to_python(steps):
    library = HuggingFaceRules(steps, "always")
    assert library.tables is None
    texts = [b" A  b ", b"", b"C"]
    found = parts_of(*normalized(*laid(texts), rules_of(library)))
    assert found == [library.normalize([text])[0] for text in texts]


def is_certain(text):
    found = np.zeros(1, dtype=np.bool_)
    buffer, bounds = laid([text.encode()])
    composed(*composed_characters(), buffer, bounds, found)
    return found[0]


def test_characters_that_stay_composed():
    pairs, characters = composed_characters()
    certain = {chr(code) for code in np.flatnonzero(characters)}
    for first in range(0xC2, 0xF1):
        for second in np.flatnonzero(pairs[(first & 63) << 6 :][:64]):
            raw = bytes([first, 0x80 | second])
            ends = [b""] if first < 0xE0 else [bytes([0x80 | i]) for i in range(64)]
            ends = [a + b for a in ends for b in ends] if first >= 0xF0 else ends
            certain |= {(raw + end).decode("utf-8", "replace") for end in ends}
    assert len(certain) > 40_000
    for char in certain:
        assert all(map(unicodedata.is_normalized, ["NFC"] * len(char), char)), char
        assert not any(map(unicodedata.combining, char)), char
        # It joins with no character before it.
        assert unicodedata.is_normalized("NFC", f"e{char}가\u1100{char}"), char


def test_usual_texts_are_certain_to_be_composed():
    for text in ("今天。", "ä 한국", "naïve — Ж", "。，"):
        assert is_certain(text), text
    for text in ("e\u0301", "\u212b", "\u1100\u1161", "今\u3099", "\u0958"):
        assert not is_certain(text), text


@given(STRETCHES | MORE)
def test_nfc_of_texts_together(texts):
    rules = TextRules(("NFC",))
    found = parts_of(*normalized(*laid(texts), rules))
    assert found == [to_bytes(text, ("NFC",)) for text in texts]
