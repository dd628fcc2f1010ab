"""For mkdocstrings: shows the examples in docstrings as code, though they are in no section."""

import re
from typing import Any

from griffe import Extension, Object

_DOCTEST = re.compile(r"^( *)>>> .*(?:\n(?! *$).*)*", re.M)


class Doctests(Extension):
    """Puts each doctest of a docstring into a fence."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of a module, a class, a function or an attribute."""
        if obj.docstring:
            obj.docstring.value = _DOCTEST.sub(
                lambda found: f"{found[1]}```python\n{found[0]}\n{found[1]}```", obj.docstring.value
            )
