"""What `BytePieceTokenizer.save_pretrained` writes for programs that do not know bytepiece."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from support import reading

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="pip install transformers")

import bytepiece  # noqa: E402
from bytepiece.formats import from_sentencepiece  # noqa: E402
from bytepiece.integrations.transformers import BytePieceTokenizer  # noqa: E402

TEXTS = [
    "the<a:b> the cat sat naïve<|x|>zzz<eos>",
    "",
    "<|x|><|x|>",
    " the hat\n\n今天 the cat",
]
WITHOUT_BYTEPIECE = """
import json, sys, warnings
sys.modules["bytepiece"] = None
warnings.simplefilter("ignore")
from transformers import AutoTokenizer
folder, texts = json.load(sys.stdin)
tokenizer = AutoTokenizer.from_pretrained(folder)
assert tokenizer.is_fast
rows = tokenizer(texts)["input_ids"]
found = {
    "rows": rows,
    "decoded": tokenizer.batch_decode(rows),
    "skipped": tokenizer.batch_decode(rows, skip_special_tokens=True),
    "length": len(tokenizer),
    "longest": tokenizer.model_max_length,
    "chat": tokenizer.apply_chat_template([{"content": "the hat"}], tokenize=False),
    "special": sorted(tokenizer.all_special_tokens),
}
"""
XGRAMMAR = """
import xgrammar
info = xgrammar.TokenizerInfo.from_huggingface(tokenizer)
grammar = xgrammar.GrammarCompiler(info).compile_grammar('root ::= "the naïve 今天"')
matcher = xgrammar.GrammarMatcher(grammar)
accepts = [matcher.accept_token(id_) for id_ in tokenizer.encode("the naïve 今天")]
found = {"accepts": all(accepts) and matcher.accept_token(tokenizer.eos_token_id)}
"""
LLGUIDANCE = """
import llguidance, llguidance.hf
text = "the naïve 今天"
theirs = llguidance.hf.from_tokenizer(tokenizer)
ids = tokenizer.encode(text)
matcher = llguidance.LLMatcher(theirs, llguidance.LLMatcher.grammar_from_regex(text))
taken = matcher.try_consume_tokens(ids)
found = {"accepts": taken == len(ids) and matcher.is_accepting()}
"""


def loaded_without_bytepiece(folder, texts=TEXTS, then=""):
    """Load a folder in a process that cannot import bytepiece, and return what it finds."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_BYTEPIECE + then + "print(json.dumps(found))"],
        input=json.dumps([str(folder), texts]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def saved(tokenizer, folder):
    """Save a tokenizer and return the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tokenizer.save_pretrained(folder)
    return [str(one.message) for one in caught if "tokenizer.json" in str(one.message)]


@pytest.fixture
def given(model):
    """Return a tokenizer with tokens, a template and a length of its own, and its folder."""
    tokenizer = BytePieceTokenizer(
        model, add_eos=True, chat_template="{{ messages[0].content }}<eos>", model_max_length=99
    )
    tokenizer.add_tokens(["<a:b>", "the", "zzz"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|x|>"], "mask_token": "<$m:>"})
    return tokenizer


def test_it_loads_where_bytepiece_is_missing(given, tmp_path):
    assert saved(given, tmp_path) == []
    rows = given(TEXTS)["input_ids"]
    assert loaded_without_bytepiece(tmp_path) == {
        "rows": rows,
        "decoded": given.batch_decode(rows),
        "skipped": given.batch_decode(rows, skip_special_tokens=True),
        "length": len(given),
        "longest": 99,
        "chat": "the hat<eos>",
        "special": sorted(given.all_special_tokens),
    }


def test_our_class_still_takes_its_own_file(given, tmp_path):
    files = given.save_pretrained(tmp_path)
    assert {"bytepiece.model", "tokenizer.json"} <= {Path(file).name for file in files}
    (tmp_path / "tokenizer.json").write_text("{}")
    again = BytePieceTokenizer.from_pretrained(tmp_path, alpha=0.1, seed=3)
    assert again.model == given.model
    assert again.get_vocab() == given.get_vocab()
    assert again(TEXTS) == given.sampled(0.1, seed=3)(TEXTS)


def test_files_with_a_prefix(given, tmp_path):
    files = given.save_pretrained(tmp_path, filename_prefix="one")
    assert str(tmp_path / "one-tokenizer.json") in files


@pytest.mark.parametrize(("name", "script"), [("xgrammar", XGRAMMAR), ("llguidance", LLGUIDANCE)])
def test_libraries_for_grammars_read_it(name, script, model, tmp_path):
    pytest.importorskip(name, reason=f"pip install {name}")
    BytePieceTokenizer(model, chat_template="{{ messages[0].content }}").save_pretrained(tmp_path)
    assert loaded_without_bytepiece(tmp_path, then=script) == {"accepts": True}


def test_a_warning_says_that_scores_are_rounded(model, tmp_path):
    odd = bytepiece.Model(model.pieces, model.scores * np.pi, model.ids, model.special_tokens)
    (warning,) = saved(BytePieceTokenizer(odd), tmp_path)
    assert warning.startswith("tokenizer.json is not exact: scores are rounded")
    assert "\n" not in warning


@pytest.mark.filterwarnings("ignore")
def test_a_warning_says_what_another_librarys_model_loses(tmp_path):
    model = from_sentencepiece.from_bytes(reading.trained())
    tokenizer = BytePieceTokenizer(model, chat_template="{{ messages[0].content }}")
    (warning,) = saved(tokenizer, tmp_path)
    assert warning.startswith("tokenizer.json is not exact: Hugging Face tokenizers ")
    texts = ["the hat", "naïve 今天"]
    found = loaded_without_bytepiece(tmp_path, texts)
    assert found["rows"] == tokenizer(texts)["input_ids"]


def test_what_tokenizer_json_cannot_hold_leaves_no_file(given, tmp_path):
    given.save_pretrained(tmp_path)
    given.add_tokens("é")  # the spelling of a byte
    (warning,) = saved(given, tmp_path)
    assert warning.startswith("no tokenizer.json was written, so only bytepiece can load this: ")
    assert "'é'" in warning
    assert not (tmp_path / "tokenizer.json").exists()
    assert BytePieceTokenizer.from_pretrained(tmp_path).get_vocab() == given.get_vocab()
