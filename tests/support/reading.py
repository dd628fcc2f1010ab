"""Texts, and small models of other libraries, for the tests that read such models."""

import importlib.util
import io
import pickle
import random
import warnings
from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as st

from bytepiece import Tokenizer, model_io
from bytepiece.rules.protobuf import field, float32, integer

with warnings.catch_warnings():
    # In newer Pythons, its bindings warn when they are imported.
    warnings.simplefilter("ignore")
    import sentencepiece

needs_protobuf = pytest.mark.skipif(
    importlib.util.find_spec("google") is None,
    reason="SentencePiece's Python bindings need protobuf: pip install protobuf",
)
"""SentencePiece shows places and scores of paths only by way of protobuf."""

SAMPLE = (Path(__file__).resolve().parents[2] / "data" / "sample.txt").read_text(encoding="utf-8")
LINES = SAMPLE.split("\n")
ODD = [
    "",
    " ",
    "   ",
    "\n",
    "\n\n a \n\nb\n",
    "  two  spaces  ",
    "\ttab\t",
    "a\0b\0\0",
    "\0",
    "▁",
    "a▁b ▁▁ c",
    "\u3000x\u3000",
    "ＦＵＬＬ ｗｉｄｔｈ",
    "½ ﷺ ㌔ ①",
    "e\u0301\u0302 ｱﾊﾟｰﾄ",
    "👍🏽 👩‍👩‍👧",
    "한글 กำ कि",
    "\u200b\ufeff\x85\xa0",
    "<s> </s> <unk> <0x41>",
    "<user> hi<user>  <user>",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "no\r\nend",
    *SAMPLE.split("\n\n")[:3],
    SAMPLE[:9000],
    "the " * 3000,
]
"""Odd texts, and some long ones whose sums of scores lose bits in float32."""
TEXTS = st.text(max_size=40) | st.text(alphabet="ab e\u0301\u0302▁\n\0<usr>Ａé今", max_size=40)


def kept_and_pickled(ours, folder):
    """Return two checked copies of a tokenizer: one from our own file, one from a pickle."""
    path = folder / "ours.model"
    model_io.save(ours.model, path)
    kept, kind = model_io.load_with_format(path)
    assert kind == "bytepiece"
    assert kept == ours.model
    assert kept.rules == ours.model.rules
    assert kept.aliases == ours.model.aliases
    assert kept.record == ours.model.record
    copies = Tokenizer(kept), pickle.loads(pickle.dumps(ours))
    for copy in copies:
        assert copy == ours
        assert hash(copy) == hash(ours)
    return copies


@cache
def trained(vocab_size: int = 1200, **settings: object) -> bytes:
    """Return a Unigram model that SentencePiece's own trainer learns from the sample."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=out,
        vocab_size=vocab_size,
        hard_vocab_limit=False,
        character_coverage=0.98,
        num_threads=1,
        minloglevel=2,
        **settings,
    )
    return out.getvalue()


def processor(content: bytes) -> sentencepiece.SentencePieceProcessor:
    """Return SentencePiece with a model."""
    return sentencepiece.SentencePieceProcessor(model_proto=content)


NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)
"""The types of SentencePiece's entries, written from its documentation once more."""
BYTES = [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
"""Entries for all byte pieces."""


def made(pieces: list, normalizer: bytes = b"", trainer: bytes = b"") -> bytes:
    """Return a SentencePiece model made by hand; `<unk>` comes before the entries."""
    entries = b""
    for text, score, kind in [("<unk>", 0.0, UNKNOWN), *pieces]:
        raw = text if isinstance(text, bytes) else text.encode()
        entries += field(1, field(1, raw) + float32(2, score) + integer(3, kind))
    return entries + field(2, integer(3, 1) + trainer) + field(3, normalizer)


def fuzzed(count):
    """Return random texts of characters that patterns and normalizers treat in different ways."""
    rng = random.Random(3)
    chars = [*"abzAZsStTrRl'0129 \t\n\r/.,!?-_é日本ᾳǅʰ٣½’▁", "\u0301", "\u00a0", "😀", " the", "  "]
    return ["".join(rng.choices(chars, k=rng.randrange(40))) for _ in range(count)]
