"""Files of the library tokenizers with Unigram models of many kinds."""

import base64
import copy
import math
from collections import Counter
from functools import cache

from bytepiece.rules.byte_level import alphabet
from bytepiece.rules.protobuf import fields
from support.reading import LINES, trained


def metaspace(scheme="always", split=True):
    return {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": scheme,
        "split": split,
    }


def sequence(*steps, of="normalizers"):
    return {"type": "Sequence", of: list(steps)}


STRIP = {"type": "Strip", "strip_left": False, "strip_right": True}
SQUEEZE = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}
NFKC = {"type": "NFKC"}
FUSED = sequence(
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    of="decoders",
)
TOKENS = [(0, "<unk>"), (1, "<s>"), (2, "</s>")]


def converted(**settings):
    """Return a model of SentencePiece as the usual converters write it."""
    message = trained(**settings)
    entries, charsmap, fallback = [], b"", False
    for number, value in fields(message):
        if number == 1:
            entry = dict(fields(value))
            entries.append([entry[1].decode(), entry.get(2, 0.0)])
        elif number == 3:
            charsmap = dict(fields(value)).get(2, b"")
        elif number == 2:
            fallback = bool(dict(fields(value)).get(35, 0))
    steps = [STRIP, SQUEEZE]
    if charsmap:
        table = base64.b64encode(charsmap).decode()
        steps.insert(0, {"type": "Precompiled", "precompiled_charsmap": table})
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(*token) for token in TOKENS],
        "normalizer": sequence(*steps),
        "pre_tokenizer": metaspace(),
        "post_processor": None,
        "decoder": FUSED if fallback else metaspace(),
        "model": {"type": "Unigram", "unk_id": 0, "vocab": entries, "byte_fallback": fallback},
    }


def added(id_, name, **flags):
    return {
        "id": id_,
        "content": name,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
        **flags,
    }


def changed(file, **settings):
    return {**copy.deepcopy(file), **settings}


def replace(pattern, content):
    return {"type": "Replace", "pattern": pattern, "content": content}


def byte_level(**flags):
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
        **flags,
    }


def unigram(text, names, alphabet):
    """Return a Unigram model whose pieces are the frequent substrings of a text."""
    counts = Counter(text[i : i + n] for n in range(1, 8) for i in range(len(text) - n + 1))
    scores = dict.fromkeys(names, 0.0) | dict.fromkeys(alphabet, -12.0)
    for piece, count in counts.most_common(900):
        scores[piece] = round(math.log(count / len(text)), 4)
    return {
        "type": "Unigram",
        "unk_id": names.index("<unk>"),
        "vocab": [[*entry] for entry in scores.items()],
        "byte_fallback": False,
    }


def plain_file(names, **settings):
    """Return a file without steps."""
    tokens = [added(id_, name) for id_, name in enumerate(names)]
    steps = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "decoder"))
    return {"version": "1.0", "added_tokens": tokens, "post_processor": None, **steps, **settings}


def over_bytes():
    """Return a Unigram model in the ByteLevel alphabet; some pieces cross line ends."""
    spelled = "".join(alphabet()[byte] for byte in "\n".join(LINES[:90]).encode())
    names = ["<pad>", "<unk>"]
    model = unigram(spelled, names, alphabet())
    return plain_file(names, model=model, pre_tokenizer=byte_level(), decoder=byte_level())


def over_characters():
    """Return a Unigram model whose pieces hold spaces and line ends."""
    text = "\n".join(LINES[:90])
    return plain_file(["<unk>"], model=unigram(text, ["<unk>"], sorted(set(text))))


@cache
def files():
    """Return files by name, one for each combination of steps."""
    plain = converted(normalization_rule_name="identity")
    mapped = converted(normalization_rule_name="nmt_nfkc")
    fallback = converted(normalization_rule_name="identity", byte_fallback=True)
    across = converted(normalization_rule_name="identity", split_by_whitespace=False)
    replaced = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    prepended = sequence({"type": "Prepend", "prepend": "▁"}, replaced)
    old = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    of_bytes = over_bytes()
    line_split = {
        "type": "Split",
        "pattern": {"Regex": r"\n+"},
        "behavior": "MergedWithPrevious",
        "invert": False,
    }
    whole = metaspace(split=False)
    words = sequence({"type": "WhitespaceSplit"}, metaspace(), of="pretokenizers")
    quotes = [replace({"String": old}, '"') for old in ("``", "''")]
    marks = [{"type": kind} for kind in ("NFKD", "StripAccents", "Lowercase")]
    table = mapped["normalizer"]["normalizers"][0]
    blanks = replace({"Regex": r"\s{2,}|[\n\r\t]"}, " ")
    ends = replace({"Regex": r"\A +| +\z"}, "")
    opening = replace({"Regex": r"\A▁"}, "▁▁")
    spaces = [replace({"Regex": " {2,}"}, " "), replace({"String": " "}, "▁")]
    return {
        "words": changed(mapped, normalizer=table, pre_tokenizer=words),
        "words, no marks": changed(
            mapped, normalizer=sequence(*quotes, *marks, table), pre_tokenizer=words
        ),
        "blanks": changed(plain, normalizer=sequence(blanks, {"type": "NFC"}, STRIP)),
        "ends": changed(
            across,
            normalizer=sequence(table, ends, *spaces, opening),
            pre_tokenizer=whole,
            decoder=FUSED,
        ),
        "untyped": {**plain, "model": {k: v for k, v in plain["model"].items() if k != "type"}},
        "identity": plain,
        "nmt_nfkc": mapped,
        "byte fallback": fallback,
        "first": changed(plain, pre_tokenizer=metaspace("first")),
        "never": changed(plain, pre_tokenizer=metaspace("never"), decoder=metaspace("never")),
        "across, split": across,
        "across, whole": changed(across, pre_tokenizer=whole, decoder=FUSED),
        "old spelling": changed(plain, pre_tokenizer=old, decoder=old),
        "no normalizer": changed(plain, normalizer=None),
        "forms": changed(plain, normalizer=sequence(NFKC, {"type": "NFD"}, STRIP)),
        "prepended": changed(across, normalizer=prepended, pre_tokenizer=None, decoder=FUSED),
        "both strips": changed(plain, normalizer={**STRIP, "strip_left": True}),
        "bytes": of_bytes,
        "bytes, normalized": changed(of_bytes, normalizer={"type": "NFC"}),
        "bytes, prefix": changed(of_bytes, pre_tokenizer=byte_level(add_prefix_space=True)),
        "bytes, lines": changed(
            of_bytes, pre_tokenizer=sequence(line_split, byte_level(), of="pretokenizers")
        ),
        "characters": over_characters(),
    }
