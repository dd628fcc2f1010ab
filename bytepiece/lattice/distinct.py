"""Different segmentations of many texts, drawn without replacement."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, offsets_of
from bytepiece._checks import check_whole
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.request import Group, Method
from bytepiece.encoding.segmentation import Marks, segment
from bytepiece.inputs.arrow import Column
from bytepiece.kernels.streams import Streams
from bytepiece.lattice.law import inclusion_of, law_of, tokens_of
from bytepiece.lattice.without_replacement import top_k
from bytepiece.parallel import ordered_map
from bytepiece.rules.text import Text


class DistinctRows(NamedTuple):
    """The rows of one document.

    Args:
        ids: for each row int32[tokens].
        log_p: float64[rows], the log-probability of each row; −inf for a row that stands for no
            segmentation.
        inclusion: float64[rows], the inclusion probability of each row.
    """

    ids: list[npt.NDArray[np.int32]]
    log_p: npt.NDArray[np.float64]
    inclusion: npt.NDArray[np.float64]


def encode_distinct(
    encoder: Encoder,
    texts: Sequence[Text] | Column,
    marks: Marks,
    groups: Sequence[Group],
    streams: Streams,
    threads: int,
) -> Encoded:
    """Draw different segmentations of each text from its law.

    Args:
        encoder: the tables of the model.
        texts: one text per document.
        marks: the special tokens around and inside them.
        groups: each document is in one of them; none of them is for the best path.
        streams: the random streams of the documents. The first sample of each document provides the
            draws of all its rows.
        threads: how many threads to use; the result does not depend on it.

    Raises:
        ArgumentError: if `threads` is not at least 1, if a text cannot be cut into segments, or if
            its lattice is too large.
    """
    threads = check_whole(threads, "threads", 1)
    methods: dict[int, Method] = {}
    for method, documents in groups:
        if method is not None:
            methods |= dict.fromkeys(documents.tolist(), method)

    def rows_of(number: int) -> DistinctRows:
        segments = segment(texts[number : number + 1], encoder.model.rules, marks)
        law = law_of(encoder, segments, methods[number].alpha)
        drawn = top_k(law.chain, streams.samples, streams, number)
        inside = segments.special >= 0
        places, special = segments.bounds[:-1][inside], segments.special[inside]
        rows = []
        for edges in drawn.paths:
            ids, ends = tokens_of(encoder, law, segments.bounds, edges)
            if len(special):
                ids = np.insert(ids, np.searchsorted(ends, places, side="right"), special)
            rows.append(ids)
        missing = streams.samples - len(rows)
        return DistinctRows(
            rows + [special] * missing,
            _extended(drawn.log_p, missing, -math.inf),
            _extended(inclusion_of(drawn), missing, 1.0),
        )

    found = list(ordered_map(rows_of, range(len(texts)), threads))
    ids: list[I32] = [np.empty(0, dtype=np.int32), *chain.from_iterable(rows.ids for rows in found)]
    none = np.empty(0, dtype=np.float64)
    return Encoded(
        np.concatenate(ids),
        offsets_of(map(len, ids[1:])),
        np.concatenate([none, *(rows.log_p for rows in found)]),
        np.concatenate([none, *(rows.inclusion for rows in found)]),
    )


def _extended(values: F64, count: int, value: float) -> F64:
    return np.append(values, np.full(count, value))
