"""The evaluation of other libraries' models, and of files that hold no model."""

import io
import json

import pytest
import sentencepiece
from support.evaluation import LINES, TEXT, shares
from support.strategies import make_model

import bytepiece
from bytepiece import Tokenizer, evaluate, model_io
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.errors import ModelError
from bytepiece.formats import reading


def train_sentencepiece(path, **options):
    """Train SentencePiece on a few lines, write the model to `path` and return the processor."""
    lines = ["the hat and the cat sat on the mat", "the cats ate the rat", "это тоже строка"] * 9
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=buffer,
        hard_vocab_limit=False,
        minloglevel=2,
        **options,
    )
    path.write_bytes(buffer.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())


@pytest.mark.parametrize(("kind", "name"), [("unigram", "Unigram"), ("bpe", "BPE")])
@pytest.mark.parametrize("fallback", [True, False])
def test_sentencepiece(kind, name, fallback, tmp_path):
    path = tmp_path / "sp"
    size = 330 if fallback else 60
    processor = train_sentencepiece(
        path, model_type=kind, vocab_size=size, byte_fallback=fallback, character_coverage=1.0
    )
    found = evaluate([path], [TEXT, b"\xff the\n"])
    lines = [*LINES, b"\xff the"]
    measures = found.models[0]
    assert (measures.format, measures.algorithm) == ("SentencePiece", name)
    assert measures.vocab_size == processor.piece_size()
    rows = [processor.encode(line.decode("utf-8", "replace")) for line in lines]
    assert measures.tokens == sum(map(len, rows))
    pairs = zip(rows, lines, strict=True)
    assert measures.lossless_lines == sum(processor.decode(r).encode() == line for r, line in pairs)
    assert measures.lossless_lines < len(lines)
    unknown = sum(id_ == processor.unk_id() for row in rows for id_ in row)
    assert measures.unknown_tokens == unknown
    assert (unknown > 0) != fallback
    # SentencePiece puts a space before each line. The tokens' bytes include that space.
    bytes_of = {
        id_: b""
        if processor.is_unknown(id_)
        else bytes([int(processor.id_to_piece(id_)[3:5], 16)])
        if processor.is_byte(id_)
        else processor.id_to_piece(id_).replace("▁", " ").encode()
        for row in rows
        for id_ in row
    }
    expected = shares([[bytes_of[id_] for id_ in row] for row in rows])
    for script in found.scripts:
        use = measures.scripts[script.name]
        assert use.tokens == pytest.approx(float(expected[script.name]))
    notes = " ".join(measures.notes)
    assert "1 lines are not UTF-8" in notes
    assert ("does not know" in notes) != fallback
    assert measures.keeps_line_ends == ("line ends get lost" not in notes)
    # The byte of a character is never used if the character is a piece.
    assert (b"t" in measures.unreachable) == fallback
    # A piece that begins with a space is reachable if the text without that space is encoded as
    # this piece, because every text gets a space in front.
    for id_ in range(processor.piece_size()):
        spelled = processor.id_to_piece(id_)
        if spelled.startswith("▁") and len(spelled) > 1:
            reachable = processor.encode(spelled[1:]) == [id_]
            assert (spelled.replace("▁", " ").encode() in measures.unreachable) != reachable


def test_sentencepiece_without_its_space_in_front(tmp_path):
    path = tmp_path / "sp"
    train_sentencepiece(path, model_type="unigram", vocab_size=60)
    # With a space in front of its text, no piece within a word would be reachable.
    assert evaluate([path], [TEXT]).models[0].unreachable == ()


def test_our_model_in_sentencepieces_format_agrees(model, tmp_path):
    path = tmp_path / "exported"
    with pytest.warns(UserWarning, match="cannot represent"):
        Tokenizer(model).convert_to_sentencepiece(path)
    ours, theirs = evaluate([model, path], [TEXT]).models
    assert ours.tokens == theirs.tokens
    assert ours.scripts == theirs.scripts
    assert ours.entropy == theirs.entropy
    assert theirs.lossless == 1


@pytest.fixture
def hf():
    return pytest.importorskip("tokenizers")


def byte_level_bpe(hf, path):
    if not hasattr(hf, "trainers"):
        pytest.skip("tokenizers 1.0 cannot train")
    made = hf.Tokenizer(hf.models.BPE())
    made.pre_tokenizer = hf.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = hf.decoders.ByteLevel()
    trainer = hf.trainers.BpeTrainer(
        vocab_size=300,
        show_progress=False,
        special_tokens=["<s>"],
        initial_alphabet=hf.pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator([TEXT] * 9, trainer)
    made.post_processor = hf.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    made.enable_truncation(3)
    made.enable_padding(length=50)
    made.save(str(path))
    return made


def test_huggingface_byte_level_bpe(hf, tmp_path):
    path = tmp_path / "any name"
    made = byte_level_bpe(hf, path)
    made.no_truncation()
    made.no_padding()
    found = evaluate([path], [TEXT, "<s>\n"])
    measures = found.models[0]
    assert (measures.format, measures.algorithm) == ("Hugging Face", "BPE")
    rows = [made.encode(line.decode(), add_special_tokens=False).ids for line in LINES]
    # A special token in a text is plain text: three characters.
    assert measures.tokens == sum(map(len, rows)) + 3
    assert measures.lossless == 1
    assert measures.unknown_tokens == 0
    assert measures.unreachable == ()
    assert measures.keeps_line_ends
    assert measures.pieces == made.get_vocab_size() - 1
    assert b" the" not in measures.unused
    assert measures.scripts["Han"].tokens <= 12


def saved(path, **fields):
    """Write a tokenizer.json."""
    steps = dict.fromkeys(("normalizer", "pre_tokenizer", "post_processor", "decoder"))
    path.write_text(json.dumps({"version": "1.0", "added_tokens": [], **steps, **fields}), "utf-8")


@pytest.mark.usefixtures("hf")
def test_huggingface_unigram_with_metaspace(tmp_path):
    path = tmp_path / "unigram.json"
    vocabulary = [("<unk>", 0.0), ("▁the", -2.0), ("▁", -3.0), ("▁th", -9.0), ("e", -4.0)]
    vocabulary += [("t", -4.0), ("h", -4.0), ("th", -9.0), ("▁the▁", -90.0), ("<0x41>", -9.0)]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
    model = {"type": "Unigram", "unk_id": 0, "vocab": vocabulary, "byte_fallback": False}
    saved(path, model=model, pre_tokenizer=metaspace, decoder=metaspace)
    measures = evaluate([path], ["the he\n汉\n"]).models[0]
    assert measures.algorithm == "Unigram"
    assert measures.tokens == 1 + 3 + 2
    assert measures.unknown_tokens == 1
    assert measures.lossless_lines == 1
    # "t" + "h" is better than "th", and " the" + " " is better than " the ".
    assert set(measures.unreachable) == {b"th", b" the "}
    assert set(measures.unused) == {b" th", b"t", b"th", b" the ", b"<0x41>"}


def word_piece(**vocabulary):
    return {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": vocabulary,
    }


@pytest.mark.usefixtures("hf")
def test_huggingface_wordpiece(tmp_path):
    path = tmp_path / "wordpiece.json"
    saved(
        path,
        model=word_piece(**{"[UNK]": 0, "the": 1, "ha": 2, "##t": 3}),
        pre_tokenizer={"type": "Whitespace"},
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
    )
    found = evaluate([path, make_model({b"the": -1.0})], ["the hat\nfoo\n"])
    measures = found.models[0]
    assert measures.tokens == 4
    assert measures.unknown_tokens == 1
    assert measures.lossless_lines == 1
    assert measures.unreachable is None
    assert measures.scripts["Latin"].tokens == 3
    assert found.overlap[0] == (1.0, 2 / 3)


def test_the_content_of_a_file_decides_its_format(model, tok, tmp_path):
    model_io.save(model, tmp_path / "tokenizer.json")
    train_sentencepiece(tmp_path / "b.json", model_type="bpe", vocab_size=60)
    original = bytepiece.train(["the cat"] * 9, 270, normalization=("NFC",))
    model_io.save_original(original, tmp_path / "c.model")
    paths = [tmp_path / "tokenizer.json", tmp_path / "b.json", tmp_path / "c.model"]
    found = evaluate([*paths, tok], [TEXT])
    kinds = [(m.name, m.format, m.algorithm) for m in found.models]
    assert kinds == [
        ("tokenizer.json", "bytepiece", "Unigram"),
        ("b.json", "SentencePiece", "BPE"),
        ("c.model", "original", "Unigram"),
        ("model 4", "bytepiece", "Unigram"),
    ]


def test_files_with_the_same_name_are_named_by_their_paths(model, tmp_path):
    (tmp_path / "sub").mkdir()
    paths = [tmp_path / "a.model", tmp_path / "sub" / "a.model"]
    for path in paths:
        model_io.save(model, path)
    assert [m.name for m in evaluate(paths, [TEXT]).models] == list(map(str, paths))
    assert [m.name for m in evaluate({"x": paths[0]}, [TEXT]).models] == ["x"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"just text", "holds no model"),
        (b"[1, 2]", "holds no model"),
        (b"\x00" * 99, "holds no model"),
        (b'{"a": 1}', "JSON"),
        (b"[" * 99999, "holds no model"),
        (b'{"model": ' * 99999, "holds no model"),
    ],
)
def test_a_file_without_a_model_is_refused(content, words, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words) as error:
        evaluate([path], [TEXT])
    assert str(path) in str(error.value)


def test_a_damaged_sentencepiece_file_is_refused(tmp_path):
    path = tmp_path / "sp"
    train_sentencepiece(path, model_type="bpe", vocab_size=60)
    content = path.read_bytes()
    for size in (100, 200, *range(300, 330)):  # at some of these sizes, an entry ends
        path.write_bytes(content[:size])
        with pytest.raises(ModelError, match=r"holds no model|is missing"):
            evaluate([path], [TEXT])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"model": {}}, "cannot read it"),
        ({"model": {"type": "Unigram", "vocab": [], "unk_id": 7}}, "cannot read it"),
        ({"model": {"type": "BPE", "vocab": {"a": 2**31}, "merges": []}}, "has the id|token id"),
    ],
)
def test_a_bad_tokenizer_json_is_refused(content, words, hf, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ModelError, match=words):
        evaluate([path], [TEXT])


@pytest.mark.usefixtures("hf")
def test_a_library_that_fails_on_a_text_is_named(tmp_path):
    path = tmp_path / "tokenizer.json"
    model = {"type": "Unigram", "unk_id": None, "vocab": [["a", 0.0]], "byte_fallback": False}
    saved(path, model=model)
    with pytest.raises(ModelError, match="json: Hugging Face tokenizers failed"):
        evaluate([path], [TEXT])


def test_a_library_that_is_not_installed_is_named(tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    path.write_text('{"model": {}}', "utf-8")
    monkeypatch.setattr(HuggingFace, "module", "no_such_module")
    with pytest.raises(ModelError, match="pip install"):
        evaluate([path], [TEXT])


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"x" * (2**20 + 1))
    monkeypatch.setattr(reading, "MAX_FILE_SIZE", 2**20)
    with pytest.raises(ModelError, match="larger than 1 MiB"):
        evaluate([path], [TEXT])
