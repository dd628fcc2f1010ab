"""Model files: read any known format, write this library's and the original's.

The formats live in `bytepiece.formats`; this module is their public face.
"""

from bytepiece.display import printable
from bytepiece.formats.bytepiece_file import save, save_vocab
from bytepiece.formats.original import save as save_original
from bytepiece.formats.reading import load, load_with_format

__all__ = ["load", "load_with_format", "printable", "save", "save_original", "save_vocab"]
