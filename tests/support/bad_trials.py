"""Trials that end in every bad way. This file imports little, because new processes import it."""

import os

from benchmarks.fuzzing.workers import MEMORY, Finding


class BadTrials:
    """Trials that crash, hang, take too much memory, or have a finding."""

    name, seed, seconds = "bad", 0, 1

    def prepare(self):
        pass

    def run(self, number):
        if number == 1:
            os.abort()
        while number == 2:
            pass
        if number == 3:
            try:
                bytearray(2 * MEMORY)
            except MemoryError:
                return [Finding(number, "bad", "memory", None)]
        return [Finding(number, "bad", "broken", None)] if number == 4 else []

    def kind(self, number):
        return "bad"
