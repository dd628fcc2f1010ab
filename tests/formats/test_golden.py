"""The original library 0.6.3 as it was, in files made by `python -m benchmarks.make_golden`."""

import functools
import io
import json

from support import GOLDEN, SAMPLE

import bytepiece
from bytepiece.training import bnlm_trainer as bnlm


def golden_rows():
    with (GOLDEN / "original.jsonl").open(encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def test_ids_are_those_of_the_original_library():
    tok = bytepiece.Tokenizer.load(GOLDEN / "original.model")
    rows = golden_rows()
    encoded = tok.encode_batch([row["text"] for row in rows])
    for row, ids in zip(rows, encoded, strict=True):
        assert ids.tolist() == row["ids"], row["text"]


def test_training_with_the_original_fault_gives_the_original_model(monkeypatch):
    """Our trainer mends a fault of the original library; `mend=False` puts it back."""
    lines = io.StringIO(SAMPLE.read_bytes().decode("utf-8"), newline="\n").readlines()
    monkeypatch.setattr(bnlm, "Cutter", functools.partial(bnlm.Cutter, mend=False))
    trainer = bytepiece.Trainer(order=6, max_vocab_size=1000, min_count=2)
    trainer.train(lines)
    theirs = bytepiece.Tokenizer.load(GOLDEN / "original.model").model
    assert trainer.models[0].pieces == theirs.pieces
    assert trainer.models[0].counts.tolist() == theirs.counts.tolist()
    assert trainer.models[0] == theirs
