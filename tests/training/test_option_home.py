"""The home of each training option: `train`, its types, the command line and the docs follow it."""

import inspect
import json
import re
import typing
from dataclasses import replace
from pathlib import Path

import click
import pytest
from bytepiece_cli.train import command
from support import ROOT
from support.cli import invoke

import bytepiece
from bytepiece import model
from bytepiece.errors import ArgumentError
from bytepiece.rules.text_rules import Digits, NormalizationStep
from bytepiece.training import checkpoint, growth, merge_trainer, ngrams
from bytepiece.training.options import BY_NAME, OPTIONS, TrainingKeywords, table

SIGNATURE = inspect.signature(bytepiece.train).parameters
COMMAND = {parameter.name: parameter for parameter in command.params}
TEXTS = ["the cat", "the hat", "the rat"] * 9


def test_every_option_has_its_own_name():
    assert len(BY_NAME) == len(OPTIONS)


def test_the_signature_of_train_agrees_with_the_home():
    assert set(SIGNATURE) == {"corpus", *BY_NAME, "progress"}
    for option in OPTIONS:
        assert SIGNATURE[option.name].default == option.default, option.name


LATER = {"Digits": Digits, "NormalizationStep": NormalizationStep}
HINTS = typing.get_type_hints(TrainingKeywords, None, LATER)


def test_the_types_for_editors_agree_with_the_signature():
    assert set(HINTS) == set(SIGNATURE) - {"corpus", "vocab_size"}
    for name, hint in HINTS.items():
        assert hint == SIGNATURE[name].annotation, name


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_type_in_the_home_is_that_of_the_signature(option):
    annotation = SIGNATURE[option.name].annotation
    kinds = typing.get_args(annotation) or (annotation,)
    if option.type == "choice":
        assert kinds == option.choices
    elif option.type in ("choices", "texts"):
        [item] = kinds
        assert option.choices or str in (item, *typing.get_args(item))
    else:
        names = {"int": int, "ints": int, "size": int, "bool": bool, "text": str, "path": str}
        assert names[option.type] in kinds


def test_numbers_and_words_of_the_home_are_those_of_the_library():
    assert BY_NAME["vocab_size"].smallest == 256 + len(model.STANDARD_SPECIAL_TOKENS)
    assert BY_NAME["vocab_size"].largest == model.MAX_ID + 1
    assert BY_NAME["max_piece_length"].largest == model.MAX_PIECE_LENGTH
    assert BY_NAME["reserved"].largest == model.MAX_SPECIAL_TOKENS // 2
    assert BY_NAME["pad_to_multiple"].largest == model.MAX_SPECIAL_TOKENS // 2
    assert BY_NAME["order"].largest == ngrams.MAX_ORDER
    assert BY_NAME["objective"].choices == tuple(merge_trainer.EXPONENTS)
    assert BY_NAME["newlines"].choices == growth.NEWLINES
    assert BY_NAME["digits"].choices == typing.get_args(Digits)
    assert BY_NAME["normalization"].choices == typing.get_args(NormalizationStep)


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.largest], ids=lambda option: option.name
)
def test_train_checks_the_range_of_the_home(option):
    for value in (option.smallest - 1, option.largest + 1):
        with pytest.raises(ArgumentError, match=f"{option.name} must be at least"):
            bytepiece.train(TEXTS, **{option.name: value})
    with pytest.raises(ArgumentError, match=f"{option.name} must be a whole number"):
        bytepiece.train(TEXTS, **{option.name: 0.5})


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_command_has_the_option_of_the_home(option):
    parameter = COMMAND[option.name]
    assert option.command_line in parameter.opts
    assert option.full_help in parameter.help
    default = [option.default] if option.name == "vocab_size" else option.default
    given = parameter.get_default(click.Context(command))
    assert (given or None) == (default or None)
    assert parameter.multiple == (option.type in ("ints", "choices", "texts"))
    if option.choices:
        assert tuple(parameter.type.choices) == option.choices
    if option.largest:
        assert parameter.type.min == option.smallest
        assert parameter.type.max == (None if option.is_open else option.largest)


def test_the_table_in_the_docs_is_made_from_the_home():
    page = ROOT / "docs" / "training.md"
    [found] = re.findall(
        r"<!-- options: .*? -->\n(.*?)\n<!-- end of options -->", page.read_text("utf-8"), re.S
    )
    assert found == table()


# The former name of the merge trainer.


def test_the_former_name_is_accepted_with_a_warning_at_the_caller():
    with pytest.warns(DeprecationWarning, match='algorithm="em" is now called "merge"') as caught:
        trained = bytepiece.train(TEXTS, 300, algorithm="em")
    assert [warning.filename for warning in caught] == [__file__]
    assert trained == bytepiece.train(TEXTS, 300, algorithm="merge")
    assert trained.record["algorithm"] == "merge"


def test_the_command_accepts_the_former_name_with_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.txt").write_text("\n".join(TEXTS), "utf-8")
    said = invoke("train", "x.txt", "--algorithm", "em", "--newlines", "end").stderr
    note = "bytepiece: --algorithm em is now called merge; the old name will go\n"
    assert said.count(note) == 1
    loaded = bytepiece.model_io.load("bytepiece.model")
    assert (loaded.record["algorithm"], loaded.record["newlines"]) == ("merge", "end")
    assert "em is" not in invoke("train", "x.txt", "--algorithm", "merge").stderr


def test_unigram_is_no_former_name_of_the_merge_trainer():
    trained = bytepiece.train(TEXTS, 300, algorithm="unigram")
    assert trained.record["algorithm"] == "unigram"


@pytest.mark.parametrize("algorithm", [None, ["merge"], 5])
def test_an_algorithm_that_is_not_a_text_is_named(algorithm):
    with pytest.raises(ArgumentError, match="algorithm must be"):
        bytepiece.train(TEXTS, 300, algorithm=algorithm)


def test_a_checkpoint_with_the_former_name_resumes(tmp_path, monkeypatch):
    texts = [f"the cat number {i} and the hat of the {i * 7} rats\n" for i in range(200)]
    kept = tmp_path / "kept"

    def stop(phase, done, total):
        if phase == "merging" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bytepiece.train(texts, 400, algorithm="merge", checkpoint=kept, progress=stop)
    document = (kept / "run.json").read_text("utf-8")
    old = document.replace('"algorithm": "merge"', '"algorithm": "em"')
    old = old.replace('"spaces": "words"', '"within_words": true')
    run = json.loads(old)["run"]
    old = re.sub(r'"sha256": "\w+"', f'"sha256": "{checkpoint._checksum(run)}"', old)
    assert '"em"' in old
    assert '"within_words"' in old
    (kept / "run.json").write_text(old, "utf-8")
    assert checkpoint.arguments_of(kept)["algorithm"] == "merge"
    expected = bytepiece.train(texts, 400, algorithm="merge")
    steps = sorted(path.name for path in kept.glob("*.step"))
    assert "round-0.step" in steps
    before = (kept / "round-0.step").stat().st_mtime_ns
    model = bytepiece.train(texts, 400, algorithm="merge", checkpoint=kept)
    assert (model, dict(model.record)) == (expected, dict(expected.record))
    assert (kept / "round-0.step").stat().st_mtime_ns == before


def test_models_with_the_former_name_in_their_record_are_edited_alike(tmp_path):
    new = bytepiece.train(TEXTS, 300, newlines="end", max_piece_length=5, spaces="words")
    path = tmp_path / "x.model"
    record = {**new.record, "algorithm": "em", "within_words": True}
    del record["spaces"]
    bytepiece.model_io.save(replace(new, record=record), path)
    old = bytepiece.model_io.load(path)
    assert old.record["algorithm"] == "em"
    assert bytepiece.extend(old, ["el gato"] * 9, 310).model == (
        bytepiece.extend(new, ["el gato"] * 9, 310).model
    )
    pruned = bytepiece.prune(old, 262).model
    assert pruned == bytepiece.prune(new, 262).model
    assert pruned.record["spaces"] == "words"
