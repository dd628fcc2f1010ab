"""Regular expressions: those that are read mean what they mean in tokenizers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tokenizers_library import TheirTokenizer

from bytepiece.errors import ModelError
from bytepiece.rules.patterns import compiled

USED = [
    r"\s{2,}|[\n\r\t]",
    r"\n",
    " {2,}",
    r"\A +| +\z",
    r"\A▁",
    r"\s+",
    "[^a-zé\\s]",
    "ab{2}|b[a-c]+",
]
TEXTS = st.text(max_size=20) | st.text("ab-c \n\r\t\x0b\x1c\x85\u2028\u3000▁é", max_size=20)


@pytest.fixture(params=USED, scope="module")
def pattern(request):
    return request.param


@pytest.fixture(scope="module")
def theirs(pattern):
    step = {"type": "Replace", "pattern": {"Regex": pattern}, "content": "<>"}
    names = ["<unk>", *"<>", *sorted(set("ab-c \n\r\t\x0b\x1c\x85\u2028\u3000▁é"))]
    model = {"type": "Unigram", "unk_id": 0, "vocab": [[name, -1.0] for name in names]}
    steps = dict.fromkeys(("pre_tokenizer", "post_processor"))
    decoder = {"type": "Fuse"}
    file = {"version": "1.0", "added_tokens": [], "normalizer": step, "model": model, **steps}
    return TheirTokenizer({**file, "decoder": decoder})


@given(TEXTS)
def test_matches_are_the_same(pattern, theirs, text):
    changed = compiled(pattern).sub("<>", text)
    # Characters without a piece are decoded to <unk>, and a run of them to one.
    plain = [char for char in changed if theirs.encode(char) != [0]]
    ids = [id_ for id_ in theirs.encode(text) if id_ != 0]
    assert theirs.decode(ids) == "".join(plain)


@pytest.mark.parametrize(
    "pattern",
    ["", "a*", "a?", "a|", "(a)", "a+b", "a++", "a+?", "^a", "a$", ".", r"\d", r"\w", r"\b", "[[a]",
     "[a&&b]", "[b-a]", "a{3,2}", "(?i)a", r"\A", r"a\z", r"\p{L}", "x" * 1001],
)  # fmt: skip
def test_others_are_refused(pattern):
    with pytest.raises(ModelError, match=r"the regular expression .* cannot be read"):
        compiled(pattern)


def test_long_runs_take_no_time():
    begin = time.perf_counter()
    for pattern in USED:
        compiled(pattern).sub("", "a" + " " * 200_000 + "b")
    assert time.perf_counter() - begin < 5
