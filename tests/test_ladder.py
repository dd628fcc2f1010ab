"""The ladder of imports in CONTRIBUTING.md equals the contract in pyproject.toml."""

import re
import sys

import pytest
from support import ROOT

if sys.version_info < (3, 11):
    pytest.skip("tomllib comes with Python 3.11", allow_module_level=True)
import tomllib


def test_the_page_shows_the_ladder_of_the_contract():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## The rooms and the ladder")[1]
    shown = re.findall(r"^    (.+)$", page.split("\n## ")[0], re.MULTILINE)
    assert [row.replace("bytepiece.", "") for row in layers] == shown
    rooms = [room.strip() for row in shown for room in row.split("|")]
    assert re.findall(r"^- `(\w+)`: ", page, re.MULTILINE) == rooms
    homes = {path.stem for path in (ROOT / "bytepiece").iterdir() if path.name[0] != "."}
    assert homes - {"__init__", "__main__", "__pycache__", "py"} == {*rooms} - {"bytepiece_cli"}
