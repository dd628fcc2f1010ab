"""The files of the page."""

from importlib.resources import files

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
    return found
