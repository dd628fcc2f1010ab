"""Translation by small transformers that differ in how their training text is segmented."""
