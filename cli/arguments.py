"""Errors of the library that name options of a command in place of Python's arguments."""

import re

import click

_VALUE = r"""(?:=("[^"]*"|'[^']*'|[\w.]+)?)?"""
"""What may follow the name of an argument: = and perhaps a value."""


def with_options(message: str, command: click.Command) -> str:
    """Return a message that names the options of a command in place of arguments.

    A name is that of an argument if = follows it, if it has an underscore, or if the message begins
    with it. Other words are words: "checkpoint" may be the thing itself.

    Args:
        message: the message of an error, such as 'spaces="words" needs algorithm="merge"'.
        command: the command that was called.
    """
    options = {
        param.name: max(param.opts, key=len)
        for param in command.params
        if isinstance(param, click.Option) and param.name is not None
    }

    def option(found: re.Match[str]) -> str:
        name, value = found[1], found[2]
        marked = "_" in name or "=" in found[0] or found.start() == 0
        if not marked or name not in options:
            return found[0]
        shown = "" if value in (None, "True") else f" {value.strip(chr(34) + chr(39))}"
        return options[name] + shown

    # A path or a longer word with the name in it stays, and doc_ids[8], an item and no argument.
    return re.sub(rf"(?<![\w./\\\"'-])([a-z_0-9]+)(?![\w/\\\"'\[-]){_VALUE}", option, message)
