"""The files of the page."""

from importlib.resources import files

from bytepiece.explain.style import asset, variables
from bytepiece.play.server import PageFile

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def page_files() -> dict[str, PageFile]:
    """Return the files of the page by their names; "" is the page itself."""
    folder = files("bytepiece.play").joinpath("page")
    found = {
        file.name: PageFile(_TYPES[file.name.rpartition(".")[2]], file.read_bytes())
        for file in folder.iterdir()
    }
    found[""] = found.pop("index.html")
    dark = f"@media (prefers-color-scheme: dark) {{ .bp-lattice {{{variables(1)}}} }}"
    css = f".bp-lattice {{{variables(0)}}}\n{dark}\n{asset('lattice.css')}"
    found["lattice.css"] = PageFile(_TYPES["css"], css.encode())
    return found
