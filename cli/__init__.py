"""The command line of bytepiece: one file for each command. The library does the work."""
