"""Measurements of this library, alone and against others: see `python -m benchmarks --help`.

Four commands stand apart. `python -m benchmarks.bench_training` compares trainers, and
`python -m benchmarks.bench_audit` compares samplers. `python -m benchmarks.bench_formats` checks
model files of other libraries. `python -m benchmarks.bench_original` compares this library with
the original one in more detail, with `python -m benchmarks.make_golden` for the tests' texts.
"""
