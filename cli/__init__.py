"""The command line of bytepiece; thin: what it does is done by the library."""
