"""A compiled character map gives what `Precompiled` of tokenizers gives, cluster by cluster."""

import random
import re

import pytest
from support.reading import trained
from support.tokenizers_library import LIBRARY, before_1

from bytepiece.rules.character_classes import FOLLOWING, PRECEDING
from bytepiece.rules.grapheme_map import GraphemeMap
from bytepiece.rules.protobuf import fields

pytestmark = before_1
SCALARS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]


@pytest.fixture(params=["nmt_nfkc", "nfkc_cf"], scope="module")
def both(request):
    message = trained(normalization_rule_name=request.param)
    table = dict(fields(dict(fields(message))[3]))[2]
    return GraphemeMap(table), LIBRARY.normalizers.Precompiled(table).normalize_str


def test_each_character(both):
    ours, theirs = both
    assert [char for char in SCALARS if ours(char) != theirs(char)] == []


@pytest.mark.parametrize("pair", ["A{}", "½{}", "{}½\u0301", "{}\u0301"])
def test_pairs(both, pair):
    """Releases of the library know different versions of Unicode; few characters are new in one."""
    ours, theirs = both
    texts = [pair.format(char) for char in SCALARS]
    assert sum(ours(text) != theirs(text) for text in texts) <= 60


def test_random_clusters(both):
    ours, theirs = both
    pools = [
        [char for char in SCALARS if ours(char) != char],
        [char for char in SCALARS[:0x1000] if re.match(f"[{FOLLOWING}]", char)],
        [char for char in SCALARS[:0x1000] if re.match(f"[{PRECEDING}]", char)],
        list("\u0301\u200d\u0335\r\n\t aé½ﬁ①\u2028\u200b\ufeff각가각ꥠힰퟋ©®™‼⁉㊗👩❤☃🏻🇺🇳क्षकिกำ"),
    ]
    drawn = random.Random(5)
    for _ in range(5000):
        text = "".join(drawn.choice(drawn.choice(pools)) for _ in range(drawn.randrange(2, 9)))
        assert ours(text) == theirs(text)


def test_a_line_end_of_two_characters_is_one_cluster(both):
    ours, theirs = both
    assert ours("a\r\nb") == theirs("a\r\nb") != ours("a\rb\n")


def test_an_empty_map():
    assert GraphemeMap(b"")("a\r\ne\u0301") == "a\r\ne\u0301"
