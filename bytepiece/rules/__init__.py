"""Rules: how a text becomes segments."""
