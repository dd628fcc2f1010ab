"""Small language models that differ in nothing but the tokenizer: see `benchmarks.bench_lm`."""
