"""A run that goes on from a checkpoint says so."""

from pathlib import Path

import pytest

import bytepiece

LINES = [f"the cat number {i} and the hat of the {i * 7} rats" for i in range(200)]


class StopError(Exception):
    """Ends a run."""


def test_a_resumed_run_says_how_much_is_done(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO", "bytepiece.training.checkpoint")

    def stop(*step):
        if [*Path("kept").glob("*.step")]:
            raise StopError

    with pytest.raises(StopError):
        bytepiece.train(LINES, 330, checkpoint="kept", progress=stop)
    assert caplog.messages == []
    steps = len([*Path("kept").glob("*.step")])
    bytepiece.train(LINES, 330, checkpoint="kept")
    assert caplog.messages == [f"going on from kept; steps that are done: {steps}"]
