"""The options of sampling: their types, ranges and defaults. Loads no compiler."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Sampler = Literal["perfect", "viterbi", "nbest", "dropout", "splitting"]
Alpha: TypeAlias = "float | tuple[float, float] | Sequence[float] | npt.NDArray[np.float64] | None"
"""One alpha for all documents, the ends of a range, or one alpha per document. See
`bytepiece.Tokenizer`."""

NBEST_SIZE = 64
"""How many paths the sampler "nbest" draws from by default."""
LARGEST_ALPHAS: "dict[Sampler, float]" = {"dropout": 1.0, "splitting": 16.0}
"""The largest alpha of samplers that have one. For "dropout" it is a probability, for "splitting"
the mean number of tries for each token."""
BY_TEXT = "text"
"""The value of `doc_ids` that makes the hash of each text its number."""
MAX_NBEST_SIZE = 1 << 20
"""The most paths it can draw from."""
RANGE_STEPS = 16
"""The number of values into which a range of alphas is divided. Each value needs a table of weights
as long as the vocabulary, which takes a millisecond for 80 k pieces."""


class SamplingOptions(TypedDict, total=False):
    """The keywords of `Tokenizer.encode` and `tokenize` that go with `alpha`, for type checkers."""

    sampler: Sampler
    nbest_size: int
    sample_prob: float
    seed: int | None
    epoch: int
    doc_id: int
    sample: int
