"""Libraries that cannot sample and so serve for speed only; the others are in `bytepiece.audit`."""
