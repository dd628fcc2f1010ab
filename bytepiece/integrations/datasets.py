"""`Encode` under the name of `datasets`, for `datasets.Dataset.map`.

Mapping needs `pip install datasets`. The object is `bytepiece.integrations.batches.Encode`.
"""

from bytepiece.integrations.batches import IDS, Encode

__all__ = ["IDS", "Encode"]
