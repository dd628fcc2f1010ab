"""A lower bound on the tokens of any vocabulary, and the vocabularies that are compared with it."""
