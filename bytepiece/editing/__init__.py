"""Editing: changes of a vocabulary in which the pieces that stay keep their ids."""
