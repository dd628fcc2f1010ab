"""The merge trainer with ensure_unicode: longer pieces consist of whole characters."""

import hashlib
import random

import numpy as np
import pytest
from support import SAMPLE
from support import reference_training as reference
from support.strategies import JIT
from support.windows import ROUNDS, as_dict, block_of, counted, random_windows

import bytepiece
from bytepiece.inputs.files import Files
from bytepiece.training import growth, merge_trainer, pace, pairs

BEGINNING = "中".encode()[:2]


@pytest.mark.parametrize("newlines", growth.NEWLINES)
@pytest.mark.parametrize("seed", range(4))
def test_rounds_without_parts_of_characters_equal_the_slow_twin(seed, newlines):
    windows = list(random_windows(seed))
    rules = growth.PieceRules(9, newlines, parts=False)
    # Each list has the beginning of a character, two bytes that are no UTF-8 (the first list's
    # look like it), and the beginning of a character after whole characters.
    going = [BEGINNING, b"\xc0\x80", "é文".encode()[:3]]
    asked = ["文".encode()[:2], b"\xff\xfe", "aé中".encode()[:4]]
    vocabulary = growth.initial_pieces([*going, *asked, b"ab"])
    expected = as_dict(vocabulary)
    for number in range(ROUNDS // 2):
        state = merge_trainer.scored_automaton(vocabulary, "compression")
        total = counted(map(block_of, windows), state, len(vocabulary.pieces))
        scores = reference.merge_scores(expected, merge_trainer.EXPONENTS["compression"])
        found = reference.count_windows(windows, scores)
        size, most = 266 + 10 * number, 3 + number
        kept = frozenset(asked)
        limits = growth.GrowthLimits(size, most)
        vocabulary = growth.advance(vocabulary, state, total, limits, rules, kept)
        expected = reference.advance(expected, found, scores, size, most, rules, kept)
        assert list(as_dict(vocabulary).items()) == list(expected.items())
        broken = {p for p in vocabulary.pieces if len(p) > 1 and not reference.is_text(p)}
        assert broken == kept


def test_disallowed_pieces_are_dropped_even_if_no_pair_replaces_them():
    vocabulary = growth.initial_pieces([BEGINNING, b"ab"])
    state = merge_trainer.scored_automaton(vocabulary, "compression")
    total = counted([block_of([b"x"])], state, len(vocabulary.pieces))
    rules = growth.PieceRules(36, "apart", parts=False)
    following = growth.advance(vocabulary, state, total, growth.GrowthLimits(300, 9), rules)
    assert following.pieces[256:] == [b"ab"]


def test_the_gain_of_a_character_counts_the_beginning_that_is_dropped():
    pieces = [*growth.initial_pieces().pieces, BEGINNING, "😀".encode()[:3], "é".encode()]
    number = {piece: i for i, piece in enumerate(pieces)}
    sums = pairs.PairSums(99)
    for text, at, count in (("中", 2, 50), ("😀", 3, 40), ("é", 1, 90), ("éa", 2, 60)):
        left, right = text.encode()[:at], text.encode()[at:]
        sums.add(np.array([number[left] << 24 | number[right]]), np.array([count]))
    rules = growth.PieceRules(36, "apart", parts=False)
    for kept, expected in (
        ((), {"😀": 120, "中": 100, "éa": 60}),
        ((BEGINNING,), {"😀": 120, "éa": 60, "中": 50}),
    ):
        going = growth._disallowed(pieces, rules, frozenset(kept))
        found = growth._candidates(pieces, sums, growth.GrowthLimits(999, 9), rules, going)
        assert found[0] == [text.encode() for text in expected]
        assert found[1].tolist() == list(expected.values())


def texts(seed=1, lines=400):
    """Return lines of characters of one to four bytes; many characters are rare."""
    rng = random.Random(seed)
    characters = [chr(0x4E00 + 7 * i) for i in range(300)] + [chr(0x1F600 + i) for i in range(40)]
    rng.shuffle(characters)
    characters = [*"aé e", *characters]
    weights = [1 / (i + 1) for i in range(len(characters))]
    return ["".join(rng.choices(characters, weights, k=20)) + "\n" for _ in range(lines)]


def train(corpus, size=420, **options):
    across = {"algorithm": "merge", "spaces": "across"}
    return bytepiece.train(corpus, size, **{"ensure_unicode": True, **across, **options})


def broken(model):
    """Return the pieces of more than one byte that are not UTF-8."""
    return {p for p in model.pieces if len(p) > 1 and not reference.is_text(p)}


@pytest.fixture
def small(monkeypatch):
    """Make windows so small that training on little text takes many rounds."""
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 600)
    monkeypatch.setattr(pace, "LARGE", pace.LARGE._replace(step=40, per_piece=4))
    monkeypatch.setattr("bytepiece.training.memory.LEAST_TEXT", 9000)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [300, 330, 420, 600])
def test_pieces_are_whole_characters_and_fill_the_vocabulary(size):
    plain = train(texts(), size, ensure_unicode=False)
    assert len(broken(plain)) > 20
    model = train(texts(), size)
    assert (model.vocab_size, broken(model)) == (size, set())
    assert any(len(piece) == 4 for piece in model.pieces)


def test_the_default_allows_parts_of_characters():
    across = {"algorithm": "merge", "spaces": "across"}
    model = bytepiece.train(SAMPLE, 1000, **across)
    assert model == bytepiece.train(SAMPLE, 1000, ensure_unicode=False, **across)
    assert "ensure_unicode" not in model.record
    assert broken(model)
    found = hashlib.sha256(b"\0".join(model.pieces)).hexdigest()
    assert found == "53edfe86cab49e105df7fdfee20800fef02d552fb3f08b3f0c14b8e8029f4b21"


def test_the_record_says_that_characters_stay_whole():
    assert train(["abc\n"], 300).record["ensure_unicode"] is True
    record = bytepiece.train(["abc\n"], 300, algorithm="bnlm").record
    assert record["ensure_unicode"] is True


@pytest.mark.usefixtures("small")
def test_a_model_depends_neither_on_threads_nor_on_other_sizes():
    corpus = texts(lines=400 if JIT else 200)
    large, small = train(corpus, [500, 330], threads=1)
    assert train(corpus, [500, 330], threads=3) == [large, small]
    assert train(corpus, 330) == small
    assert train(corpus, 500) == large


@pytest.mark.usefixtures("small")
def test_training_on_a_corpus_that_is_too_large_for_the_memory():
    model = train(texts(), memory=1)
    assert model.record["sampled_bytes"] <= 9000 < model.record["corpus_bytes"]
    assert (model.vocab_size, broken(model)) == (420, set())
    assert train(texts(), memory=1, threads=2) == model


@pytest.mark.usefixtures("small")
def test_training_on_a_corpus_with_weights(tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        (tmp_path / name).write_text("".join(texts(seed)), "utf-8", newline="\n")
    for weights in ((1, 0.5), (7, 100)):
        model = train(Files([tmp_path / "a", tmp_path / "b"], weights=weights))
        assert (model.vocab_size, broken(model)) == (420, set())


@pytest.mark.usefixtures("small")
def test_user_pieces_stay_even_if_they_are_parts_of_characters():
    asked = [BEGINNING, b"\xff\xfe", b"a\xe4", "中é".encode()]
    model = train(texts(), user_pieces=asked)
    assert model.vocab_size == 420
    assert broken(model) == set(asked[:3])
    assert asked[3] in model.pieces


@pytest.mark.usefixtures("small")
def test_bytes_that_are_not_utf_8_give_no_pieces():
    rng = random.Random(5)
    # These look like characters: overlong forms, a surrogate, and code points that are too large.
    wrong = [b"\xc0\x80", b"\xe0\x80\xaf", "\ud800".encode("utf-8", "surrogatepass")]
    wrong += [b"\xf4\x90\x80\x80", b"\xfe\x80\x80", b"\xe4\xb8", b"\x80\x81"]
    corpus = [line.encode() + b"".join(rng.choices(wrong, k=9)) + b"\n" for line in texts()]
    assert broken(train(corpus, ensure_unicode=False)) > set(wrong[:1])
    model = train(corpus)
    assert (model.vocab_size, broken(model)) == (420, set())
    assert not broken(train([b"".join(rng.choices(wrong, k=99)) for _ in range(99)]))


@pytest.mark.usefixtures("small")
def test_new_pieces_of_a_model_are_whole_characters_if_the_old_ones_are():
    # The new corpus is in another script; its characters begin with other bytes.
    to_hangul = {0x4E00 + i: 0xAC00 + i for i in range(0x1000)}
    corpus = [line.translate(to_hangul) for line in texts(2)]
    old = train(texts(), 330)
    for model in (old, bytepiece.prune(old, 320).model):
        once = bytepiece.extend(model, corpus, 360).model
        extended = bytepiece.extend(once, corpus, 440).model
        assert (extended.vocab_size, broken(extended)) == (440, set())
        assert len({p for p in extended.pieces if len(p) == 3 and p >= "가".encode()}) > 9
    parts = train(texts(), 330, ensure_unicode=False)
    extended = bytepiece.extend(parts, corpus, 440).model
    assert broken(extended) > broken(parts)


@pytest.mark.usefixtures("small")
def test_a_run_that_is_stopped_at_any_round_is_resumed(tmp_path):
    class StopError(Exception):
        pass

    corpus, steps = texts(lines=200), []
    expected = train(corpus, [330, 400], progress=lambda *step: steps.append(step))
    for last in range(0, len(steps), 1 if JIT else 5):
        left = iter(range(last))

        def stop(*_, left=left):
            if next(left, None) is None:
                raise StopError

        with pytest.raises(StopError):
            train(corpus, [330, 400], checkpoint=tmp_path / f"{last}", progress=stop)
        assert train(corpus, [330, 400], checkpoint=tmp_path / f"{last}") == expected
