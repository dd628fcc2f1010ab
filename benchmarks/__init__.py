"""Slow checks and measurements against other libraries: `python -m benchmarks.NAME` runs one."""
