"""A page on this machine to try models on: `bytepiece play`."""
