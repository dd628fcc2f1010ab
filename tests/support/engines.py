"""An engine that treats stages and results as workers elsewhere do."""

import pickle
import random


def elsewhere(stage, items):
    """Apply a stage to all items in a random order. The stage, items and results are pickled."""
    there = [pickle.dumps((stage, item)) for item in items]
    random.Random(len(there)).shuffle(there)
    for one in there:
        its_stage, item = pickle.loads(one)
        yield pickle.loads(pickle.dumps(its_stage(item)))
