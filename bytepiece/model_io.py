"""Model files: read every known format; write this library's format and the original library's.

The code of the formats is in `bytepiece.formats`. This module is its public face.
"""

from bytepiece.display import printable
from bytepiece.formats.bytepiece_file import save, save_vocab
from bytepiece.formats.original import save as save_original
from bytepiece.formats.reading import load, load_with_format

__all__ = ["load", "load_with_format", "printable", "save", "save_original", "save_vocab"]
