"""The function for `datasets.map`, called by `datasets` itself."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
datasets = pytest.importorskip("datasets", reason="pip install datasets")

from datasets.fingerprint import Hasher  # noqa: E402

from bytepiece import Tokenizer, errors, model_io  # noqa: E402
from bytepiece.integrations.datasets import Encode  # noqa: E402

TEXTS = [f"the cat and the hat {i}, 今天天气 👍" for i in range(50)] + ["", "the cat"]


@pytest.fixture(autouse=True)
def quiet():
    datasets.disable_progress_bars()


@pytest.fixture
def texts():
    """A dataset of texts and numbers."""
    return datasets.Dataset.from_dict({"text": TEXTS, "number": [3 * i for i in range(len(TEXTS))]})


def mapped(dataset, encode, **options):
    return dataset.map(encode, batched=True, with_indices=True, **options)


@pytest.mark.parametrize("options", [{}, {"alpha": 0.1}, {"alpha": (0.0, 0.5), "epoch": 2}])
@pytest.mark.parametrize("mapping", [{}, {"batch_size": 7}, {"num_proc": 2}])
def test_rows_are_those_of_encode_batch(texts, tok, options, mapping):
    out = mapped(texts, Encode(tok, seed=5, add_eos=True, **options), **mapping)
    assert out.column_names == ["input_ids"]
    assert str(out.features["input_ids"].feature.dtype) == "int32"
    expected = tok.encode_batch(TEXTS, seed=5, add_eos=True, **options)
    assert out["input_ids"][:] == [row.tolist() for row in expected]


@pytest.mark.parametrize("form", [None, "arrow"])
def test_columns(texts, tok, form):
    out = mapped(texts.with_format(form), Encode(tok, alpha=0.2, doc_ids="number", keep=["number"]))
    expected = tok.encode_batch(
        TEXTS, alpha=0.2, seed=0, doc_ids=[3 * i for i in range(len(TEXTS))]
    )
    out = out.with_format(None)
    assert out.column_names == ["number", "input_ids"]
    assert out["input_ids"][:] == [row.tolist() for row in expected]
    assert out["number"][:] == texts.with_format(None)["number"][:]


def test_names_and_hashes_of_texts_are_numbers(texts, tok):
    names = [f"<urn:uuid:{i}>" for i in range(len(TEXTS))]
    named = texts.rename_column("text", "content").add_column("id", names)
    for doc_ids, given in (("id", names), ("text", "text")):
        encode = Encode(tok, "content", alpha=0.2, doc_ids=doc_ids)
        expected = [
            row.tolist() for row in tok.encode_batch(TEXTS, alpha=0.2, seed=0, doc_ids=given)
        ]
        assert named.map(encode, batched=True, batch_size=7)["input_ids"][:] == expected
        assert [row.tolist() for row in named.with_transform(encode)[:]["input_ids"]] == expected


def test_while_reading(texts, tok):
    lazy = texts.with_transform(Encode(tok, alpha=0.2, doc_ids="number", max_length=4))
    expected = tok.encode("the cat and the hat 7, 今天天气 👍", alpha=0.2, seed=0, doc_id=21)
    assert lazy[7]["input_ids"].tolist() == expected[:4]
    lazy = texts.with_transform(Encode(tok, keep=["number"]))
    assert lazy[50:]["number"] == [150, 153]
    assert [row.tolist() for row in lazy[50:]["input_ids"]] == [[], tok.encode("the cat")]


def test_the_cache_finds_earlier_results(texts, tok, tmp_path):
    texts.save_to_disk(tmp_path)
    texts = datasets.load_from_disk(tmp_path)
    first = mapped(texts, Encode(tok, alpha=0.1))
    assert first.cache_files
    again = mapped(texts, Encode(Tokenizer(tok.model), alpha=0.1))
    assert again.cache_files == first.cache_files
    assert again._fingerprint == first._fingerprint
    later = mapped(texts, Encode(tok, alpha=0.1, epoch=1))
    assert later.cache_files != first.cache_files
    assert later["input_ids"][:] != first["input_ids"][:]


def test_the_fingerprint_depends_on_the_settings_only(tok, tmp_path):
    encode = Encode(tok, alpha=0.1, seed=1, allowed_special=["<eos>"])
    before = Hasher.hash(encode)
    encode({"text": TEXTS}, range(len(TEXTS)))
    tok.decode(tok.encode("the cat", alpha=0.3))
    assert Hasher.hash(encode) == before
    model_io.save(tok.model, tmp_path / "m.model")
    loaded = Tokenizer.load(tmp_path / "m.model")
    same = Encode(loaded, alpha=0.1, seed=1, allowed_special=["<eos>"])
    assert Hasher.hash(same) == Hasher.hash(pickle.loads(pickle.dumps(same))) == before
    other = {**encode.options, "seed": 2}
    assert Hasher.hash(Encode(tok, **other)) != before
    script = (
        "from bytepiece import Tokenizer; from datasets.fingerprint import Hasher\n"
        "from bytepiece.integrations.datasets import Encode\n"
        f"tok = Tokenizer.load({str(tmp_path / 'm.model')!r}); tok.encode('a', alpha=0.1)\n"
        "print(Hasher.hash(Encode(tok, alpha=0.1, seed=1, allowed_special=['<eos>'])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == before


def test_the_order_of_a_set_changes_nothing(tok, tmp_path):
    model_io.save(tok.model, tmp_path / "m.model")
    script = (
        "from bytepiece import Tokenizer; from datasets.fingerprint import Hasher\n"
        "from bytepiece.integrations.datasets import Encode\n"
        f"tok = Tokenizer.load({str(tmp_path / 'm.model')!r})\n"
        "names = {token.name for token in tok.model.special_tokens}\n"
        "print(Hasher.hash(Encode(tok, allowed_special=names, keep={'a', 'b', 'c', 'd'})))"
    )
    found = set()
    for seed in "01":
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    names = {token.name for token in tok.model.special_tokens}
    found.add(Hasher.hash(Encode(tok, allowed_special=names, keep=list("abcd"))) + "\n")
    assert len(found) == 1


def test_nulls_and_streams(tok):
    dataset = datasets.Dataset.from_dict({"text": ["the cat", None, ""], "number": [5, 6, 7]})
    expected = [tok.encode("the cat", add_eos=True), [], tok.encode("", add_eos=True)]
    encode = Encode(tok, add_eos=True)
    assert dataset.map(encode, batched=True)["input_ids"][:] == expected
    assert [row.tolist() for row in dataset.with_transform(encode)[:]["input_ids"]] == expected
    streamed = dataset.to_iterable_dataset().map(encode, batched=True, remove_columns=["text"])
    rows = [(row["number"], list(row["input_ids"])) for row in streamed]
    assert rows == list(zip([5, 6, 7], expected, strict=True))


def test_bad_calls(texts, tok):
    with pytest.raises(errors.ArgumentError, match="with_indices=True"):
        texts.map(Encode(tok, alpha=0.1), batched=True)
    with pytest.raises(errors.ArgumentError, match="no column 'words'"):
        mapped(texts, Encode(tok, "words"))
    with pytest.raises(errors.ArgumentError, match="need a seed"):
        Encode(tok, seed=None)
    with pytest.raises(errors.ArgumentError, match="range"):
        Encode(tok, alpha=np.ones(3))
    with pytest.raises(errors.ArgumentError, match="sample_prob"):
        Encode(tok, alpha=0.1, sample_prob=2)
    with pytest.raises(errors.ArgumentError, match="special token"):
        Encode(tok, allowed_special=["<nothing>"])
    with pytest.raises(errors.ArgumentError, match="length must be"):
        Encode(tok, max_length=-1)
    with pytest.raises(errors.ArgumentError, match="'input_ids' is made here"):
        Encode(tok, keep=["input_ids"])
    with pytest.raises(errors.ArgumentError, match="keep must be a list"):
        Encode(tok, keep="number")
    with pytest.raises(errors.ArgumentError, match="dict of columns, not list"):
        mapped(texts, Encode(tok), input_columns="text")


@pytest.mark.parametrize("name", ["BytePieceTokenizer", "fast"])
def test_the_fingerprint_of_a_tokenizer_does_not_change_with_use(texts, model, name):
    """Otherwise `map` would not find in its cache what the tokenizer made before."""
    integration = pytest.importorskip("bytepiece.integrations.transformers")
    make = getattr(integration, name)
    tokenizer = make(model)
    before = Hasher.hash(tokenizer)
    ids = tokenizer(["the cat<eos>"], padding=True)["input_ids"]
    tokenizer.decode(ids[0], skip_special_tokens=True)
    tokenizer("the cat").word_ids()
    assert Hasher.hash(tokenizer) == Hasher.hash(make(model)) == before
    assert tokenizer.add_tokens("<x>") == 1
    assert Hasher.hash(tokenizer) != before
    rows = texts.map(tokenizer, input_columns="text", batched=True)
    assert rows["input_ids"][:] == tokenizer(TEXTS)["input_ids"]
