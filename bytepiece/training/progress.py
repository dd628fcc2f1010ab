"""How far training is: what its stages report."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as progress(phase, done, total): bytes, or rounds; done == total at the end."""
