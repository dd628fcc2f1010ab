"""A function that encodes or samples batches of a dataset: in `datasets`, Ray, Spark and others.

It needs `pip install pyarrow`, unless batches are dicts.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from bytepiece.encoding.options import BY_TEXT, Alpha, Sampler
from bytepiece.encoding.request import Sampling
from bytepiece.encoding.special import AllowedSpecial, in_one_order
from bytepiece.errors import ArgumentError
from bytepiece.inputs.series import texts_of
from bytepiece.integrations.pricing import alpha_by_price, check_sampler
from bytepiece.rules.text import Text
from bytepiece.tokenizer import Tokenizer

IDS = "input_ids"
"""The name of the column of ids, int32."""


class Encode:
    """Encodes a batch of a dataset: an Arrow table, a record batch, or a dict of columns.

    The result has the column "input_ids" and the columns in `keep`; the dataset's other columns are
    dropped. The object can be pickled, so that engines such as Ray, Spark and Dask can send it to
    their workers. With `doc_ids`, a row's ids do not depend on how the dataset is divided.

    `datasets` calls it by `dataset.map(Encode(…), batched=True, with_indices=True)`. The result is
    a pure function of the dataset and of these arguments. The result's fingerprint is a pure
    function of them, too. By the fingerprint, `datasets` finds earlier results in its cache, in
    this process or in another one. Each epoch has its own fingerprint:

        dataset.map(Encode(tok, alpha=0.1, seed=7, epoch=3), batched=True, with_indices=True)

    `dataset.with_transform(Encode(…))` samples while reading and keeps nothing. It gives no
    indices, so samples then need `doc_ids`.

    Args:
        tokenizer: the tokenizer that encodes.
        column: the name of the column of texts.
        alpha, sampler, sample_prob, seed, epoch, add_bos, add_eos, allowed_special: see
            `bytepiece.Tokenizer.encode_batch`. The seed is never fresh, because results are kept.
        more_tokens: take the alpha at which samples have this share of tokens more than best paths,
            such as 0.1 for 10 %, in place of alpha. It is found once, here, and `logging` gets it.
        price_texts: typical texts by which it is found; see
            `bytepiece.Tokenizer.alpha_for_tokens`.
        doc_ids: the name of a column with the documents' numbers: whole numbers, strings or bytes,
            as in `bytepiece.Tokenizer.encode_batch`; or "text" for the hash of each text. By
            default a document's number is its index in the dataset, which `with_indices=True`
            gives.
        max_length: cut rows that are longer.
        keep: names of the columns to keep.
        threads: how many threads to use. `num_proc` of `map` uses several processes instead.

    >>> import bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
    >>> Encode(tok, add_eos=True)({"text": ["the cat", "the hat"]})["input_ids"][0].tolist()[-1]
    2
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        column: str = "text",
        *,
        alpha: Alpha = None,
        sample_prob: float = 1.0,
        seed: int = 0,
        epoch: int = 0,
        add_bos: bool = False,
        add_eos: bool = False,
        allowed_special: AllowedSpecial = (),
        doc_ids: str | None = None,
        max_length: int | None = None,
        keep: Iterable[str] = (),
        threads: int = 1,
        more_tokens: float | None = None,
        price_texts: Iterable[Text] | None = None,
        sampler: Sampler = "perfect",
    ) -> None:
        if seed is None:
            raise ArgumentError(
                "datasets keep results in a cache, so samples need a seed: a number"
            )
        alpha = alpha_by_price(tokenizer, alpha, more_tokens, price_texts, sample_prob, sampler)
        Sampling(alpha).check_unlisted()
        if isinstance(keep, str):
            raise ArgumentError("keep must be a list of columns' names, not one name")
        self.tokenizer = tokenizer
        self.column = column
        self.doc_ids = doc_ids
        self.max_length = max_length
        # A set has another order in every process.
        self.keep = tuple(sorted(keep) if isinstance(keep, Set) else keep)
        if IDS in self.keep:
            raise ArgumentError(f"the column {IDS!r} is made here; it cannot be kept")
        self.options: dict[str, Any] = {
            "alpha": alpha,
            "sample_prob": sample_prob,
            "seed": seed,
            "epoch": epoch,
            "add_bos": add_bos,
            "add_eos": add_eos,
            "allowed_special": in_one_order(allowed_special),
            "threads": threads,
        }
        if sampler != "perfect":  # The fingerprints of earlier results stay as they are.
            self.options["sampler"] = sampler
        check_sampler(tokenizer, alpha, sampler)
        # Raises an error for wrong settings before any work is done.
        rows = tokenizer.encode_batch([], **self.options)
        if max_length is not None:
            rows.truncated(max_length)

    def __call__(self, batch: Any, indices: Sequence[int] | None = None) -> Any:
        """Return a batch of the dataset with ids in place of texts.

        Args:
            batch: an Arrow table or record batch, an object with an Arrow table as `pa_table` (the
                batches of `map`), or a dict of columns (the batches of `with_transform` and of
                streamed datasets). If the batch is a dict, `map` keeps all its columns and adds
                the result; to drop columns, name them in the argument `remove_columns` of `map`.
            indices: the numbers of the rows in the dataset.

        Returns:
            an Arrow table or record batch, as given; for a dict, a dict with int32 arrays.

        Raises:
            ArgumentError: if a column is missing, or a document to be sampled has no number.
        """
        table = getattr(batch, "pa_table", batch)
        if not isinstance(table, Mapping) and not hasattr(table, "column_names"):
            raise ArgumentError(
                f"a batch must be an Arrow table or a dict of columns, not {type(batch).__name__}; "
                "give the dataset another format, and no input_columns"
            )
        by_column = self.doc_ids if self.doc_ids != BY_TEXT else None
        for name in (self.column, *self.keep, *([by_column] if by_column else [])):
            if name not in (table if isinstance(table, Mapping) else table.column_names):
                raise ArgumentError(f"the dataset has no column {name!r:.60}")
        numbers: Any = table[by_column] if by_column else self.doc_ids or indices
        if self.options["alpha"] is None:
            numbers = None  # The best path needs no numbers, and reading them takes time.
        elif numbers is None:
            raise ArgumentError(
                'to sample, give Encode doc_ids: the name of a column, or "text"; or give map '
                "with_indices=True"
            )
        texts = texts_of(table[self.column])
        if isinstance(texts, (list, tuple)) and None in texts:
            import pyarrow  # noqa: PLC0415 # datasets needs it too

            texts = pyarrow.array(texts)  # Nulls become documents without any token, as in a table.
        rows = self.tokenizer.encode_batch(texts, doc_ids=numbers, **self.options)
        if self.max_length is not None:
            rows = rows.truncated(self.max_length)
        if isinstance(table, Mapping):
            return {IDS: list(rows)} | {name: table[name] for name in self.keep}
        return table.select(list(self.keep)).append_column(IDS, rows.to_arrow())
