"""The automaton of a pattern that finds words: what to do for each class of characters.

Characters that a pattern treats alike are one class. A state is the list of the places in the
pattern's program where a match may go on, the preferred one first. Where the pattern has matched,
the places behind it in the list are dropped, so the last match that the automaton sees is the one
that the library takes. A look ahead waits in the list until the next character is known.
"""

from functools import lru_cache

import numpy as np

from bytepiece._arrays import I64, U8, U16, U32
from bytepiece.errors import ModelError
from bytepiece.kernels.word_tables import END, MATCHED, PAGE, WordAutomaton
from bytepiece.rules.character_set import ALL, INVALID, CharacterSet
from bytepiece.rules.word_pattern import Fork, Found, Instruction, Look, Take, program_of

MAX_STATES = 1 << 12
"""Most states of an automaton."""
_MOST_CLASSES = 255


@lru_cache(maxsize=64)
def word_automaton(pattern: str) -> WordAutomaton:
    """Return the automaton of a pattern.

    Raises:
        PatternError: if a part of the pattern is not known here.
        ModelError: if the pattern matches the empty text, or needs too large an automaton.
    """
    program = program_of(pattern)
    sets = [one.members for one in program if isinstance(one, Take | Look)]
    classes, points = _classes(sets)
    count = int(classes.max()) + 1
    if count > _MOST_CLASSES:
        raise ModelError(f"the pattern {pattern!r:.60} tells too many kinds of characters apart")
    samples = points[[int(np.flatnonzero(classes == number)[0]) for number in range(count)]]
    inside = [
        one.members.holds(samples) if isinstance(one, Take | Look) else None for one in program
    ]
    table = _table(pattern, program, inside, count)
    pages, page_of = _pages(classes, points)
    invalid = int(classes[np.searchsorted(points, INVALID, side="right") - 1])
    ascii_classes = pages[int(page_of[0])][:128].copy()
    for array in (ascii_classes, pages, page_of, table):
        array.flags.writeable = False
    return WordAutomaton(ascii_classes, pages.ravel(), page_of, table.ravel(), count + 1, invalid)


def _classes(sets: list[CharacterSet]) -> tuple[I64, I64]:
    """Return the class of each run of code points alike, and where each run begins."""
    points = np.unique(np.concatenate([[0, INVALID, INVALID + 1], *(one.bounds for one in sets)]))
    points = points[points < ALL].astype(np.int64)
    classes = np.zeros(len(points), dtype=np.int64)
    for members in dict.fromkeys(sets):
        _, classes = np.unique(classes * 2 + members.holds(points), return_inverse=True)
    return classes.astype(np.int64), points


def _pages(classes: I64, points: I64) -> tuple[U8, U16]:
    """Return the different pages of classes by code point, and the page of each page number."""
    lengths = np.diff(np.append(points, ALL))
    rows = classes.astype(np.uint8).repeat(lengths).reshape(-1, PAGE)
    numbers: dict[bytes, int] = {}
    page_of = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows])
    pages = np.frombuffer(b"".join(numbers), dtype=np.uint8).reshape(-1, PAGE)
    return pages, page_of.astype(np.uint16)


def _table(
    pattern: str, program: list[Instruction], inside: list["np.ndarray | None"], count: int
) -> U32:
    """Return the table of the automaton in rows: for each state the entry of each class.

    The last entry is for the text's end.
    """
    begin = _places(program, [0])
    numbers: dict[tuple[int, ...], int] = {(): END, begin: 1}
    rows: list[list[int]] = [[END] * (count + 1)]
    waiting = [begin]
    while waiting:
        state = waiting.pop(0)
        row = []
        for number in range(count + 1):
            targets, matched = _step(program, inside, state, number if number < count else None)
            if matched and state == begin:
                raise ModelError(f"the pattern {pattern!r:.60} matches the empty text")
            after = _places(program, targets)
            if after not in numbers:
                if len(numbers) == MAX_STATES:
                    raise ModelError(f"the pattern {pattern!r:.60} needs too many states")
                numbers[after] = len(numbers)
                waiting.append(after)
            row.append(numbers[after] * (count + 1) | (MATCHED if matched else 0))
        rows.append(row)
    return np.array(rows, dtype=np.uint32)


def _places(program: list[Instruction], starts: list[int]) -> tuple[int, ...]:
    """Return the places that are reached from some places without looking at the text, in order."""
    seen: set[int] = set()
    found: list[int] = []
    for start in starts:
        stack = [start]
        while stack:
            place = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            one = program[place]
            if isinstance(one, Fork):
                stack += [place + one.second, place + one.first]
            else:
                found.append(place)
    return tuple(found)


def _step(
    program: list[Instruction],
    inside: list["np.ndarray | None"],
    state: tuple[int, ...],
    number: int | None,
) -> tuple[list[int], bool]:
    """Return where a state goes on after a character, and whether it matches before it.

    Args:
        program: the pattern's program.
        inside: for each instruction the classes of its characters.
        state: the places of the state.
        number: the character's class; None for the end of the text.
    """
    targets: list[int] = []
    seen: set[int] = set()
    stack = list(reversed(state))
    while stack:
        place = stack.pop()
        if place in seen:
            continue
        seen.add(place)
        one, members = program[place], inside[place]
        if isinstance(one, Found):
            return targets, True
        if isinstance(one, Fork):
            stack += [place + one.second, place + one.first]
        elif number is None:
            if isinstance(one, Look) and one.end:
                stack.append(place + 1)
        elif members is not None and members[number]:
            if isinstance(one, Look):
                stack.append(place + 1)
            else:
                targets.append(place + 1)
    return targets, False
