"""The library tokenizers, in any of its releases, behind the calls that the tests make."""

import json
import os
import tempfile
from pathlib import Path

import pytest

LIBRARY = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
os.environ["TOKENIZERS_PARALLELISM"] = "false"

BEFORE_1 = hasattr(LIBRARY, "models")
before_1 = pytest.mark.skipif(not BEFORE_1, reason="tokenizers 1.0 has no such call")


class TheirTokenizer:
    """A tokenizer of the library, from the text or the parsed JSON of a tokenizer.json.

    Args:
        file: the file.
        plain: special tokens in a text are plain text.
    """

    def __init__(self, file, plain=False):
        text = file if isinstance(file, str) else json.dumps(file)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "tokenizer.json")
            path.write_text(text, "utf-8")
            self.library = LIBRARY.Tokenizer.from_file(str(path))
        self.settings = {"add_special_tokens": False}
        if BEFORE_1:
            self.library.encode_special_tokens = plain
        else:
            self.settings["encode_special_tokens"] = plain

    def encode(self, text):
        """Return the ids of a text."""
        return list(self.library.encode(text, **self.settings).ids)

    def encode_batch(self, texts):
        """Return the ids of each text."""
        return [list(row.ids) for row in self.library.encode_batch(list(texts), **self.settings)]

    def decode(self, ids, skip_special_tokens=True):
        """Return the text of ids."""
        return self.library.decode(ids, skip_special_tokens=skip_special_tokens)

    def decode_batch(self, rows):
        """Return the text of each row of ids."""
        return [self.decode(row) for row in rows]
