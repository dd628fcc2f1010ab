"""The tokenizer for `transformers`, used like that library's own tokenizers."""

import copy
import os
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SAMPLE

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="pip install transformers")

import bytepiece  # noqa: E402
from bytepiece import SpecialToken, errors  # noqa: E402
from bytepiece.integrations.transformers import BytePieceTokenizer, register  # noqa: E402

STRANGE = "the cat\n\n and the hat… 今天天气 👍 é\x00\x00 \ud800"
IS_VERSION_5 = transformers.__version__.split(".")[0] != "4"
NO_JSON = "no tokenizer.json was written"
"""A warning about an added token that is spelled like a byte."""


def with_piece(model, piece, **fields):
    """Return the model with one more piece."""
    return bytepiece.Model(
        (*model.pieces, piece),
        [*model.scores.tolist(), -1.0],
        special_tokens=fields.pop("special_tokens", model.special_tokens),
        rules=bytepiece.TextRules(**fields),
    )


@pytest.mark.parametrize("text", ["", "the hat", STRANGE, " \t\n", "<eo", "a" * 999])
def test_ids_are_the_librarys_and_decode_exactly(plain, tok, text):
    ids = plain(text)["input_ids"]
    assert ids == plain.encode(text) == tok.encode(text, allowed_special="all")
    assert plain.decode(ids) == text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    names = plain.convert_ids_to_tokens(ids)
    assert plain.tokenize(text) == names
    assert plain.convert_tokens_to_ids(names) == ids
    assert plain.convert_tokens_to_string(names) == plain.decode(ids)


@given(texts=st.lists(st.text(st.sampled_from("the cat<eos>é今\n"), max_size=30), max_size=6))
def test_a_batch_is_its_texts(plain, tok, texts):
    batch = plain(texts)
    assert batch.get("input_ids", []) == [plain.encode(text) for text in texts]
    assert [plain.decode(row) for row in batch.get("input_ids", [])] == texts


def test_every_id_has_a_name_of_its_own(plain, model):
    vocabulary = plain.get_vocab()
    assert sorted(vocabulary.values()) == list(range(model.vocab_size))
    assert len(plain) == plain.vocab_size == model.vocab_size
    for name, id_ in vocabulary.items():
        assert plain.convert_tokens_to_ids(name) == id_
        assert plain.convert_ids_to_tokens(id_) == name
    assert {"the", "Ġcat"} <= vocabulary.keys()
    assert vocabulary["<eos>"] == 2


def test_special_tokens_of_the_model(model):
    tokens = (*model.special_tokens[:2], SpecialToken("<sep>", 2, "control"))
    tokenizer = BytePieceTokenizer(with_piece(model, b"xyz", special_tokens=tokens))
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id) == (0, 1)
    assert tokenizer.eos_token is None
    assert tokenizer.all_special_ids == [1, 0, 2]
    assert tokenizer.encode("<sep>") == [2]
    with pytest.raises(errors.ArgumentError, match="eos_token"):
        BytePieceTokenizer(tokenizer.model, add_eos=True).encode("a")


def test_chat_template(chat, tok):
    messages = [{"role": "user", "content": "the cat"}, {"role": "assistant", "content": "the hat"}]
    ids = chat.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    start, end = chat.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    assert (start, end) == (tok.vocab_size, tok.vocab_size + 1)
    assert ids.count(start) == 3
    assert ids.count(end) == 2
    text = chat.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert chat.decode(ids) == text
    assert chat.decode(ids, skip_special_tokens=True) == text.replace("<|im_start|>", "").replace(
        "<|im_end|>", ""
    )
    assert chat(text)["input_ids"] == chat(["x", text])["input_ids"][1] == ids


@pytest.mark.skipif(not IS_VERSION_5, reason="transformers 4 has no such option")
def test_control_tokens_that_users_write_are_text(chat):
    messages = [{"role": "user", "content": "<|im_end|>the<eos>"}]
    ids = chat.apply_chat_template(messages, return_dict=False, sanitize_control_tokens=True)
    assert chat.decode(ids) == chat.apply_chat_template(messages, tokenize=False)
    assert ids.count(chat.convert_tokens_to_ids("<|im_end|>")) == 1
    assert chat.eos_token_id not in ids


@pytest.mark.parametrize("alpha", [None, 0.0])
def test_a_document_cannot_forge_a_special_token(model, alpha):
    forged = with_piece(with_piece(model, b"<eos>"), b"<|im_end|>")
    tokenizer = BytePieceTokenizer(forged, alpha=alpha, seed=1)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_end|>"]})
    text = "<|im_end|> and <eos>"
    inside = [tokenizer.convert_tokens_to_ids("<|im_end|>"), tokenizer.eos_token_id]
    assert len({*inside} & {*tokenizer.encode(text)}) == 2
    for ids in (
        tokenizer(text, split_special_tokens=True)["input_ids"],
        tokenizer([text], split_special_tokens=True)["input_ids"][0],
        BytePieceTokenizer(forged, split_special_tokens=True).encode(text),
    ):
        assert not {*inside} & {*ids}
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
    names = tokenizer.get_vocab()
    assert len(names) == len({*names.values()}) == len(tokenizer) == forged.vocab_size + 1


def test_added_tokens(plain, tok):
    tokenizer = copy.deepcopy(plain)
    assert tokenizer.add_tokens(["the cat", "é", "th", "the cat sat"]) == 3
    assert len(tokenizer) == tok.vocab_size + 3
    new = tok.vocab_size
    assert tokenizer.convert_tokens_to_ids("th") == tok.piece_to_id(b"th")
    ids = tokenizer.encode("the cat sat")
    assert ids == [new + 2]
    ids = tokenizer.encode("the café")
    assert ids[-1] == new + 1
    assert tokenizer.decode(ids) == "the café"
    # The byte that the alphabet spells é is still another token.
    byte = tok.piece_to_id(b"\xe9")
    assert tokenizer.convert_tokens_to_ids(tokenizer.convert_ids_to_tokens(byte)) == byte
    assert tokenizer.decode(tokenizer.encode("an hour é ê")) == "an hour é ê"
    assert len(plain) == tok.vocab_size
    for kind in ("lstrip", "rstrip", "single_word"):
        with pytest.raises(errors.ArgumentError, match=kind):
            tokenizer.add_tokens([transformers.AddedToken("<m>", **{kind: True})])


def test_an_added_token_that_becomes_special_is_not_a_piece(plain, tmp_path):
    tokenizer = copy.deepcopy(plain)
    piece = tokenizer.convert_tokens_to_ids("a")
    assert tokenizer.add_tokens(["a"]) == 0
    tokenizer.add_special_tokens({"additional_special_tokens": ["a"]})
    new = tokenizer.convert_tokens_to_ids("a")
    assert new == len(tokenizer) - 1 == len(plain)
    with pytest.warns(UserWarning, match=NO_JSON):
        tokenizer.save_pretrained(tmp_path)
    for one in (tokenizer, BytePieceTokenizer.from_pretrained(tmp_path)):
        assert one.encode("a") == [new]
        assert one.encode("a", split_special_tokens=True) == [piece]
        assert one.decode([piece, new]) == "aa"
        assert one.decode([piece, new], skip_special_tokens=True) == "a"


def test_values_that_are_not_text(plain):
    for wrong, kind in (
        (5, "int"),
        (b"the cat", "bytes"),
        ([None], "NoneType"),
        ([None, "the cat"], "(NoneType|str)"),
        (["the cat", None], "NoneType"),
        ([b"the cat"], "bytes"),
        ([["the", "cat"], [None]], "NoneType"),
        ([[1.5]], "float"),
    ):
        with pytest.raises(errors.ArgumentError, match=kind):
            plain(wrong)
    assert plain([np.str_("the cat")])["input_ids"] == [plain.encode("the cat")]


def test_ids_without_a_piece(model):
    gaps = bytepiece.Model(model.pieces, model.scores, model.ids * 2, model.special_tokens)
    tokenizer = BytePieceTokenizer(gaps)
    assert len(tokenizer) == tokenizer.vocab_size == gaps.vocab_size == len(tokenizer.get_vocab())
    tokenizer.add_tokens(["<new>"])
    assert tokenizer.encode("<new>") == [gaps.vocab_size]
    assert tokenizer.decode([*tokenizer.encode("the hat"), 7, gaps.vocab_size + 99]) == "the hat"
    # Servers expect None for ids outside of the vocabulary, and put "" in its place.
    assert tokenizer.convert_ids_to_tokens([0, gaps.vocab_size + 99]) == ["<pad>", None]
    assert tokenizer.convert_tokens_to_string(["", "a", ""]) == "a"
    with pytest.raises(errors.VocabularyError, match="there is no token"):
        tokenizer.convert_tokens_to_string(["nonsense"])


def test_saved_and_loaded(chat, tmp_path):
    chat = copy.deepcopy(chat)
    chat.add_tokens(["hat", "é"])
    chat.model_max_length = 20
    with pytest.warns(UserWarning, match=NO_JSON):
        files = chat.save_pretrained(tmp_path)
    assert any(name.endswith("bytepiece.model") for name in files)
    again = BytePieceTokenizer.from_pretrained(tmp_path)
    assert again.get_vocab() == chat.get_vocab()
    assert again.model == chat.model
    assert again.chat_template == chat.chat_template
    assert again.special_tokens_map == chat.special_tokens_map
    assert again.model_max_length == 20
    text = "<|im_start|>the hat é" + STRANGE
    assert again.encode(text) == chat.encode(text)
    sampling = BytePieceTokenizer.from_pretrained(tmp_path, alpha=0.1, seed=3, add_eos=True)
    assert sampling.encode(text)[:-1] == chat.sampled(0.1, seed=3).encode(text)
    with pytest.warns(UserWarning, match=NO_JSON):
        sampling.save_pretrained(tmp_path / "b")
    marked = BytePieceTokenizer.from_pretrained(tmp_path / "b")
    assert marked.encode("the") == [*chat.encode("the"), 2]  # It adds eos and does not sample.


def test_nothing_to_load(tmp_path):
    with pytest.raises((OSError, errors.ArgumentError)):
        BytePieceTokenizer.from_pretrained(tmp_path)
    with pytest.raises(errors.ArgumentError, match="save_pretrained"):
        BytePieceTokenizer(None)


def test_loaded_by_auto_tokenizer(plain, tmp_path):
    plain.save_pretrained(tmp_path)
    register()
    register()
    again = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert type(again) is BytePieceTokenizer
    assert again.encode(STRANGE) == plain.encode(STRANGE)


def test_copies(chat):
    for again in (pickle.loads(pickle.dumps(chat)), copy.deepcopy(chat)):
        assert again.encode("<|im_start|>the") == chat.encode("<|im_start|>the")
        assert len(again) == len(chat)
        assert again.sampled(0.2, seed=1).encode(STRANGE) == chat.sampled(0.2, seed=1).encode(
            STRANGE
        )


def test_padding_and_truncation(plain):
    texts = ["the hat", "", "the cat and the hat 今天 and the cat"]
    rows = [plain.encode(text) for text in texts]
    longest = max(map(len, rows))
    right = plain(texts, padding=True)
    left = plain(texts, padding=True, padding_side="left") if IS_VERSION_5 else None
    for i, row in enumerate(rows):
        fill = longest - len(row)
        assert right["input_ids"][i] == row + [0] * fill
        assert right["attention_mask"][i] == [1] * len(row) + [0] * fill
        if left:
            assert left["input_ids"][i] == [0] * fill + row
            assert left["attention_mask"][i] == [0] * fill + [1] * len(row)
    cut = plain(texts, truncation=True, max_length=3, padding="max_length", return_tensors="np")
    assert cut["input_ids"].shape == (3, 3)
    assert cut["input_ids"].dtype == np.int64
    assert cut["input_ids"][2].tolist() == rows[2][:3]
    assert plain(texts[2], truncation=True, max_length=4)["input_ids"] == rows[2][:4]
    multiple = plain(texts, padding=True, pad_to_multiple_of=8)["input_ids"]
    assert {len(row) for row in multiple} == {-(-longest // 8) * 8}
    single = plain(texts[0], return_tensors="np")["input_ids"]
    assert single.tolist() == [rows[0]]
    assert plain([texts[1]], return_tensors="np")["input_ids"].shape == (1, 0)


def test_truncation_on_the_left_and_overflow(model):
    tokenizer = BytePieceTokenizer(model, truncation_side="left", add_bos=True)
    ids = tokenizer.encode("the cat and the hat 今天")
    cut = tokenizer(
        "the cat and the hat 今天",
        truncation=True,
        max_length=4,
        return_overflowing_tokens=True,
        return_length=True,
    )
    assert cut["input_ids"] == [ids[0], *ids[-3:]]
    assert cut["overflowing_tokens"] == ids[1:-3]
    assert cut["num_truncated_tokens"] == len(ids) - 4
    assert cut["length"] == 4


def test_bos_eos_and_pairs(model, tok):
    tokenizer = BytePieceTokenizer(model, add_bos=True, add_eos=True)
    a, b = tok.encode("the cat"), tok.encode("the hat")
    both = tokenizer(
        "the cat", "the hat", return_special_tokens_mask=True, return_token_type_ids=True
    )
    assert both["input_ids"] == [1, *a, 2, 1, *b, 2]
    assert both["special_tokens_mask"] == [1, *[0] * len(a), 1, 1, *[0] * len(b), 1]
    assert both["token_type_ids"] == [0] * (len(a) + 2) + [1] * (len(b) + 2)
    assert tokenizer([("the cat", "the hat"), ["the hat", "the cat"]])["input_ids"] == [
        [1, *a, 2, 1, *b, 2],
        [1, *b, 2, 1, *a, 2],
    ]
    assert tokenizer("the cat", add_special_tokens=False)["input_ids"] == a
    assert tokenizer.num_special_tokens_to_add() == 2
    assert tokenizer.build_inputs_with_special_tokens(a, b) == both["input_ids"]
    assert tokenizer.get_special_tokens_mask(a, b) == both["special_tokens_mask"]
    mask = tokenizer.get_special_tokens_mask(both["input_ids"], already_has_special_tokens=True)
    assert mask == both["special_tokens_mask"]
    cut = tokenizer("the cat the cat", "the hat", truncation="only_first", max_length=8)
    assert cut["input_ids"] == [1, *tok.encode("the cat the cat")[: 4 - len(b)], 2, 1, *b, 2]
    words = tokenizer(["the", " cat"], is_split_into_words=True)["input_ids"]
    assert words == [1, *tok.encode("the"), *tok.encode(" cat"), 2]
    assert tokenizer.encode(a) == [1, *a, 2]
    with pytest.raises(errors.ArgumentError, match="is_split_into_words"):
        tokenizer([["the", "cat", "sat"]])
    with pytest.raises(ValueError, match="text_pair"):
        tokenizer(["the", "cat"], ["the"])
    with pytest.raises(ValueError, match="must be"):
        tokenizer(3.5)


@pytest.mark.parametrize(
    "settings", [{"alpha": "x"}, {"alpha": 0.1, "sample_prob": 4}, {"alpha": 0.1, "seed": -1}]
)
def test_wrong_settings_are_refused_at_once(chat, model, settings):
    with pytest.raises(errors.ArgumentError):
        BytePieceTokenizer(model, **settings)
    with pytest.raises(errors.ArgumentError):
        chat.sampled(**settings)


@pytest.mark.parametrize("alpha", [None, 0.0])
def test_offsets(chat, alpha):
    sampler = chat.sampled(alpha, seed=1)
    texts = ["the cat<|im_end|> 今天 é the\n hat", "", "<eos><eos>é", "𝄞 clef"]
    batch = sampler(texts, return_offsets_mapping=True, padding=True)
    for text, ids, spans in zip(texts, batch["input_ids"], batch["offset_mapping"], strict=True):
        alone = sampler(text, return_offsets_mapping=True)
        length = len(alone["input_ids"])
        assert alone["offset_mapping"] == spans[:length]
        assert spans[length:] == [(0, 0)] * (len(ids) - length)
        covered = 0
        for id_, (low, high) in zip(ids[:length], spans, strict=False):
            assert (
                low <= covered <= high
            )  # No gap. A character of several tokens is in each of them.
            covered = high
            if id_ in chat.all_special_ids:
                assert text[low:high] == chat.convert_ids_to_tokens(id_)
        assert covered == len(text)


def test_offsets_of_pairs_words_and_truncated_texts(model):
    tokenizer = BytePieceTokenizer(model, add_bos=True)
    both = tokenizer(
        "the cat",
        "th",
        return_offsets_mapping=True,
        padding="max_length",
        max_length=9,
        truncation=True,
    )
    n = len(tokenizer.tokenize("the cat"))
    assert both["offset_mapping"] == [
        (0, 0), (0, 3), (3, 7), (0, 0), (0, 2), *[(0, 0)] * (9 - n - 3)
    ]  # fmt: skip
    words = tokenizer(["the", " cat"], is_split_into_words=True, return_offsets_mapping=True)
    assert words["offset_mapping"] == [(0, 0), (0, 3), (0, 4)]
    cut = tokenizer(["the cat"], return_offsets_mapping=True, truncation=True, max_length=2)
    assert cut["offset_mapping"] == [[(0, 0), (0, 3)]]
    arrays = tokenizer(["the cat"], return_offsets_mapping=True, return_tensors="np")
    assert arrays["offset_mapping"].shape == (1, 3, 2)
    if IS_VERSION_5:  # transformers 4 accepts no ids here.
        ids = tokenizer([5, 6], return_offsets_mapping=True)
        assert ids["offset_mapping"] == [(0, 0)] * 3


def test_offsets_are_places_in_the_given_text(model):
    tokenizer = BytePieceTokenizer(with_piece(model, b"xyz", normalization=("NFC",)))
    spans = tokenizer("e\u0301!", return_offsets_mapping=True)["offset_mapping"]
    assert spans == [(0, 2), (2, 3)]


def test_a_streamer_prints_what_is_decoded(chat):
    torch = pytest.importorskip("torch")
    text = "the cat 👍 and 今天 é, <|im_end|>\n" * 3
    for skip in (False, True):
        ids = chat.sampled(0.0, seed=2).encode(
            text
        )  # Many characters are split over several tokens.
        streamer = transformers.TextIteratorStreamer(chat, skip_special_tokens=skip)

        def put(ids=ids, streamer=streamer):
            for id_ in ids:
                streamer.put(torch.tensor([id_]))
            streamer.end()

        thread = threading.Thread(target=put)
        thread.start()
        assert "".join(streamer) == chat.decode(ids, skip_special_tokens=skip)
        thread.join()


@pytest.mark.parametrize("library", ["np", "pt"])
def test_all_columns_as_tensors(chat, library):
    if library == "pt":
        pytest.importorskip("torch")
    wanted = {
        "return_length": True,
        "return_offsets_mapping": True,
        "return_special_tokens_mask": True,
        "return_token_type_ids": True,
    }
    batch = chat(["the cat", "the"], padding=True, return_tensors=library, **wanted)
    lists = chat(["the cat", "the"], padding=True, **wanted)
    assert batch.keys() == lists.keys()
    for name, rows in lists.items():
        assert np.array_equal(np.asarray(batch[name]), np.asarray(rows)), name


def test_tensors_and_a_collator(chat):
    torch = pytest.importorskip("torch")
    batch = chat(["the cat", "the hat and the cat"], padding=True, return_tensors="pt")
    assert batch["input_ids"].dtype == torch.int64
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    collator = transformers.DataCollatorForLanguageModeling(chat, mlm=False)
    rows = collator([chat("the cat"), chat("the hat and the cat")])
    assert torch.equal(rows["input_ids"], batch["input_ids"])
    assert chat.decode(batch["input_ids"][0], skip_special_tokens=True) == "the cat"
    with pytest.raises(ValueError, match="padding"):
        chat(["the cat", "the"], return_tensors="pt")
    rows = chat(["the cat"], text_target=["the hat"])
    assert rows["labels"] == chat(["the hat"])["input_ids"]


def test_a_model_of_another_library(tmp_path):
    """It puts a space before a text, removes it in decoding, and has an unknown token."""
    sentencepiece = pytest.importorskip("sentencepiece")
    from bytepiece.formats import from_sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        input=str(SAMPLE),
        model_prefix=str(tmp_path / "m"),
        vocab_size=1200,
        hard_vocab_limit=False,
        character_coverage=0.98,
        minloglevel=2,
    )
    content = (tmp_path / "m.model").read_bytes()
    processor = sentencepiece.SentencePieceProcessor(model_proto=content)
    tokenizer = BytePieceTokenizer(from_sentencepiece.from_bytes(content))
    text = "the cat ξ on the mat"
    assert tokenizer.encode(text) == processor.encode(text)
    assert tokenizer.decode(tokenizer.encode("the cat")) == "the cat"
    assert tokenizer.unk_token_id == processor.unk_id()
    spans = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    assert len(spans) == len(processor.encode(text))
    assert (spans[0][0], spans[-1][1]) == (0, len(text))  # A space is put in front of the text.
    assert len(tokenizer.get_vocab()) == len(tokenizer)
