"""`bytepiece prune`, `merge` and `extend`: their input, output and errors."""

import json
from pathlib import Path

import pytest
from support.cli import invoke
from support.strategies import make_model

import bytepiece
from bytepiece import Files, SpecialToken, TextRules, model_io
from bytepiece.editing.ids import to_json

TEXT = "".join(f"the cat number {i} and the hat of the {i * 7} rats\n" for i in range(200))
SPANISH = "".join(f"el gato numero {i} y el pato de los {i * 7} ratos\n" for i in range(200))


@pytest.fixture(scope="module")
def models():
    """Return an English model and a Spanish model."""
    english, spanish = ([TEXT], [SPANISH])
    return tuple(bytepiece.train(text, 320, algorithm="merge") for text in (english, spanish))


@pytest.fixture(autouse=True)
def input_files(models, tmp_path, monkeypatch):
    """Save the models and texts in the current folder."""
    for name, model in zip(("one", "two"), models, strict=True):
        model_io.save(model, tmp_path / f"{name}.model")
    (tmp_path / "english.txt").write_text(TEXT, "utf-8")
    (tmp_path / "spanish.txt").write_text(SPANISH, "utf-8")
    monkeypatch.chdir(tmp_path)


def file_names():
    return sorted(path.name for path in Path().iterdir())


BEFORE = ["english.txt", "one.model", "spanish.txt", "two.model"]


def assert_written(edited, source):
    """Assert that out.model holds the model, and out.model.ids.json the id map from the source."""
    assert file_names() == sorted([*BEFORE, "out.model", "out.model.ids.json"])
    written = model_io.load("out.model")
    assert written == edited.model
    assert written.record == edited.model.record
    assert Path("out.model.ids.json").read_text("utf-8") == to_json(edited, source)


def test_prune_by_scores(models):
    result = invoke("prune", "one.model", "--vocab-size", 290, "-o", "out.model")
    expected = bytepiece.prune(models[0], 290)
    assert_written(expected, models[0])
    assert not result.stdout
    *_, summary = result.stderr.splitlines()
    still = sum(i == new for i, new in enumerate(expected.id_map.tolist()))
    assert summary == f"out.model: 290 ids; {still} stay, {290 - still} move to other ids, 30 go"


@pytest.mark.parametrize(
    "options",
    [
        ["--on", "spanish.txt", "--on", "english.txt:0.5"],
        ["--on=spanish.txt", "--threads", "1", "--on", "english.txt:0.5"],
    ],
)
def test_prune_on_text(models, options):
    shown = invoke("prune", "one.model", "--vocab-size", 290, *options, "-o", "out.model").stderr
    corpus = Files(["spanish.txt", "english.txt"], weights=[1, 0.5])
    assert_written(bytepiece.prune(models[0], 290, corpus), models[0])
    assert "reading: " in shown
    assert "pruning: " in shown


def test_prune_on_records_and_standard_input(models):
    records = "".join(json.dumps({"body": line}) + "\n" for line in SPANISH.splitlines()).encode()
    options = ["--vocab-size", 290, "--on", "-", "--jsonl", "body", "-o", "out.model"]
    invoke("prune", "one.model", *options, input=records)
    expected = bytepiece.prune(models[0], 290, SPANISH.splitlines()).model
    assert model_io.load("out.model") == expected


def test_merge_everything(models):
    shown = invoke("merge", "one.model", "two.model", "-o", "out.model").stderr
    expected = bytepiece.merge(*models)
    assert_written(expected, models[1])
    came = expected.model.vocab_size - 320
    assert shown == (
        f"out.model: {320 + came} ids; 320 stay, {came} come; of the other model's 320, "
        f"{320 - came} were there and 0 are left out\n"
    )


def test_merge_to_a_size(models):
    options = ["--vocab-size", 330, "-o", "out.model"]
    shown = invoke("merge", "one.model", "two.model", *options).stderr
    expected = bytepiece.merge(*models, 330)
    assert_written(expected, models[1])
    gone = int((expected.id_map < 0).sum())
    assert f"{310 - gone} were there and {gone} are left out" in shown


def test_extend_by_files(models):
    options = ["--vocab-size", 340, "--memory", "512M", "--threads", 2, "-o", "out.model"]
    shown = invoke("extend", "one.model", "spanish.txt:2", "english.txt", *options).stderr
    corpus = Files(["spanish.txt", "english.txt"], weights=[2, 1])
    assert_written(bytepiece.extend(models[0], corpus, 340), models[0])
    *phases, summary = shown.splitlines()
    assert [phase.split(":")[0] for phase in phases] == ["reading", "merging", "scoring"]
    assert summary == "out.model: 340 ids; 320 stay, 20 come"


def test_extend_by_standard_input(models):
    options = ["--vocab-size", 340, "-o", "out.model"]
    invoke("extend", "one.model", "-:2", *options, input=SPANISH.encode())
    corpus = Files(["spanish.txt"], weights=[2])
    assert model_io.load("out.model") == bytepiece.extend(models[0], corpus, 340).model


def test_extend_says_when_the_corpus_gives_few_pieces():
    Path("small.txt").write_text("xyz xyz xyz", "utf-8")
    options = ["--vocab-size", 9000, "-o", "out.model"]
    *_, summary, few = invoke("extend", "one.model", "small.txt", *options).stderr.splitlines()
    came = int(summary.split()[-2])
    assert 0 < came < 9
    assert few.startswith(f"only {came} pieces came")
    assert few.endswith("--vocab-size 9000 has room for 8680")


def test_prune_a_model_of_the_original_library():
    model = bytepiece.train([TEXT], 290, algorithm="bnlm", normalization=["NFC"])
    model_io.save_original(model, "original.model")
    invoke("prune", "original.model", "--vocab-size", 280, "-o", "out.model")
    assert model_io.load("out.model") == bytepiece.prune(model, 280).model


COMMANDS = [
    ["prune", "one.model", "--vocab-size", "290"],
    ["merge", "one.model", "two.model"],
    ["extend", "one.model", "spanish.txt", "--vocab-size", "340"],
]


@pytest.mark.parametrize("command", COMMANDS)
def test_input_models_are_not_overwritten(command):
    error = invoke(*command, "-o", "one.model", code=2).stderr
    assert "one.model is the model that the ids lead from; name another file with -o" in error
    Path("two.model").rename("two.model.ids.json")
    names = [name.replace("two.model", "two.model.ids.json") for name in command]
    if command[0] == "merge":
        error = invoke(*names, "-o", "two.model", code=2).stderr
        assert "two.model.ids.json is the model" in error
    assert "no such" in invoke(*names, "-o", "nowhere/x.model", code=1).stderr.lower()
    assert "name one with -o" in invoke(*names, "-o", "-", code=2).stderr
    assert "Missing option '-o'" in invoke(*names, code=2).stderr


def test_the_corpus_is_not_overwritten():
    for command in (
        ["prune", "one.model", "--vocab-size", "290", "--on", "english.txt"],
        ["extend", "one.model", "english.txt", "--vocab-size", "340"],
    ):
        assert "part of the corpus" in invoke(*command, "-o", "english.txt", code=2).stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["prune"], "Missing argument 'MODEL'"),
        (["prune", "one.model"], "Missing option '--vocab-size'"),
        (["prune", "none.model", "--vocab-size", "290"], "'none.model' does not exist"),
        (["prune", "one.model", "--vocab-size", "9"], "9 is not in the range"),
        (
            ["prune", "one.model", "--vocab-size", "290", "--on", "spanish.txt", "english.txt"],
            "extra argument (english.txt); --on takes one value, so repeat it for each value",
        ),
        (["merge", "one.model"], "Missing argument 'OTHER'"),
        (["extend", "one.model", "--vocab-size", "340"], "Missing argument"),
        (["extend", "one.model", "spanish.txt", "--memory", "much"], "memory must be a size"),
    ],
)
def test_wrong_usage(args, words):
    assert words in invoke(*args, "-o", "out.model", code=2).stderr
    assert file_names() == BEFORE


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["prune", "one.model", "--vocab-size", "999"], "at most 320, not 999"),
        (["prune", "one.model", "--vocab-size", "256"], "at least 259, not 256"),
        (["prune", "one.model", "--vocab-size", "290", "--on", "none.txt"], "none.txt: there is"),
        (["prune", "english.txt", "--vocab-size", "290"], "is not a model"),
        (["merge", "one.model", "two.model", "--vocab-size", "300"], "at least 320"),
        (["merge", "one.model", "nfc.model"], "normalization"),
        (["merge", "one.model", "mask.model"], "'<pad>'"),
        (["extend", "one.model", "spanish.txt", "--vocab-size", "320"], "at least 321, not 320"),
        (["extend", "one.model", "none.txt", "--vocab-size", "340"], "none.txt: there is"),
    ],
)
def test_errors_are_one_line(args, words):
    model_io.save(make_model({}, rules=TextRules(("NFC",))), "nfc.model")
    token = SpecialToken("<pad>", 0, "control")
    model_io.save(make_model({}, special_tokens=(token,)), "mask.model")
    assert words in invoke(*args, "-o", "out.model", code=1).stderr
    assert not Path("out.model").exists()
    assert not Path("out.model.ids.json").exists()
