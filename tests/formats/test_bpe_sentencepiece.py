"""SentencePiece's BPE models encode and decode like the library."""

import pytest
from support.reading import LINES, ODD, USER, fuzzed, kept_and_pickled, made, processor, trained
from support.strategies import JIT

from bytepiece import Tokenizer
from bytepiece.errors import ModelError
from bytepiece.rules.protobuf import integer

SENTENCEPIECE = {
    "plain": {"normalization_rule_name": "identity"},
    "nmt_nfkc": {},
    "byte fallback": {"byte_fallback": True, "normalization_rule_name": "identity"},
    "kept spaces": {
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,
        "split_digits": True,
    },
    "across": {"split_by_whitespace": False, "normalization_rule_name": "identity"},
    "symbols": {"user_defined_symbols": "<user>,the,▁ha", "byte_fallback": True},
    "suffix": {"treat_whitespace_as_suffix": True},
}


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_sentencepiece(name, tmp_path):
    path = tmp_path / "bpe.model"
    path.write_bytes(trained(1200, model_type="bpe", **SENTENCEPIECE[name]))
    theirs = processor(path.read_bytes())
    tok = Tokenizer.load(path)
    texts = [*ODD, *LINES, *fuzzed(300)] if JIT else [*ODD[:20], *LINES[:9]]
    texts = [text for text in texts if "\0" not in text]
    for text, row in zip(texts, tok.encode_batch(texts), strict=True):
        assert row.tolist() == theirs.encode(text), text
        assert tok.decode(row) == theirs.decode(row.tolist())
    for copy in kept_and_pickled(tok, tmp_path):
        assert copy.encode(LINES[0]) == tok.encode(LINES[0])


def as_bpe(entries):
    return made(entries, trainer=integer(3, 2))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("a", 0.0, 1), ("▁", 0.0, 1), ("ab", 0.0, 1)], "the character 'b'"),
        ([("a", 0.0, 1), ("▁", 0.0, 1), ("aa", 0.0, 5)], "unused piece"),
        ([("a", 0.0, 1), ("▁", 0.0, 1), ("a▁a", 0.0, USER)], "symbol with a space"),
    ],
)
def test_sentencepiece_models_that_cannot_be_read(entries, message, tmp_path):
    path = tmp_path / "bpe.model"
    path.write_bytes(as_bpe(entries))
    with pytest.raises(ModelError, match=message):
        Tokenizer.load(path)
