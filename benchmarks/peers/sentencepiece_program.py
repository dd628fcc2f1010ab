"""What a user of SentencePiece writes in place of `bytepiece encode < file > ids`.

    python sentencepiece_program.py MODEL THREADS < file > ids

It takes lines in batches, because one call for each line is slower. With −1 SentencePiece chooses
the number of threads.
"""

import sys
from itertools import islice

from sentencepiece import SentencePieceProcessor

processor = SentencePieceProcessor(model_file=sys.argv[1])
while lines := [line.rstrip(b"\n") for line in islice(sys.stdin.buffer, 5000)]:
    rows = processor.encode(lines, num_threads=int(sys.argv[2]))
    sys.stdout.write("".join(" ".join(map(str, row)) + "\n" for row in rows))
