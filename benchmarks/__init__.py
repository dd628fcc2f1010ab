"""Slow checks and measurements against other libraries; each is one command, `python -m benchmarks.NAME`."""
