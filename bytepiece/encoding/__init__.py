"""Encoding: texts to ids, and back."""
