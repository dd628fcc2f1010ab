"""Arrow: a column of texts to a column of ids."""

from typing import Any

import numpy as np

from bytepiece import columns
from bytepiece.tokenizer import Tokenizer


def encode_column(tokenizer: Tokenizer, column: Any, **options: Any) -> Any:
    """The ids of a column of texts, as a column.

    Args:
        tokenizer: encodes.
        column: of strings or bytes: a `pyarrow` array, a `polars` series, or what else hands out
            its data as Arrow does.
        options: for `Tokenizer.encode_batch`.

    Returns:
        a `pyarrow.ListArray` of int32, null where the column is; a `pyarrow.LargeListArray` if
        there are more than 2^31 − 1 ids. With `samples`, so many rows for each text.

    Raises:
        ArgumentError: the column holds something else than text, pyarrow is missing, or an option
            is outside its range.
    """
    array = columns.chunked(column)
    rows = tokenizer.encode_batch(array, **options)
    if not array.null_count:
        return rows.to_arrow()
    present = np.repeat(array.is_valid().to_numpy(), options.get("samples", 1))
    return columns.list_array(rows.ids, rows.offsets, present)
