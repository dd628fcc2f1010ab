"""Random texts and damaged files, and the promises that must hold for all of them.

- models.py: the models that the texts are encoded with.
- texts.py: batches of random texts, each a function of a seed and a number.
- text_checks.py: what must hold for every text.
- mutations.py: ways to damage a file.
- files.py: sound files of every kind that is read, and what may happen when a damaged one is read.
- workers.py: processes whose crash, hang or too large memory is a finding.
"""
