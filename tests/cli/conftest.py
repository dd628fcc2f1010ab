"""A model that commands find by themselves."""

import pytest

from bytepiece import model_io


@pytest.fixture
def model_of_the_environment(model, tmp_path, monkeypatch):
    """Save the model and set the environment variable that names it."""
    path = tmp_path / "small.model"
    model_io.save(model, path)
    monkeypatch.setenv("BYTEPIECE_MODEL", str(path))
    monkeypatch.chdir(tmp_path)
