"""Lines end to end, against a list of the same lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.inputs.laid import LaidTexts, laid_lines
from bytepiece.inputs.series import texts_of

TEXTS = st.lists(st.binary(max_size=9), min_size=1).map(b"\n".join)


@given(TEXTS, st.slices(20), st.data())
def test_lines_are_those_of_split(joined, part, data):
    laid, lines = laid_lines(joined), joined.split(b"\n")
    assert texts_of(laid) is laid
    assert list(laid) == lines
    assert [laid[number] for number in range(len(laid))] == lines
    part = slice(part.start, part.stop)
    assert list(laid[part]) == lines[part]
    assert isinstance(laid[part], LaidTexts)
    chosen = data.draw(st.sets(st.integers(0, len(lines) - 1)).map(sorted))
    selected = laid.select(np.array(chosen, dtype=np.int64))
    assert list(selected) == [lines[number] for number in chosen]


@given(TEXTS)
@pytest.mark.parametrize(
    "options",
    [
        {"threads": 2},
        {"add_bos": True, "allowed_special": "all"},
        {"alpha": 0.5, "sample_prob": 0.5, "doc_ids": "text"},
        {"alpha": 0.5, "samples": 2, "log_probs": True},
    ],
)
def test_lines_are_encoded_as_a_list_is(tok, options, joined):
    assert tok.encode_batch(laid_lines(joined), **options) == tok.encode_batch(
        joined.split(b"\n"), **options
    )
