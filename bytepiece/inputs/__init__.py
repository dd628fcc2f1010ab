"""Inputs: the texts of files, streams and columns."""
