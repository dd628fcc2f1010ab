"""Token files: the ids of a corpus on the disk, to be mapped into memory.

Two layouts, each of two files that are named after a prefix; all numbers are little-endian:

    megatron    PREFIX.bin            the ids, uint16 or int32, end to end
                PREFIX.idx            the index of Megatron-LM's datasets
    npy         PREFIX.ids.npy        the ids, uint8, uint16 or uint32, end to end
                PREFIX.offsets.npy    int64[documents + 1], where each document begins, and the end

While they are written, what is there is in PREFIX.….part, and how far that can be trusted in
PREFIX.journal.
"""

from bytepiece.token_files.layouts import Layout, names, smallest_type
from bytepiece.token_files.reader import TokenFile
from bytepiece.token_files.writer import TokenFileWriter

__all__ = ["Layout", "TokenFile", "TokenFileWriter", "names", "smallest_type"]
