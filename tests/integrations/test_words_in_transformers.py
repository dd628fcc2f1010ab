"""Words and places of tokens in `transformers`, for the classification of tokens and for chats."""

import copy
import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SAMPLE

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="pip install transformers")

import bytepiece  # noqa: E402
from bytepiece.integrations.transformers import BytePieceTokenizer, fast  # noqa: E402
from bytepiece.integrations.words import word_ids, word_spans  # noqa: E402

WORDS = ["EU", " rejects", " German", "", " call", " naïve", "今天", " 👍", "\n\nthe", " the cat"]
TEXTS = ["the naïve cat.\n\nAda's 今天 👍", "", " ", "the cat and the hat", "e\u0301té <eos>the"]


@pytest.fixture(scope="module")
def small():
    return bytepiece.train(SAMPLE, 1000, algorithm="merge", spaces="across")


@pytest.fixture(scope="module")
def both(small):
    """Our tokenizer and the fast one of the same model."""
    return BytePieceTokenizer(small), fast(small)


def places(batch, row, words=(), chars=()):
    """Return the answers of all methods of `BatchEncoding`."""
    tokens = range(len(batch.encodings[row].ids))
    return {
        "tokens": batch.tokens(row),
        "words": batch.word_ids(row),
        "sequences": batch.sequence_ids(row),
        "offsets": [tuple(span) for span in batch.encodings[row].offsets],
        "chars": [batch.token_to_chars(row, token) for token in tokens],
        "word": [batch.token_to_word(row, token) for token in tokens],
        "sequence": [batch.token_to_sequence(row, token) for token in tokens],
        "tokens of words": [batch.word_to_tokens(row, *word) for word in words],
        "chars of words": [batch.word_to_chars(row, *word) for word in words],
        "tokens of chars": [batch.char_to_token(row, *char) for char in chars],
    }


def test_words_that_are_given(both):
    ours, other = (
        one([WORDS, WORDS[::-1]], is_split_into_words=True, padding=True) for one in both
    )
    filled = [(word,) for word, text in enumerate(WORDS) if text]
    chars = [(char, 0) for char in range(7)]
    assert places(ours, 0, filled, chars) == places(other, 0, filled, chars)
    filled = [(len(WORDS) - 1 - word,) for (word,) in filled]
    assert places(ours, 1, filled, chars) == places(other, 1, filled, chars)
    assert ours.word_to_tokens(0, WORDS.index("")) is None


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("strategy", ["longest_first", "only_second"])
def test_pairs_that_are_padded_and_cut(both, side, strategy):
    made = []
    for one in map(copy.deepcopy, both):
        one.padding_side = one.truncation_side = side
        pairs = [("the cat", "the hat and the cat"), ("a", "the")]
        made.append(one(pairs, padding=True, truncation=strategy, max_length=6))
    ours, other = made
    assert ours["input_ids"] == other["input_ids"]
    for row in range(2):
        chars = [(char, text) for text in range(2) for char in range(12)]
        answers = [places(batch, row, chars=chars) for batch in made]
        for answer in answers:
            del answer["words"], answer["word"]  # The fast tokenizer numbers lines.
        assert answers[0] == answers[1]
    assert ours.n_sequences == other.n_sequences == 2


def test_places_between_marks(small):
    tokenizer = BytePieceTokenizer(small, add_bos=True, add_eos=True, padding_side="left")
    batch = tokenizer(["the cat", "the hat on the mat"], padding=True, return_tensors="np")
    pads = batch["input_ids"].shape[1] - len(tokenizer("the cat")["input_ids"])
    words, sequences = batch.word_ids(0), batch.sequence_ids(0)
    assert words[: pads + 1] == sequences[: pads + 1] == [None] * (pads + 1)
    assert words[-1] is sequences[-1] is batch.token_to_chars(0, -1) is None
    assert words[pads + 1] == sequences[pads + 1] == 0
    assert batch.tokens(0)[0] == "<pad>"


def test_words_of_a_text(both):
    tokenizer, other = both
    text = "the naïve cat"
    batch = tokenizer(text)
    assert [text[slice(*batch.word_to_chars(word))] for word in range(3)] == text.split()
    assert [batch.char_to_word(char) for char in (0, 2, 3, 4, 8, 12)] == [0, 0, None, 1, 1, 2]
    for word in range(3):
        low, high = batch.word_to_tokens(word)
        of_chars = {batch.char_to_token(char) for char in range(*batch.word_to_chars(word))}
        assert of_chars <= {*range(low, high)}
    for text in TEXTS:
        spans = other(text, return_offsets_mapping=True)["offset_mapping"]
        batch = tokenizer(text)
        assert batch.word_ids() == word_ids(text, spans)
        # The fast tokenizer takes lines for words. No word of ours is in two of its words.
        lines = other(text).word_ids()
        of_word = {}
        for word, line in zip(batch.word_ids(), lines, strict=True):
            assert word is None or of_word.setdefault(word, line) == line


def test_a_piece_of_several_words_has_the_first_and_covers_all():
    model = bytepiece.train(["the cat sat"] * 9, 300, algorithm="merge", spaces="across")
    tokenizer = BytePieceTokenizer(model)
    batch = tokenizer("the cat sat")
    assert len(batch["input_ids"]) < 3
    assert batch.word_ids()[0] == 0
    assert [batch.word_to_tokens(word) is not None for word in range(3)] == [True] * 3


@given(st.text(st.sampled_from("aя汉カ7 .\n\u0301\u200d\ud800👍️")))
def test_words_are_in_order_without_spaces(text):
    spans = word_spans(text)
    joined = "".join(text[low:high] for low, high in spans)
    assert joined == "".join(text.split())
    assert all(low < high for low, high in spans)
    assert spans == sorted(spans)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada's  3.5\tdogs", ["Ada", "'", "s", "3.5", "dogs"]),
        ("Москва-London", ["Москва", "-", "London"]),
        ("ひらがなカタカナ漢字 한국어를", ["ひらがなカタカナ漢字", "한국어를"]),
        ("e\u0301te\u0301 \u0301", ["e\u0301te\u0301", "\u0301"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("👩\u200d🚀️ x", ["👩\u200d🚀️", "x"]),
        ("a\ud800b", ["a", "\ud800", "b"]),
    ],
)
def test_words_by_spaces_and_scripts(text, words):
    assert [text[low:high] for low, high in word_spans(text)] == words


@pytest.mark.parametrize("number", [0, 1])
def test_labels_of_words_become_labels_of_tokens(both, number):
    """The usual recipe: the first token of a word has its label, the others have −100."""
    words = ["Ada", " Lovelace", " lives", " in", " München", "."]
    labels = [1, 2, 0, 0, 3, 0]
    batch = both[number](words, is_split_into_words=True)
    aligned, previous = [], None
    for word in batch.word_ids():
        aligned.append(-100 if word is None or word == previous else labels[word])
        previous = word
    assert [label for label in aligned if label != -100] == labels
    for word, label in enumerate(labels):
        assert aligned[batch.word_to_tokens(word).start] == label


@pytest.mark.parametrize("number", [0, 1])
def test_labels_of_characters_become_labels_of_tokens(both, number):
    text = "Ada Lovelace lives in München."
    begin, end = text.index("München"), text.index(".")
    batch = both[number](text)
    tokens = {batch.char_to_token(char) for char in range(begin, end)}
    assert tokens == {*range(min(tokens), max(tokens) + 1)}
    low = batch.token_to_chars(min(tokens)).start
    high = batch.token_to_chars(max(tokens)).end
    assert low <= begin < end <= high
    assert high - low <= len(" München. ")


def test_samples_have_places(both):
    sampler = both[0].sampled(0.1)  # A new seed for each call.
    for text in TEXTS:
        batch = sampler(text)
        spans = batch.encodings[0].offsets
        assert len(spans) == len(batch["input_ids"])
        assert "".join(sampler.convert_ids_to_tokens(batch["input_ids"])) == "".join(batch.tokens())
        assert {char for low, high in spans for char in range(low, high)} == {*range(len(text))}


@pytest.mark.skipif(transformers.__version__.startswith("4"), reason="takes no ids here")
def test_rows_of_ids_have_no_places(both):
    batch = both[0]([5, 6])
    assert batch.word_ids() == [None, None]
    assert batch.sequence_ids() == [0, 0]


def test_an_empty_batch_and_pickles(both):
    assert len(both[0]([]).encodings) == 0
    batch = both[0](["the cat", "the"], return_length=True)
    again = pickle.loads(pickle.dumps(batch))
    assert again.data == batch.data
    assert again.encodings is None
    assert [each.ids for each in batch[:2]] == batch["input_ids"]
    assert batch[-1].ids == batch["input_ids"][1]


def test_the_assistants_tokens_in_a_chat(both):
    template = (
        "{% for m in messages %}{{ m['role'] }}: {% if m['role'] == 'assistant' %}"
        "{% generation %}{{ m['content'] }}<eos>{% endgeneration %}"
        "{% else %}{{ m['content'] }}{% endif %}\n{% endfor %}"
    )
    chat = [
        {"role": "user", "content": "the naïve cat"},
        {"role": "assistant", "content": "今天 the hat"},
    ]
    wanted = {"return_dict": True, "return_assistant_tokens_mask": True, "chat_template": template}
    made = [one.apply_chat_template([chat, chat[::-1]], **wanted) for one in both]
    assert made[0]["assistant_masks"] == made[1]["assistant_masks"]
    ids, mask = made[0]["input_ids"][0], made[0]["assistant_masks"][0]
    spoken = [id_ for id_, is_spoken in zip(ids, mask, strict=True) if is_spoken]
    assert "今天 the hat<eos>" in both[0].decode(spoken)
    assert np.sum(mask) < len(mask)
