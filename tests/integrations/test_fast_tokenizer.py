"""The fast tokenizer that is made of a model, or of a tokenizer that was trained with."""

import os

import pytest
from support import reading

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="pip install transformers")

import bytepiece  # noqa: E402
from bytepiece import errors  # noqa: E402
from bytepiece.formats import from_sentencepiece, to_huggingface  # noqa: E402
from bytepiece.integrations.transformers import BytePieceTokenizer, fast  # noqa: E402

TEXTS = [
    "the<a:b> the cat sat naïve<|x|>zzz<$m:><eos>",
    "",
    "<|x|><|x|>",
    " the hat\n\n今天 the cat",
]


def with_added_tokens(model, **settings):
    tokenizer = BytePieceTokenizer(model, **settings)
    tokenizer.add_tokens(["<a:b>", "the", "the cat sat"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|x|>"], "mask_token": "<$m:>"})
    tokenizer.add_tokens("zzz")
    return tokenizer


@pytest.mark.parametrize("add_bos", [False, True])
@pytest.mark.parametrize("add_eos", [False, True])
def test_a_tokenizer_hands_over_all_it_has(model, add_bos, add_eos, tmp_path):
    settings = {
        "chat_template": "{{ messages[0].content }}",
        "model_max_length": 99,
        "padding_side": "left",
        "truncation_side": "left",
    }
    tokenizer = with_added_tokens(model, add_bos=add_bos, add_eos=add_eos, **settings)
    made = fast(tokenizer)
    made.save_pretrained(tmp_path)
    for other in (made, transformers.AutoTokenizer.from_pretrained(tmp_path)):
        assert other.is_fast
        assert len(other) == len(tokenizer)
        assert {name: getattr(other, name) for name in settings} == settings
        assert {*other.all_special_tokens} == {*tokenizer.all_special_tokens}
        assert other.mask_token == "<$m:>"
        for text in TEXTS:
            ids = tokenizer(text)["input_ids"]
            assert other(text)["input_ids"] == ids
            for skip in (False, True):
                decoded = tokenizer.decode(ids, skip_special_tokens=skip)
                assert other.decode(ids, skip_special_tokens=skip) == decoded
            pair = tokenizer(text, "a hat", return_token_type_ids=True)
            of_other = other(text, "a hat", return_token_type_ids=True)
            assert of_other["input_ids"] == pair["input_ids"]
            assert of_other["token_type_ids"] == pair["token_type_ids"]
    assert fast(tokenizer, padding_side="right").padding_side == "right"


def test_the_unknown_token_has_its_role():
    model = from_sentencepiece.from_bytes(reading.trained())
    assert to_huggingface.settings_of(model)["unk_token"] == "<unk>"


def test_an_added_token_that_is_spelled_like_a_byte_is_refused(model):
    tokenizer = BytePieceTokenizer(model)
    tokenizer.add_tokens("é")
    with pytest.raises(errors.ModelError, match="added token 'é'"):
        fast(tokenizer)


def test_of_a_model_a_file_or_a_tokenizer(model, tmp_path):
    path = tmp_path / "a.model"
    bytepiece.model_io.save(model, path)
    vocabularies = [
        fast(source).get_vocab() for source in (model, bytepiece.Tokenizer(model), path, str(path))
    ]
    assert all(vocabulary == vocabularies[0] for vocabulary in vocabularies)
