"""Measurements, of this library and against others: `python -m benchmarks --help`.

`python -m benchmarks.bench_training` compares trainers and `python -m benchmarks.bench_audit`
samplers; `python -m benchmarks.bench_original` and `python -m benchmarks.make_golden` hold this
library against the original one in more detail.
"""
