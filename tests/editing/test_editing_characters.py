"""Pruning and extending models over characters, which keep their library's rules."""

import json
import random

import pytest
from support import huggingface_files
from support.reading import BYTES, LINES, NORMAL, SAMPLE, UNUSED, USER, made, processor, trained
from support.strategies import JIT
from support.tokenizers_library import TheirTokenizer

import bytepiece
from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats import from_huggingface, from_sentencepiece, to_huggingface, to_sentencepiece
from bytepiece.formats.character_vocabulary import vocabulary_of
from bytepiece.rules.protobuf import integer

TEXTS = [line for line in LINES if line.strip()][: 150 if JIT else 20]


def sentences(syllables, seed=1):
    """Return lines of words of a made-up language."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(60)]
    return [" ".join(rng.choices(words, k=8)) for _ in range(80)]


SPANISH = sentences(["ga", "to", "za", "pa", "ñi", "llo", "rre", "cue", "do"])
GEORGIAN = sentences(["გა", "მარ", "ჯო", "ბა", "თბი", "ლი", "სი", "და"])
SETTINGS = {
    "unknown": {"normalization_rule_name": "nmt_nfkc"},
    "bytes": {"normalization_rule_name": "nmt_nfkc", "byte_fallback": True},
    "symbols": {"byte_fallback": True, "user_defined_symbols": "<user>,é", "vocab_size": 1300},
    "across words": {"split_by_whitespace": False, "split_by_unicode_script": False},
}


@pytest.fixture(params=SETTINGS.values(), ids=SETTINGS.keys(), scope="module")
def model(request):
    return from_sentencepiece.from_bytes(trained(**request.param))


def written(model, folder):
    to_sentencepiece.save(model, folder / "m.model")
    return (folder / "m.model").read_bytes()


def assert_same_as_sentencepiece(model, folder, texts):
    content = written(model, folder)
    tok = Tokenizer(model)
    assert processor(content).encode(texts) == [tok.encode(text) for text in texts]
    assert from_sentencepiece.from_bytes(content) == model


def assert_symbols_and_bytes_stay(old, new, id_map):
    before, after = vocabulary_of(old, "this"), vocabulary_of(new, "this")
    ids_after = {text: id_ for id_, text in after.pieces.items()}
    for id_, text in before.pieces.items():
        assert id_map[id_] == ids_after.get(text, -1)
    assert [id_map[id_] for id_ in before.byte_ids] == list(after.byte_ids)
    ids = {token.name: id_map[token.id] for token in old.special_tokens}
    assert ids.items() <= {token.name: token.id for token in new.special_tokens}.items()
    assert new.rules == old.rules
    old_scores = {text: before.scores[id_] for id_, text in before.pieces.items()}
    new_scores = {text: after.scores[id_] for id_, text in after.pieces.items()}
    for text, score in new_scores.items():
        assert old_scores.get(text, score) == score
    for symbol in getattr(old.rules.library, "symbols", ()):
        assert symbol in new_scores
    return old_scores, new_scores


@pytest.mark.parametrize("on_text", [False, True])
def test_pruning(model, on_text, tmp_path):
    least = 900
    pruned, id_map = bytepiece.prune(model, least, TEXTS if on_text else None)
    assert pruned.vocab_size == least
    old, new = assert_symbols_and_bytes_stay(model, pruned, id_map)
    assert new.keys() < old.keys()
    if model.rules.unknown == "token":
        assert {text for text in old if len(text) == 1} <= new.keys()
    # A text without the pieces that are gone is encoded as before.
    before, after = Tokenizer(model), Tokenizer(pruned)
    same = 0
    for text in {word for line in TEXTS for word in line.split()}:
        ids = before.encode(text)
        if all(id_map[id_] >= 0 for id_ in ids) and 0 not in ids:
            assert [id_map[id_] for id_ in ids] == after.encode(text)
            same += 1
    assert same > 20
    assert_same_as_sentencepiece(pruned, tmp_path, TEXTS)
    assert bytepiece.prune(model, least, TEXTS if on_text else None, threads=1).model == pruned


def test_pruning_on_a_text_keeps_what_the_text_needs(model):
    text = [line for line in TEXTS if "the" in line]
    on_text, without = (Tokenizer(bytepiece.prune(model, 950, c).model) for c in (text, None))
    lengths = [sum(len(tok.encode(line)) for line in text) for tok in (on_text, without)]
    assert lengths[0] < lengths[1]


def test_pruning_to_the_full_size_drops_only_ids_that_no_text_gets():
    pieces = [("▁", -2.0, NORMAL), ("a", -3.0, NORMAL), ("aa", -4.0, UNUSED), ("ab", -5.0, NORMAL)]
    content = made([*pieces, *BYTES], trainer=integer(35, True))
    model = from_sentencepiece.from_bytes(content)
    pruned, id_map = bytepiece.prune(model, model.vocab_size)
    assert pruned.vocab_size == model.vocab_size - 1
    assert id_map[3] == -1
    assert set(pruned.pieces) == set(model.pieces)
    with pytest.raises(ArgumentError, match="at least 259"):
        bytepiece.prune(model, 258)
    smallest = bytepiece.prune(model, 259).model
    assert [piece for piece in smallest.pieces if len(piece) > 1] == []


def test_single_characters_stay_without_byte_fallback():
    pieces = [("▁", -2.0, NORMAL), ("é", -9.0, NORMAL), ("ab", -3.0, NORMAL), ("é", -9.0, USER)]
    model = from_sentencepiece.from_bytes(made(pieces[:3]))
    assert "é".encode() in bytepiece.prune(model, 3).model.pieces
    with pytest.raises(ArgumentError, match="single characters stay"):
        bytepiece.prune(model, 2)


@pytest.mark.parametrize("corpus", [SPANISH, GEORGIAN], ids=["letters", "new characters"])
def test_extending(model, corpus, tmp_path):
    size = model.vocab_size + 40
    extended, id_map = bytepiece.extend(model, corpus, size)
    assert id_map.tolist() == [
        id_ if id_ in {*model.ids.tolist(), *(t.id for t in model.special_tokens)} else -1
        for id_ in range(model.vocab_size)
    ]
    assert model.vocab_size + 20 < extended.vocab_size <= size
    old, new = assert_symbols_and_bytes_stay(model, extended, range(model.vocab_size))
    added = sorted(new.keys() - old.keys())
    assert all(" " not in text[1:] for text in added) or any(" " in text[1:] for text in old)
    before, after = Tokenizer(model), Tokenizer(extended)
    lengths = [sum(len(tok.encode(text)) for text in corpus[:2]) for tok in (before, after)]
    # Without byte fallback, one unknown token may stand for a whole word.
    assert lengths[1] < 0.8 * lengths[0] or (corpus is GEORGIAN and 0 in before.encode(corpus[0]))
    if corpus is GEORGIAN and model.rules.unknown == "token":
        assert 0 not in after.encode(corpus[0])
    for text in TEXTS[:20]:
        assert after.decode(after.encode(text)) == before.decode(before.encode(text)) or (
            model.rules.unknown == "token"
        )
    assert_same_as_sentencepiece(extended, tmp_path, [*TEXTS, *corpus[:2]])
    assert bytepiece.extend(model, iter(corpus), size, threads=1).model == extended


def test_new_scores_are_on_the_scale_of_the_old_ones(model):
    extended = bytepiece.extend(model, [*TEXTS, *SPANISH], model.vocab_size + 30).model
    old = vocabulary_of(model, "this")
    new = vocabulary_of(extended, "this")
    added = [new.scores[id_] for id_ in new.pieces if id_ >= model.vocab_size]
    assert added
    assert min(old.scores.values()) - 8 < min(added)
    assert max(added) < 0
    assert all((score * 8192).is_integer() for score in added)


@pytest.mark.parametrize("name", ["identity", "byte fallback", "across, whole", "characters"])
def test_models_of_hugging_face(name):
    model = from_huggingface.from_document(huggingface_files.files()[name])
    for changed in (
        bytepiece.prune(model, model.vocab_size - 200).model,
        bytepiece.extend(model, SPANISH, model.vocab_size + 30).model,
    ):
        assert changed.rules == model.rules
        with pytest.warns(UserWarning, match="Hugging Face"):
            file = to_huggingface.to_json(changed)
        theirs, tok = TheirTokenizer(file), Tokenizer(changed)
        for text in [*TEXTS, SPANISH[0]]:
            assert theirs.encode(text) == tok.encode(text)
        assert from_huggingface.from_document(json.loads(file)).ids.tolist() == changed.ids.tolist()


def test_models_over_bytes_of_other_libraries_are_refused():
    model = from_huggingface.from_document(huggingface_files.files()["bytes, prefix"])
    with pytest.raises(ModelError, match="prune is for models made with bytepiece"):
        bytepiece.prune(model, 400)
    with pytest.raises(ModelError, match="extend is for models made with bytepiece"):
        bytepiece.extend(model, [SAMPLE], 9000)


def test_merging(tmp_path):
    settings = {"normalization_rule_name": "nmt_nfkc", "byte_fallback": True}
    one = from_sentencepiece.from_bytes(trained(1160, **settings))
    two = from_sentencepiece.from_bytes(trained(1400, control_symbols="<sep>", **settings))
    merged, id_map = bytepiece.merge(one, two)
    old, new = assert_symbols_and_bytes_stay(one, merged, range(one.vocab_size))
    theirs = vocabulary_of(two, "this")
    assert new.keys() == {*old, *theirs.pieces.values()}
    ids = {text: id_ for id_, text in vocabulary_of(merged, "this").pieces.items()}
    for id_, text in theirs.pieces.items():
        assert id_map[id_] == ids[text]
    assert [id_map[id_] for id_ in theirs.byte_ids] == list(vocabulary_of(one, "this").byte_ids)
    assert merged.special_tokens[-1].name == "<sep>"
    assert_same_as_sentencepiece(merged, tmp_path, TEXTS)
    some = bytepiece.merge(one, two, one.vocab_size + 50).model
    assert some.vocab_size == one.vocab_size + 50
    assert set(some.pieces) < set(merged.pieces)


def test_merging_models_with_other_rules_is_refused():
    one = from_sentencepiece.from_bytes(trained(byte_fallback=True))
    with pytest.raises(ArgumentError, match="treat text differently: unknown"):
        bytepiece.merge(one, from_sentencepiece.from_bytes(trained()))
    with pytest.raises(ModelError, match="merge is for models made with bytepiece"):
        bytepiece.merge(one, bytepiece.train(["the cat"] * 9, 262))
    pieces = [[("▁", -2.0, NORMAL), ("a", -3.0, NORMAL)], [("b", -3.0, NORMAL)]]
    first, second = (from_sentencepiece.from_bytes(made(each)) for each in pieces)
    with pytest.raises(ArgumentError, match="no piece in common"):
        bytepiece.merge(first, second)
