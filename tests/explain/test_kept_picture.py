"""The picture of the README is the one that `explain` makes."""

import pytest
from support import ROOT, SAMPLE
from support.cli import invoke
from support.strategies import JIT

PICTURE = ROOT / "docs" / "images" / "lattice.svg"
TEXT = "The harbour wakes"


@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
def test_the_kept_picture_is_made_again(tmp_path):
    model, made = tmp_path / "bytepiece.model", tmp_path / "lattice.svg"
    invoke("train", SAMPLE, "--vocab-size", 2000, "-o", model)
    invoke("explain", TEXT, "-m", model, "--alpha", 0.2, "--svg", made)
    assert made.read_text("utf-8") == PICTURE.read_text("utf-8"), (
        f'run: bytepiece explain "{TEXT}" --alpha 0.2 --svg {PICTURE.relative_to(ROOT)}'
    )
