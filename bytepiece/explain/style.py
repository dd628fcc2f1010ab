"""The style of pages, of notebooks and of pictures: one set of colours, light and dark."""

from importlib.resources import files

_COLOURS = {
    "page": ("#ffffff", "#15171a"),
    "ink": ("#1c1e21", "#e4e6e9"),
    "soft": ("#5a6068", "#a2a9b2"),
    "line": ("#d5d9de", "#3a3f46"),
    "edge": ("#7a828c", "#8f98a3"),
    "chosen": ("#0067b1", "#58b0f5"),
    "heat": ("#d04a02", "#ff9a57"),
    "chip": ("84%", "25%"),
}
"""The light and the dark value of each variable. Text has a contrast of at least 4.5."""


def variables(dark: int) -> str:
    """Return the declarations of the variables: 0 for the light ones, 1 for the dark ones."""
    return "".join(f"--{name}:{values[dark]};" for name, values in _COLOURS.items())


def style(root: str) -> str:
    """Return the style sheet of everything below the elements that a selector finds.

    Notebooks say by attributes whether they are dark, whatever the system says.
    """
    lit = f'[data-jp-theme-light="true"] {root}, .vscode-light {root}'
    darkened = f'[data-jp-theme-light="false"] {root}, .vscode-dark {root}'
    return (
        f"{root} {{{variables(0)}}}\n"
        f"@media (prefers-color-scheme: dark) {{ {root} {{{variables(1)}}} }}\n"
        f"{lit} {{{variables(0)}}}\n{darkened} {{{variables(1)}}}\n" + asset("explain.css")
    )


def asset(name: str) -> str:
    """Return the content of a file of this room."""
    return files("bytepiece.explain").joinpath(f"assets/{name}").read_text("utf-8")
