"""The BNLM trainer against its slow twin: each stage, and a whole run."""

import random
from collections import Counter

import numpy as np
import pytest
from support import SAMPLE
from support import reference_training as reference

import bytepiece
from bytepiece.errors import ArgumentError, CorpusError, ModelError
from bytepiece.parallel import in_threads
from bytepiece.training import bnlm_trainer as bnlm
from bytepiece.training import ngrams, piece_counts
from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.corpus_reader import Block
from bytepiece.training.pruning import prune


def random_text(rng, size, alphabet="aab cé\n1中ñ文"):
    return "".join(rng.choice(alphabet) for _ in range(size))


def blocks_of(segments, size=3):
    """Return blocks of a few segments each."""
    for i in range(0, len(segments), size):
        some = segments[i : i + size]
        text = np.frombuffer(b"".join(some), dtype=np.uint8)
        yield Block(text, np.cumsum([0, *map(len, some)], dtype=np.int64))


def random_segments(seed, invalid=False):
    rng = random.Random(seed)
    segments = [random_text(rng, rng.randint(1, 40)).encode() for _ in range(20)]
    if invalid:
        segments += [bytes(rng.choice(b"a\x00\x80\xe4\xff") for _ in range(30)) for _ in range(9)]
    return segments


def ignore(*args):
    pass


ENGINE = in_threads(1)
NOWHERE = Checkpoint(None, {})
PHASES = ["reading", "counting", "cutting", "pruning"]


def model_of(segments, order, min_count):
    table = ngrams.count(blocks_of(segments), order, ENGINE, NOWHERE, ignore)
    return ngrams.model(*table, order, min_count)


def train(corpus, vocab_size=32000, **options):
    return bytepiece.train(corpus, vocab_size, **({"algorithm": "bnlm"} | options))


@pytest.fixture(params=[2, 3, 6, 7])
def order(request):
    return request.param


@pytest.mark.parametrize("min_count", [1, 3])
def test_ngram_model_is_that_of_the_twin(order, min_count):
    segments = random_segments(order, invalid=True)
    model = model_of(segments, order, min_count)
    expected = reference.ngram_logs(segments, order, min_count)
    assert np.isfinite(model.logs).sum() == len(expected)
    for ngram, log in expected.items():
        node = 0
        for byte in ngram:
            target = model.trie.units[node, 0] + byte
            assert model.trie.units[target, 1] >> 1 == node
            node = target
        assert model.logs[node] == pytest.approx(log, rel=1e-14)


@pytest.mark.parametrize("ensure_unicode", [True, False])
@pytest.mark.parametrize("mend", [True, False])
@pytest.mark.parametrize("min_count", [1, 2, 4])
def test_cuts_are_those_of_the_twin(order, ensure_unicode, mend, min_count):
    segments = random_segments(min_count, invalid=True)
    model = model_of(segments, order, min_count)
    logs = reference.ngram_logs(segments, order, min_count)
    cutter = bnlm.Cutter(model, order, ensure_unicode, mend)
    counted = bnlm.count_pieces(blocks_of(segments), cutter, ENGINE, NOWHERE, ignore)
    expected = Counter()
    for segment in segments:
        expected.update(reference.cut(segment, logs, order, ensure_unicode, mend))
    assert as_dict(counted) == expected


def as_dict(counted):
    ends = zip(counted.offsets[:-1], counted.offsets[1:], strict=True)
    strings = [counted.flat[a:b].tobytes() for a, b in ends]
    assert len(set(strings)) == len(strings)
    return dict(zip(strings, counted.counts.tolist(), strict=True))


def test_a_rare_character_spoils_only_its_own_piece():
    # The original cuts everything after the rare character of a line into single bytes.
    lines = ["the cat and the hat"] * 50 + ["the 鑫 cat and the hat"]
    model = train(lines, 400, min_count=4)
    assert max(map(len, model.pieces)) > 2
    counts = dict(zip(model.pieces, model.counts.tolist(), strict=True))
    assert counts[b"a"] < 5


def test_counts_are_exact_in_any_grouping():
    rng = random.Random(5)
    strings = [bytes(rng.choice(b"ab\x00") for _ in range(rng.randint(0, 4))) for _ in range(999)]
    counts = [rng.randint(1, 1 << 40) for _ in strings]
    expected = Counter()
    for string, count in zip(strings, counts, strict=True):
        expected[string] += count
    for size in (1, 7, 400, 999):
        parts = []
        for i in range(0, len(strings), size):
            offsets = np.cumsum([0, *map(len, strings[i : i + size])], dtype=np.int64)
            flat = np.frombuffer(b"".join(strings[i : i + size]), dtype=np.uint8)
            parts.append(piece_counts.count_strings(flat, offsets, np.array(counts[i : i + size])))
        total = piece_counts.join_all_counts(iter(parts))
        assert as_dict(total) == expected
        assert list(as_dict(total)) == list(expected)  # in the order of first occurrence


@pytest.mark.parametrize("seed", range(4))
def test_pruning_is_that_of_the_twin(seed):
    rng = random.Random(seed)
    pieces = {
        bytes(rng.choice(b"abcd") for _ in range(rng.randint(1, 6))): rng.randint(1, 60)
        for _ in range(300)
    }
    sizes = [330, 300, 256]
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    candidates = piece_counts.PieceCounts(flat, offsets, np.array(list(pieces.values())))
    ours = prune(candidates, sizes, 5, 4, threads=1, done=ignore)
    assert ours == reference.prune(pieces, sizes, 5, 4)
    assert [len(v) <= size for v, size in zip(ours, sizes, strict=True)] == [True] * 3


def test_the_model_does_not_depend_on_threads_or_on_blocks(monkeypatch):
    rng = random.Random(3)
    texts = [random_text(rng, 200) for _ in range(60)]
    expected = train(texts, 400, threads=1)
    assert train(texts, 400, threads=3) == expected
    monkeypatch.setattr("bytepiece.training.corpus_reader._BLOCK", 1000)
    monkeypatch.setattr("bytepiece.training.pruning._CHUNK", 7)
    assert train(texts, 400, threads=2) == expected


def test_several_sizes_in_one_run_are_nested_and_in_the_given_order():
    text = [random_text(random.Random(1), 3000)]
    small, large = train(text, [280, 330])
    assert set(small.pieces) < set(large.pieces)
    assert train(text, 330) == large
    assert (small.record["vocab_size"], large.record["vocab_size"]) == (280, 330)


def test_a_small_corpus_gives_a_small_vocabulary():
    model = train(["abc abc"], 32000)
    assert 259 <= model.vocab_size < 270


def test_isolated_digits_are_never_in_longer_pieces():
    texts = ["in 1999 and 1999, ١٩٩٩ or １９"] * 20
    model = train(texts, 400, digits="each")
    joined = [p.decode() for p in model.pieces if len(p) > 1 and p.isascii() is False]
    assert not [p for p in joined if len(p) > 1 and any(c.isdecimal() for c in p)]
    assert b"19" not in model.pieces
    tok = bytepiece.Tokenizer(model)
    assert tok.tokenize("1999") == [b"1", b"9", b"9", b"9"]
    assert any(p.endswith(b" and ") or p == b"and " for p in model.pieces)


def test_groups_of_digits_hold_in_training_and_encoding():
    texts = ["in 12345678 and 12345678, ١٢٣٤٥"] * 20
    for algorithm in ("merge", "bnlm"):
        model = bytepiece.train(texts, 400, algorithm=algorithm, digits="groups-of-three")
        found = {p.decode() for p in model.pieces if len(p) > 1 and reference.lacks(p) == 0}
        with_digits = {piece for piece in found if any(map(str.isdecimal, piece))}
        assert {"123", "456", "78"} <= with_digits
        assert all(piece.isdecimal() and len(piece) <= 3 for piece in with_digits)
        tok = bytepiece.Tokenizer(model)
        assert tok.tokenize("12345678") == [b"123", b"456", b"78"]
        assert tok.tokenize("x" * 2000 + "12345678")[-3:] == [b"123", b"456", b"78"]


def test_pieces_are_whole_characters_if_asked():
    for piece in train(SAMPLE, 2000).pieces:
        if len(piece) > 1:
            piece.decode("utf-8")
    broken = train(SAMPLE, 2000, ensure_unicode=False).pieces
    assert any(len(p) > 1 and p[0] & 0xC0 == 0x80 for p in broken)


def test_normalization_is_applied_and_remembered():
    model = train(["cafe\u0301 " * 30], 300, normalization=["NFC"])
    assert model.rules.normalization == ("NFC",)
    assert not any(b"\xcc\x81" in p and len(p) > 2 for p in model.pieces)
    assert bytepiece.Tokenizer(model).encode("cafe\u0301") == bytepiece.Tokenizer(model).encode(
        "caf\u00e9"
    )


def test_the_record_says_how_the_model_was_made():
    record = train(["abc"], 300, order=3).record
    assert record["bytepiece"] == bytepiece.__version__
    assert (record["algorithm"], record["order"], record["corpus_bytes"]) == ("bnlm", 3, 3)
    assert len(record["corpus_sha256"]) == 64


def test_progress_reaches_the_end_of_each_phase():
    seen = []
    train(["abc " * 50] * 9, 300, progress=lambda *step: seen.append(step))
    assert list(dict.fromkeys(phase for phase, _, _ in seen)) == PHASES
    for phase in PHASES:
        *_, (_, done, total) = [step for step in seen if step[0] == phase]
        assert done == total


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vocab_size": 258}, "at least 259"),
        ({"vocab_size": []}, "no size"),
        ({"order": 1}, "order"),
        ({"order": 8}, "order"),
        ({"min_count": 0}, "min_count"),
        ({"max_piece_length": 0}, "max_piece_length"),
        ({"max_piece_length": 5000}, "max_piece_length"),
        ({"threads": 0}, "threads"),
        ({"algorithm": "magic"}, "bnlm"),
    ],
)
def test_arguments_out_of_range_are_named(options, words):
    with pytest.raises(ArgumentError, match=words):
        train(["text"], **options)


def test_an_unknown_normalization_is_named():
    with pytest.raises(ModelError, match="XYZ"):
        train(["text"], normalization=["XYZ"])


@pytest.mark.parametrize("corpus", [[], [""], ["", b""]])
def test_an_empty_corpus_is_an_error(corpus):
    with pytest.raises(CorpusError, match="empty"):
        train(corpus)


def test_trainer_saves_the_original_format(tmp_path):
    trainer = bytepiece.Trainer(order=6, max_vocab_size=[270, 300], min_count=2)
    with pytest.raises(ArgumentError, match="train first"):
        trainer.save(tmp_path / "m")
    trainer.train([random_text(random.Random(9), 3000)], workers=2, batch_size=10)
    trainer.save(tmp_path / "m")
    for size, model in zip([300, 270], trainer.models, strict=True):
        tok = bytepiece.Tokenizer(str(tmp_path / f"m.{size}"))
        assert tok.model == model
        assert tok.model.rules.normalization == ("NFC",)


def test_trainer_saves_models_with_isolated_digits(tmp_path):
    trainer = bytepiece.Trainer(max_vocab_size=300, isolate_digits=True)
    trainer.train(["in 1999 and 2000 " * 20])
    trainer.save(tmp_path / "m")
    tok = bytepiece.Tokenizer(tmp_path / "m")
    text = "in 2019 and 1 or 22"
    assert tok.encode(text) == bytepiece.Tokenizer(trainer.models[0]).encode(text)


def test_convert_to_bytepiece_is_the_pruning_of_counted_pieces(tmp_path):
    counts = {"ab": 90, b"abab": 1, "c": 7, "\u4e2d": 12}
    bytepiece.convert_to_bytepiece(counts, tmp_path / "m")
    model = bytepiece.Tokenizer(tmp_path / "m").model
    [expected] = reference.prune(
        {p if isinstance(p, bytes) else p.encode(): c for p, c in counts.items()}, [999], 1, 999
    )
    assert dict(zip(model.pieces, model.counts.tolist(), strict=True)) == expected
