"""The end that a signal asks for: in good order, wherever the program is."""

import _thread
import signal
import sys
import threading
from typing import Any

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_PAUSE = 0.02
"""Seconds until an interruption that got lost is repeated."""

_caught: list[int] = []


def catch() -> None:
    """Let signals that would end the program at once raise KeyboardInterrupt instead.

    Temporary files are then deleted. A signal that is ignored, as under nohup, stays so.
    """
    for number in (getattr(signal, name, None) for name in _ENDING):
        if number and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)
    sys.unraisablehook = _repeat


def interrupted() -> bool:
    """Whether a signal asked for the end."""
    return bool(_caught)


def exit_code() -> int:
    """What the shell reports for a program that the signal ended."""
    return 128 + (_caught[-1] if _caught else signal.SIGINT)


def _interrupt(number: int, frame: object) -> None:
    _caught.append(number)
    raise KeyboardInterrupt


def _repeat(unraisable: Any) -> None:
    """Interrupt again where the first time was in vain.

    The compiler calls Python from C, which drops every exception; soon it is somewhere else.
    """
    if isinstance(unraisable.exc_value, KeyboardInterrupt) and _caught:
        threading.Timer(_PAUSE, _thread.interrupt_main, [_caught[-1]]).start()
    else:
        sys.__unraisablehook__(unraisable)
