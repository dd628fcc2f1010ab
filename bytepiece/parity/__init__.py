"""Parity: a model in another library's format, and how alike the two encode."""
