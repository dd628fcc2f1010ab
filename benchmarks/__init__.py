"""Measurements, of this library and against others: `python -m benchmarks --help`.

`python -m benchmarks.bench_original` and `python -m benchmarks.make_golden` hold it against the
original library in more detail.
"""
