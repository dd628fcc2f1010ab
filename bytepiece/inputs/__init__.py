"""Inputs: where texts come from."""
