"""The tokenizer inside other libraries; each module needs the library that it is named after.

- transformers.py: a tokenizer class for `transformers`; token_names.py and rows.py serve it.
- continuation.py: generation by `transformers` that goes on from the middle of a token.
- batches.py: a function for batches of a dataset, in Ray, Spark, Dask and others.
- datasets.py: the same function under the name of `datasets`.
- torch.py: blocks of equal length for a `DataLoader`.
- arrow.py: columns of ids, and Parquet files.
"""
