"""Signals that end the program: they raise KeyboardInterrupt, so that all cleanup runs."""

import _thread
import signal
import sys
import threading
from typing import Any

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_PAUSE = 0.02
"""Seconds before a lost interruption is repeated."""

_caught: list[int] = []


def catch() -> None:
    """Make the signals that end a program raise KeyboardInterrupt.

    Temporary files are then deleted. A signal that is ignored, as under nohup, stays ignored.
    """
    for number in (getattr(signal, name, None) for name in _ENDING):
        if number and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)
    sys.unraisablehook = _repeat


def interrupted() -> bool:
    """Return whether a signal asked the program to end."""
    return bool(_caught)


def exit_code() -> int:
    """Return the exit code that shells expect of a program that the signal ended."""
    return 128 + (_caught[-1] if _caught else signal.SIGINT)


def _interrupt(number: int, frame: object) -> None:
    _caught.append(number)
    raise KeyboardInterrupt


def _repeat(unraisable: Any) -> None:
    """Interrupt again if the first interruption was lost.

    The compiler calls Python from C code that drops every exception. So the interruption is
    repeated a moment later, when other code runs.
    """
    if isinstance(unraisable.exc_value, KeyboardInterrupt) and _caught:
        threading.Timer(_PAUSE, _thread.interrupt_main, [_caught[-1]]).start()
    else:
        sys.__unraisablehook__(unraisable)
