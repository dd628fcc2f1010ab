"""A path for the model file of one test."""

import pytest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.model"
