"""Changing a vocabulary that exists, so that what stays keeps its id."""
