"""Audits with models of other libraries: the law, and verdicts on samplers."""

from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import huggingface_files
from support.character_models import LETTERS, MAKERS, character_vocabularies, from_sp
from support.reading import NORMAL, made, trained
from support.strategies import JIT

from bytepiece import Tokenizer
from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit import audit
from bytepiece.audit.law import ReferenceLaw, pieces_of
from bytepiece.audit.library_law import library_text
from bytepiece.audit.summary import table
from bytepiece.errors import ArgumentError
from bytepiece.formats import from_huggingface, from_sentencepiece

DRAWS = 2000 if JIT else 300


@given(
    MAKERS,
    character_vocabularies(),
    st.booleans(),
    st.text(LETTERS, min_size=1, max_size=7),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_the_law_equals_that_of_the_lattice(maker, pieces, fallback, text, alpha):
    tok = maker(pieces, fallback)
    try:
        found = library_text(text, tok.model)
    except NotPossibleError:
        assert not fallback
        return
    lattice = tok.lattice(text, alpha)
    law = ReferenceLaw(found.raw, found.edges, alpha)
    assert (found.raw, law.path_count) == (lattice.text, lattice.n_paths())
    if fallback:
        ours = sorted(one.probability for one in lattice.paths())
        assert sorted(law.paths.p) == pytest.approx(ours, abs=1e-12)
    else:
        ours = {one.pieces: one.probability for one in lattice.paths()}
        for mask, p in zip(law.paths.masks.tolist(), law.paths.p.tolist(), strict=True):
            assert p == pytest.approx(ours[tuple(pieces_of(law.text, mask))], abs=1e-12)


@pytest.mark.parametrize("fallback", [False, True])
def test_verdicts_with_a_model_of_sentencepiece(fallback):
    content = trained(normalization_rule_name="nmt_nfkc", byte_fallback=fallback)
    model = from_sentencepiece.from_bytes(content)
    samplers = ["perfect", "nbest", "sentencepiece", "sentencepiece-nbest", "huggingface"]
    texts = ["ｎaïve ☃☃ 👍 of", "the cat and the hat"]
    report = audit(model, [*samplers, "original"], texts, [0.3], DRAWS)
    verdicts = {verdict.sampler: verdict for verdict in report.verdicts}
    huggingface = False if find_spec("tokenizers") else None
    assert [verdicts[name].follows for name in samplers] == [True, True, True, True, huggingface]
    assert verdicts["perfect"].law == "over characters"
    assert verdicts["nbest"].law == "over characters, the 16 best"
    assert not any(case.impossible for v in report.verdicts for case in v.cases)
    assert verdicts["perfect"].cases[0].text == " naïve ☃☃ 👍 of"
    assert verdicts["original"].follows is None
    assert verdicts["original"].note in table(report)
    if "not installed" not in verdicts["original"].note:
        assert "another library" in verdicts["original"].note
    if find_spec("tokenizers"):
        assert "grapheme clusters" in verdicts["huggingface"].note


def test_verdicts_with_models_of_hugging_face():
    files = huggingface_files.files()
    for name, law in (("identity", "over characters"), ("bytes, prefix", "over bytes")):
        model = from_huggingface.from_document(files[name])
        report = audit(model, ["perfect", "sentencepiece"], ["the hat ☃"], [0.5], DRAWS)
        perfect, theirs = report.verdicts
        assert (perfect.follows, perfect.law, theirs.follows) == (True, law, None)


def test_a_function_follows_the_law_of_a_library():
    tok = from_sp({" ": -1.0, "a": -2.0, "b": -2.0, "ab": -3.0, "ba": -3.5}, False)
    rows = iter(tok.encode_batch(["aba☃☃b"], alpha=0.5, seed=1, samples=2 * DRAWS))
    pieces = {one.ids: one.pieces for one in tok.lattice("aba☃☃b").paths()}

    def sampler(text):
        return pieces[tuple(next(rows).tolist())]

    assert audit(tok.model, [sampler], ["aba☃☃b"], [0.5], DRAWS).verdicts[0].follows


def test_texts_whose_unknown_tokens_are_not_known():
    tok = from_sp({" ": -1.0, "a": -2.0, "☃☃": -3.0}, False)
    verdict = audit(tok.model, ["perfect"], ["a☃☃", "aa☃☃☃"], [0.5], DRAWS).verdicts[0]
    assert verdict.follows is None
    assert "part of a longer piece" in verdict.note
    assert audit(tok.model, ["perfect"], ["a☃☃", "aaé"], [0.5], DRAWS).verdicts[0].follows


def test_a_text_that_normalization_empties():
    model = from_sentencepiece.from_bytes(made([("▁", -1.0, NORMAL), ("a", -2.0, NORMAL)]))
    with pytest.raises(ArgumentError, match="nothing is left"):
        audit(model, ["perfect"], ["  "], [0.5], DRAWS)
    assert Tokenizer(model).encode("  ") == []
