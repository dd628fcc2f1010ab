"""Adapters of libraries that cannot sample; the other adapters are in `bytepiece.adapters`."""
