"""The public face of the tokenizer: arguments, names and ids, errors."""

from collections.abc import Iterator

import numpy as np
import pytest
from support.strategies import make_model

from bytepiece import Model, SpecialToken, Tokenizer
from bytepiece.errors import ArgumentError, BytepieceError, ModelError, VocabularyError
from bytepiece.rules.foreign import HuggingFaceRules, SentencePieceRules
from bytepiece.rules.text_rules import TextRules

BOS, EOS = 1, 2
BYTES = [bytes([b]) for b in range(256)]


# ---- encoding


def test_bos_and_eos_frame_a_text(tok):
    plain = tok.encode("the hat")
    assert tok.encode("the hat", True, True) == [BOS, *plain, EOS]
    assert tok.encode("the hat", add_bos=True) == [BOS, *plain]
    assert tok.encode("the hat", add_eos=True) == [*plain, EOS]
    assert tok.encode("", add_bos=True, add_eos=True) == [BOS, EOS]


def test_bos_and_eos_frame_samples_without_changing_them(tok):
    options = {"alpha": 0.1, "seed": 4, "doc_id": 2}
    plain = tok.encode("the hat\nthe cat", **options)
    assert tok.encode("the hat\nthe cat", True, True, **options) == [BOS, *plain, EOS]


def test_a_model_without_bos_cannot_add_it():
    tok = Tokenizer(make_model({}, special_tokens=(SpecialToken("<x>", 7, "control"),)))
    with pytest.raises(ModelError, match="bos"):
        tok.encode("a", add_bos=True)


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": float("nan")},
        {"alpha": float("inf")},
        {"alpha": 1e300},
        {"seed": -1},
        {"seed": 1.0},
        {"epoch": 1 << 32},
        {"doc_id": True},
        {"doc_id": 1 << 64},
        {"sample": -1},
        {"nbest_size": 0},
    ],
)
def test_a_sample_of_one_text_checks_its_arguments(tok, options):
    assert tok.encode("the hat", alpha=0.5, seed=(1 << 64) - 1)
    with pytest.raises(ArgumentError, match=next(iter(options))):
        tok.encode("the hat", **{"alpha": 0.5, **options})


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint64])
def test_numbers_of_numpy_are_numbers(tok, kind):
    texts = ["the cat and the hat\n" * 5000, "the hat"]
    options = {"alpha": 0.5, "seed": 3, "epoch": 1, "doc_id0": 2}
    expected = tok.encode_batch(texts, samples=2, threads=2, **options)
    options = {name: kind(value) for name, value in options.items() if name != "alpha"}
    found = tok.encode_batch(texts, alpha=0.5, samples=kind(2), threads=kind(2), **options)
    assert found == expected
    price = tok.alpha_for_tokens(texts, 1.1)
    assert tok.alpha_for_tokens(texts, np.float64(1.1), threads=kind(2)) == price


@pytest.mark.parametrize("samples", [0, True, 1.0, "2", None])
def test_samples_are_a_whole_number(tok, samples):
    with pytest.raises(ArgumentError, match="samples must be a whole number of at least 1"):
        tok.encode_batch(["the hat"], alpha=0.5, samples=samples)


@pytest.mark.parametrize("name", ["seed", "epoch", "doc_id", "sample", "nbest_size", "sample_prob"])
def test_a_number_that_python_does_not_write_is_an_error_like_others(tok, name):
    with pytest.raises(ArgumentError, match=f"{name} must be in .* more than 4300 digits"):
        tok.encode("the hat", alpha=0.5, **{name: 10**5000})
    with pytest.raises(ArgumentError, match=r"doc_ids\[0\] must be in"):
        tok.encode_batch(["the hat"], doc_ids=[10**5000])
    with pytest.raises(ArgumentError, match="alpha must be a finite number"):
        tok.encode("the hat", alpha=10**5000)
    with pytest.raises(ArgumentError, match="the price must be a finite number"):
        tok.alpha_for_tokens(["the hat"], 10**400)


@pytest.mark.parametrize("call", ["encode", "encode_batch"])
def test_special_tokens_in_an_array(tok, call):
    for text in ("the<bos>", "hat"):
        given = text if call == "encode" else [text]
        found = getattr(tok, call)(given, allowed_special=np.array(["<bos>"]))
        assert found == getattr(tok, call)(given, allowed_special=["<bos>"])
    for wrong in ([["<bos>"]], {5: 5}, 5):
        with pytest.raises(ArgumentError, match="special"):
            getattr(tok, call)(given, allowed_special=wrong)


def test_iter_gives_an_iterator(tok):
    for found, expected in [
        (tok.encode("the hat", iter=True), tok.encode("the hat")),
        (tok.tokenize("the hat", iter=True), tok.tokenize("the hat")),
        (tok.encode("the hat", False, False, -1, True), tok.encode("the hat")),
        (tok.tokenize("the hat", -1, True), tok.tokenize("the hat")),
    ]:
        assert isinstance(found, Iterator)
        assert list(found) == expected


def test_ids_are_plain_integers(tok):
    assert {type(id_) for id_ in tok.encode("the cat", add_bos=True)} == {int}


def test_tokenize_returns_the_pieces_of_encode(tok):
    assert tok.tokenize("the cat and the hat") == [b"the", b" cat", b" and the hat"]
    for options in ({}, {"alpha": 0.1, "seed": 5, "doc_id": 3, "epoch": 1, "sample": 2}):
        ids = tok.encode("the cat\n今天", **options)
        assert tok.tokenize("the cat\n今天", **options) == tok.ids_to_pieces(ids)


def test_count_is_the_number_of_ids(tok):
    for text in ("", "the cat and the hat", "\n\n今天天气\n"):
        assert tok.count(text) == len(tok.encode(text))


@pytest.mark.parametrize("alpha", [None, -1, -0.5, -1e300])
def test_no_alpha_and_a_negative_alpha_mean_the_best_path(tok, alpha):
    assert tok.tokenize("the cat", alpha=alpha) == [b"the", b" cat"]
    batch = tok.encode_batch(["the cat"], alpha=alpha, samples=3)
    assert [row.tolist() for row in batch] == [tok.encode("the cat")] * 3


def test_str_and_bytes_are_encoded_alike(tok):
    expected = tok.encode("今天 the")
    for text in ("今天 the".encode(), bytearray("今天 the".encode())):
        assert tok.encode(text) == expected
        assert tok.encode(memoryview(text)) == expected


def test_an_empty_batch_has_no_rows(tok):
    for options in ({}, {"alpha": 0.1}, {"alpha": 0.1, "samples": 4}, {"doc_ids": []}):
        batch = tok.encode_batch([], **options)
        assert len(batch) == 0
        assert list(batch) == []
        assert batch.offsets.tolist() == [0]


# ---- special tokens in texts


def test_control_tokens_in_a_text_are_plain_text(tok):
    ids = tok.encode("a<eos>b<pad>", alpha=None)
    assert not {0, BOS, EOS} & set(ids)
    assert tok.decode(ids) == "a<eos>b<pad>"
    assert not {0, BOS, EOS} & set(tok.encode("<bos><eos>", alpha=0.1, seed=1))


@pytest.mark.parametrize("allowed", ["all", ["<eos>"], {"<eos>", "<pad>"}, iter(["<eos>"])])
def test_allowed_control_tokens_become_ids(tok, allowed):
    a, b = tok.encode("a"), tok.encode("b")
    assert tok.encode("a<eos>b", allowed_special=allowed) == [*a, EOS, *b]


def test_only_the_named_control_tokens_become_ids(tok):
    ids = tok.encode("<pad><eos>", allowed_special=["<eos>"])
    assert ids == [*tok.encode("<pad>"), EOS]
    batch = tok.encode_batch(["<pad><eos>", "<eos>"], allowed_special=["<eos>"], add_bos=True)
    assert [row.tolist() for row in batch] == [[BOS, *ids], [BOS, EOS]]


def test_allowed_control_tokens_leave_samples_as_they_are(tok):
    """A segment's stream depends on the bytes before it, and control tokens count 0 bytes."""
    options = {"alpha": 0.1, "seed": 4}
    with_token = tok.encode("the hat\n<eos>the cat", allowed_special="all", **options)
    without = tok.encode("the hat\nthe cat", **options)
    assert [id_ for id_ in with_token if id_ != EOS] == without


@pytest.mark.parametrize("allowed", [["<nope>"], ["<eos>", "the"], "<eos>", ""])
def test_unknown_control_tokens_are_refused(tok, allowed):
    with pytest.raises(ArgumentError):
        tok.encode("a", allowed_special=allowed)


# ---- names and ids


def test_special_tokens_have_the_originals_names_and_ids(tok):
    assert [tok.piece_to_id(name) for name in ("<pad>", "<bos>", "<eos>")] == [0, 1, 2]
    assert tok.ids_to_pieces([0, 1, 2, 3]) == ["<pad>", "<bos>", "<eos>", b"\x00"]
    assert tok.pieces_to_ids([b"the", "<pad>"]) == [tok.piece_to_id(b"the"), 0]


def test_ids_and_pieces_are_one_to_one(tok, model):
    assert tok.vocab_size == model.vocab_size == len(model.pieces) + 3
    pieces = [tok.id_to_piece(id_) for id_ in range(tok.vocab_size)]
    assert pieces[3:] == list(model.pieces)
    assert tok.pieces_to_ids(pieces) == list(range(tok.vocab_size))
    assert tok.id_to_piece(np.int32(3)) == b"\x00"


@pytest.mark.parametrize("piece", [b"not a piece", "the", "<nope>", "", b""])
def test_unknown_pieces_are_refused(tok, piece):
    with pytest.raises(VocabularyError, match="no piece"):
        tok.piece_to_id(piece)


def calls_with(tok, id_):
    """Return every call that takes an id."""
    return (
        lambda: tok.decode([3, id_]),
        lambda: tok.decode_bytes([id_]),
        lambda: tok.id_to_piece(id_),
        lambda: tok.ids_to_pieces([id_]),
        lambda: tok.decode_batch([[id_]]),
        lambda: tok.stream_decoder().push(id_),
    )


@pytest.mark.parametrize("id_", [-1, 10**6, 1 << 40])
def test_unknown_ids_are_refused(tok, id_):
    for call in calls_with(tok, id_):
        with pytest.raises(VocabularyError) as error:
            call()
        assert "\n" not in str(error.value)
        assert str(tok.vocab_size - 1) in str(error.value)


@pytest.mark.parametrize("id_", [97.5, None, "a", [97]])
def test_ids_that_are_no_numbers_are_refused(tok, id_):
    for call in calls_with(tok, id_):
        with pytest.raises((ArgumentError, VocabularyError)):
            call()


@pytest.mark.parametrize("ids", [5, None, "the"])
def test_ids_that_are_no_series_are_refused(tok, ids):
    with pytest.raises((ArgumentError, VocabularyError)):
        tok.decode(ids)


def test_unknown_ids_in_an_array_are_refused(tok):
    with pytest.raises(VocabularyError, match="-5"):
        tok.decode(np.array([3, -5]))


def test_ids_may_have_gaps():
    specials = (SpecialToken("<eos>", 5, "eos"), SpecialToken("<x>", 1000, "control"))
    model = Model(BYTES, [-6.0] * 256, [10 + 2 * b for b in range(256)], specials)
    tok = Tokenizer(model)
    assert tok.vocab_size == 1001
    assert tok.encode("a<x>", add_eos=True, allowed_special="all") == [10 + 2 * 97, 1000, 5]
    for id_ in (0, 11, 999, 1001):
        with pytest.raises(VocabularyError):
            tok.decode([id_])


# ---- arguments outside their range


@pytest.mark.parametrize("alpha", [float("nan"), float("inf"), float("-inf"), np.float64("nan")])
def test_alpha_must_be_finite(tok, alpha):
    for call in (tok.encode, tok.tokenize, lambda text, **o: tok.encode_batch([text], **o)):
        with pytest.raises(ArgumentError, match="finite"):
            call("a", alpha=alpha)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "gibbs"}, "sampler"),
        ({"sampler": None}, "sampler"),
        ({"seed": -1}, "seed"),
        ({"seed": 1 << 64}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"epoch": -1}, "epoch"),
        ({"epoch": 1 << 32}, "epoch"),
        ({"epoch": 0.5}, "epoch"),
    ],
)
def test_sampling_arguments_outside_their_range_are_refused(tok, options, message):
    with pytest.raises(ArgumentError, match=message):
        tok.encode("a", alpha=0.1, **options)
    with pytest.raises(ArgumentError, match=message):
        tok.encode_batch(["a"], alpha=0.1, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"doc_id": -1}, "doc_id"),
        ({"doc_id": 1 << 64}, "doc_id"),
        ({"doc_id": 1.0}, "doc_id"),
        ({"doc_id": 0.0}, "doc_id"),
        ({"doc_id": False}, "doc_id"),
        ({"sample": -1}, "sample"),
        ({"sample": 1 << 32}, "sample"),
        ({"sample": 0.5}, "sample"),
    ],
)
def test_arguments_of_encode_outside_their_range_are_refused(tok, options, message):
    with pytest.raises(ArgumentError, match=message):
        tok.encode("a", alpha=0.1, **options)
    with pytest.raises(ArgumentError, match=message):
        tok.encode("a", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads"),
        ({"threads": -3}, "threads"),
        ({"samples": 0}, "samples"),
        ({"samples": 1.5}, "sample"),
        ({"samples": (1 << 32) + 1, "alpha": 0.1}, "sample"),
        ({"doc_id0": -1}, "doc_id0"),
        ({"doc_id0": (1 << 64) - 1}, "doc_id0"),
        ({"doc_ids": [1]}, "doc_ids"),
        ({"doc_ids": [1, 2, 3]}, "doc_ids"),
        ({"doc_ids": [[1, 2]]}, "doc_ids"),
        ({"doc_ids": [1, -(2**63) - 1]}, "doc_ids"),
        ({"doc_ids": [1, 1 << 64]}, "doc_ids"),
        ({"doc_ids": np.array([1.0, 2.0])}, "doc_ids"),
        ({"doc_ids": ["1", None]}, "doc_ids"),
    ],
)
def test_arguments_of_encode_batch_outside_their_range_are_refused(tok, options, message):
    with pytest.raises(ArgumentError, match=message):
        tok.encode_batch(["a", "b"], **options)


@pytest.mark.parametrize("texts", ["the cat", b"the cat"])
def test_a_text_is_not_a_batch(tok, texts):
    with pytest.raises(ArgumentError, match="texts must be"):
        tok.encode_batch(texts)


def test_an_empty_text_has_no_ids(tok):
    assert tok.encode("") == tok.encode(b"") == []
    assert tok.encode("", alpha=0.1) == []
    assert len(tok.encode_batch([])) == 0
    assert [row.tolist() for row in tok.encode_batch(["", ""], alpha=0.1, samples=2)] == [[]] * 4


@pytest.mark.parametrize("text", [None, 5, ["a"], np.array([1]), range(10**30)])
def test_a_text_must_be_str_or_bytes(tok, text):
    for call in (tok.encode, tok.tokenize, tok.count, lambda text: tok.encode_batch(["a", text])):
        with pytest.raises(ArgumentError, match="str or bytes"):
            call(text)


def test_errors_have_a_common_base():
    for kind in (ArgumentError, ModelError, VocabularyError):
        assert issubclass(kind, BytepieceError)
    assert issubclass(ArgumentError, ValueError)
    assert issubclass(VocabularyError, KeyError)


@pytest.mark.parametrize(
    "rules",
    [
        TextRules(),
        TextRules(segment="text", normalization=("NFC",)),
        TextRules(segment="text", unknown="bytes", library=SentencePieceRules()),
        TextRules(unknown="bytes", library=SentencePieceRules(add_dummy_prefix=False)),
        TextRules(segment="text", unknown="bytes", library=HuggingFaceRules(prefix="always")),
    ],
)
def test_one_text_is_encoded_as_in_a_batch(rules):
    scores = {" th": -2.0, "th": -3.0, "the": -3.5, "he": -4.0, "é": -4.0, "的": -4.0, " ": -5.0}
    model = make_model({piece.encode(): score for piece, score in scores.items()}, rules=rules)
    tok = Tokenizer(model)
    texts = ["", " ", "the", "the\nhe  th\n", "e\u0301 的人", b"\xffthe", "the 的" * 50]
    for options in ({}, {"alpha": 0.4, "seed": 3, "epoch": 1}):
        rows = tok.encode_batch(texts, **options)
        for number, text in enumerate(texts):
            place = {"doc_id": number} if options else {}
            assert tok.encode(text, **options, **place) == rows[number].tolist()
