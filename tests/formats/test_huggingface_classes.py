"""Every class of transformers with a Unigram model: its own file is read and encodes alike."""

import json

import pytest
from support.reading import LINES, ODD, trained
from support.strategies import JIT

from bytepiece import Tokenizer
from bytepiece.errors import ModelError
from bytepiece.formats import from_huggingface, huggingface_numbers
from bytepiece.rules.protobuf import fields

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

FAIRSEQ = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BERT = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
T5 = ["<pad>", "</s>", "<unk>"]
CLASSES = {
    "Albert": BERT,
    "Barthez": FAIRSEQ,
    "BigBird": ["<pad>", "</s>", "<unk>", "<s>", "[CLS]", "[SEP]", "[MASK]"],
    "Camembert": FAIRSEQ,
    "DebertaV2": ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"],
    "FNet": BERT,
    "Lasr": FAIRSEQ,
    "LayoutXLM": FAIRSEQ,
    "MBart": FAIRSEQ,
    "MBart50": ["<s>", "<pad>", "</s>"],
    "MLuke": FAIRSEQ,
    "Pegasus": ["<pad>", "</s>", "<mask_1>", "<mask_2>", "<unk>"],
    "RemBert": ["[PAD]", "[MASK]", "<unk>", "[CLS]", "[SEP]"],
    "T5": T5,
    "Udop": T5,
    "VideoPrism": T5,
    "XGLM": FAIRSEQ,
    "XLMRoberta": FAIRSEQ,
    "XLNet": ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"],
}
"""The first entries of each class's vocabulary."""
OPTIONS = [
    {},
    {"do_lower_case": True},
    {"do_lower_case": False},
    {"keep_accents": True},
    {"keep_accents": False},
    {"add_prefix_space": False},
]
TEXTS = [
    *ODD,
    "a\r\nb\r\n\r\nc\rd",
    "a\u0301 ½\u0301 ﬁ\u0301x ①\u0335",
    "``quoted'' and don't, stop.",
    "İSTANBUL ΟΔΥΣΣΕΥΣ Straße ÀÉ",
    "\x00\x01\x02\x1c\x1f\x7f\x85\xa0\u2028|",
    "👩‍🚀 ❤️ ☃️ 👍🏽 🇺🇳 ©\u200d©",
    "  lead   and trail \t\n",
    " \t ▁a ▁\u3000b▁▁c",
]


def made(name, settings):
    """Return a tokenizer of a class, over the pieces of a small SentencePiece model."""
    message = trained(normalization_rule_name="nmt_nfkc")
    entries = [dict(fields(value)) for number, value in fields(message) if number == 1]
    pieces = [(entry[1].decode(), entry.get(2, 0.0)) for entry in entries[3:]]
    table = dict(fields(dict(fields(message))[3]))[2]
    vocabulary = [*((token, 0.0) for token in CLASSES[name]), *pieces]
    kind = getattr(transformers, f"{name}Tokenizer", None)
    if kind is None or not hasattr(kind, "backend_tokenizer"):
        pytest.skip("this release of transformers has other classes")
    return kind(vocab=vocabulary, _spm_precompiled_charsmap=table, **settings).backend_tokenizer


@pytest.mark.parametrize("name", CLASSES)
def test_the_file_of_a_class(name):
    files = set()
    for settings in OPTIONS:
        theirs = made(name, settings)
        file = theirs.to_str()
        if file in files:
            continue
        files.add(file)
        document = json.loads(file, parse_float=huggingface_numbers.read)
        if settings == {"add_prefix_space": False} and "WhitespaceSplit" in file:
            with pytest.raises(ModelError, match="where a word begins"):
                from_huggingface.from_document(document)
            continue
        ours = Tokenizer(from_huggingface.from_document(document))
        # A name such as <s> gets another id, where its token is not one of the class's own.
        texts = [text for text in [*LINES, *TEXTS] if "<" not in text]
        rows = [theirs.encode(text, add_special_tokens=False).ids for text in texts]
        assert [row.tolist() for row in ours.encode_batch(texts, allowed_special="all")] == rows
        assert ours.decode_batch(rows) == theirs.decode_batch(rows)
        assert len(texts) > (300 if JIT else 100)
