"""Signals that end the program: they raise KeyboardInterrupt, so that all cleanup runs."""

import _thread
import os
import signal
import sys
import threading
import time
from math import inf
from typing import Any

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_PAUSE = 0.02
"""Seconds before a lost interruption or signal is repeated."""
_ECHO = 1.0
"""Seconds after an interruption in which further signals are ignored. Programs such as `timeout`
send a signal to the process and again to its group, and the second one would interrupt the cleanup.
"""

_caught: list[tuple[int, float]] = []
"""The number of each signal that interrupted, and when it did, by `time.monotonic`; −inf if the
interruption was lost."""


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
    return 128 + (_caught[-1][0] if _caught else signal.SIGINT)


def _interrupt(number: int, frame: object) -> None:
    now = time.monotonic()
    if _caught and now - _caught[-1][1] < _ECHO:
        return
    _caught.append((number, now))
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
        threading.Timer(_PAUSE, _interrupt_again, [_caught[-1][0]]).start()
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_again(number: int) -> None:
    """Repeat the signal of an interruption that was lost."""
    # Only now, because a signal that interrupts `_repeat` would be lost, too.
    _caught[-1] = number, -inf
    _thread.interrupt_main(signal.Signals(number))
