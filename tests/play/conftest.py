"""A server of the page, for all tests of this folder."""

import pytest
from support.playing import playing

from bytepiece import model_io


@pytest.fixture(scope="session")
def model_files(model, trained, tmp_path_factory):
    """Return two model files. The name of the first one is HTML, and not plain in a shell."""
    folder = tmp_path_factory.mktemp("it's a <b>folder<b>")
    paths = folder / "small <i>&amp; $HOME.model", folder / "merge.model"
    for path, saved in zip(paths, (model, trained["merge"]), strict=True):
        model_io.save(saved, path)
    return [str(path) for path in paths]


@pytest.fixture(scope="session")
def served(model_files):
    """Start the page with two models."""
    with playing(*model_files) as found:
        yield found
