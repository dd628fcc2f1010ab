"""Samplers, ours and others, held against the exact law."""
