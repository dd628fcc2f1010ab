"""The exact distribution of one text's segmentations."""
