"""How a text is cut and why: as data, in a terminal, as a page and as a picture."""
