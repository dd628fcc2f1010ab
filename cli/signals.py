"""Signals that end the program: they raise KeyboardInterrupt, so that all cleanup runs."""

import _thread
import os
import signal
import sys
import threading
import time
from typing import Any

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_PAUSE = 0.02
"""Seconds before a lost interruption or signal is repeated."""

_caught: list[int] = []


def catch() -> None:
    """Make the signals that end a program raise KeyboardInterrupt.

    Temporary files are then deleted. A signal that is ignored, as under nohup, stays ignored.
    """
    for number in (getattr(signal, name, None) for name in _ENDING):
        if number and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)
    sys.unraisablehook = _repeat
    if hasattr(signal, "pthread_kill"):
        arrivals, arrived = os.pipe()
        os.set_blocking(arrived, False)
        signal.set_wakeup_fd(arrived)
        threading.Thread(
            target=_send_again, args=[arrivals, threading.get_ident()], daemon=True
        ).start()


def interrupted() -> bool:
    """Return whether a signal asked the program to end."""
    return bool(_caught)


def exit_code() -> int:
    """Return the exit code that shells expect of a program that the signal ended."""
    return 128 + (_caught[-1] if _caught else signal.SIGINT)


def _interrupt(number: int, frame: object) -> None:
    _caught.append(number)
    raise KeyboardInterrupt


def _send_again(arrivals: int, main: int) -> None:
    """Send the first signal to the main thread until it handles one.

    A signal does not wake a main thread that is just about to wait for input, nor one that waits
    while another thread receives the signal.

    Args:
        arrivals: the end of a pipe from which the numbers of signals are read, a byte each.
        main: the identifier of the main thread.
    """
    number = os.read(arrivals, 1)[0]
    time.sleep(_PAUSE)
    while not _caught and signal.getsignal(number) is _interrupt:
        signal.pthread_kill(main, number)
        time.sleep(_PAUSE)


def _repeat(unraisable: Any) -> None:
    """Interrupt again if the first interruption was lost.

    The compiler calls Python from C code that drops every exception. So the interruption is
    repeated a moment later, when other code runs.
    """
    if isinstance(unraisable.exc_value, KeyboardInterrupt) and _caught:
        threading.Timer(_PAUSE, _thread.interrupt_main, [_caught[-1]]).start()
    else:
        sys.__unraisablehook__(unraisable)
