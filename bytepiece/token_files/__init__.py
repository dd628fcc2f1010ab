"""Token files: the ids of a corpus on disk, which are mapped into memory.

Each layout has two files that are named after a prefix. All numbers are little-endian:

    megatron    PREFIX.bin                 the ids, uint16 or int32, end to end
                PREFIX.idx                 the index of Megatron-LM's datasets
    npy         PREFIX.ids.npy             the ids, uint8, uint16 or uint32, end to end
                PREFIX.offsets.npy         int64[documents + 1]: where documents begin, and the end
    raw         PREFIX.bin                 the ids, uint16 or uint32, end to end, and nothing else
                PREFIX.raw.offsets.npy     as in npy
    llmc        PREFIX.bin                 256 int32 of a head, then the ids, uint16 or uint32
                PREFIX.llmc.offsets.npy    as in npy
    datatrove   PREFIX.ds                  the ids, uint16 or uint32, end to end
                PREFIX.ds.index            uint64[documents], where each document ends

Unfinished files are called PREFIX.….part. PREFIX.journal says how much of them is safely on disk.

- layouts.py: the names of the files, and the bytes in them.
- writer.py: writes token files, and continues them after a kill.
- reader.py: reads token files after checking them.
"""

from bytepiece.token_files.layouts import Layout, names, smallest_type
from bytepiece.token_files.reader import TokenFile
from bytepiece.token_files.writer import TokenFileWriter

__all__ = ["Layout", "TokenFile", "TokenFileWriter", "names", "smallest_type"]
