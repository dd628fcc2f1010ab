"""Small models over characters in files of SentencePiece and Hugging Face."""

from hypothesis import strategies as st

from bytepiece import Tokenizer
from bytepiece.formats import from_huggingface, from_sentencepiece
from bytepiece.rules.protobuf import integer
from support.reading import BYTES, NORMAL, made

KEEP_SPACES = integer(3, False) + integer(4, False)
"""Settings of a normalizer that changes nothing."""
LETTERS = "ab é☃👍"
QUARTERS = st.integers(-40, -1).map(lambda quarter: quarter / 4)
"""Scores whose sums are exact, in float32 as well."""


@st.composite
def character_vocabularies(draw):
    """Return the scores of some characters and of some longer pieces of any characters."""
    single = draw(st.sets(st.sampled_from(LETTERS))) | {" "}
    longer = draw(st.sets(st.text(LETTERS, min_size=2, max_size=4), min_size=2, max_size=9))
    return {piece: draw(QUARTERS) for piece in sorted(single | longer)}


def sentencepiece_file(pieces, fallback):
    entries = [(piece.replace(" ", "▁"), score, NORMAL) for piece, score in pieces.items()]
    return made(entries + BYTES * fallback, normalizer=KEEP_SPACES, trainer=integer(35, fallback))


def from_sp(pieces, fallback):
    return Tokenizer(from_sentencepiece.from_bytes(sentencepiece_file(pieces, fallback)))


def from_hf(pieces, fallback):
    vocab = [["<unk>", 0.0], *([p.replace(" ", "▁"), score] for p, score in pieces.items())]
    vocab += [[name, 0.0] for name, _, _ in BYTES] * fallback
    space = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    file = {
        "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": fallback},
        "normalizer": space,
    }
    return Tokenizer(from_huggingface.from_document(file))


MAKERS = st.sampled_from([from_sp, from_hf])
"""Functions that return the tokenizer of a file with these pieces."""
