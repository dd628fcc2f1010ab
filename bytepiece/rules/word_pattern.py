r"""Patterns that find words: a part of the regular expressions, read into a small program.

These patterns stand in the files of language models' tokenizers. The libraries try the alternatives
of a pattern in their order and take the first one that matches. A program keeps this order: an
instruction that branches prefers its first branch.

Known are characters, escapes, `\p{…}` with a general category, classes, groups, `(?i:…)`,
alternatives, `?`, `*`, `+`, `{m,n}`, and a look ahead at one character. Quantifiers may be lazy.
They may be possessive if greedy ones find the same: what follows must begin with other characters.
"""

import re
from typing import NamedTuple, NoReturn

from bytepiece.errors import ModelError
from bytepiece.rules.character_set import WHITE_SPACE, CharacterSet, with_property

MAX_PATTERN = 1 << 14
"""Most characters of a pattern."""
MAX_PROGRAM = 1 << 12
"""Most instructions of its program."""
_MAX_NESTING = 32
_MOST_REPEATS = 64

_NAMED = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "a": 7, "e": 27, "0": 0}
_NO_CHARACTER = CharacterSet.of([])


class Take(NamedTuple):
    """Take one character of a set."""

    members: CharacterSet


class Fork(NamedTuple):
    """Go on at both places, relative to this one; the first is preferred."""

    first: int
    second: int


class Look(NamedTuple):
    """Go on only if the next character is in a set.

    Args:
        members: the set.
        end: go on at the end of the text, too.
    """

    members: CharacterSet
    end: bool


class Found(NamedTuple):
    """The pattern has matched."""


Instruction = Take | Fork | Look | Found
"""One step of a program. After `Take` and `Look` the next instruction follows."""


class PatternError(ModelError):
    """A pattern has a part that is not known here, or is no pattern at all."""


class _Node(NamedTuple):
    """A part of a pattern.

    Args:
        program: its instructions.
        first: the characters that a match of it can begin with.
        empty: whether it matches the empty text.
        open_sets: the sets of its possessive quantifiers that end a match of it.
    """

    program: tuple[Instruction, ...]
    first: CharacterSet
    empty: bool
    open_sets: tuple[CharacterSet, ...] = ()


_NOTHING = _Node((), _NO_CHARACTER, True)


def program_of(pattern: str) -> list[Instruction]:
    """Return the program of a pattern.

    Raises:
        PatternError: if a part of the pattern is not known here; the message names it.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"a pattern has more than {MAX_PATTERN} characters, the most allowed")
    reader = _Reader(pattern)
    node = reader.alternatives(0, False)
    if reader.at < len(pattern):
        reader.refuse(")")
    return [*node.program, Found()]


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def refuse(self, part: str) -> NoReturn:
        raise PatternError(f"the pattern {self.pattern!r:.60} has {part!r:.30}, which is not known")

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def skip(self, text: str) -> bool:
        """Go behind a text if it stands here."""
        found = self.peek(text)
        self.at += len(text) if found else 0
        return found

    def match(self, expression: str) -> re.Match[str] | None:
        """Go behind what a regular expression finds here."""
        found = re.compile(expression, re.DOTALL).match(self.pattern, self.at)
        if found:
            self.at = found.end()
        return found

    def alternatives(self, depth: int, any_case: bool) -> _Node:
        if depth > _MAX_NESTING:
            self.refuse("groups in groups")
        nodes = [self.series(depth, any_case)]
        while self.skip("|"):
            nodes.append(self.series(depth, any_case))
        whole = nodes.pop()
        for node in reversed(nodes):
            size = len(node.program)
            over = Fork(len(whole.program) + 1, len(whole.program) + 1)
            program = (Fork(1, size + 2), *node.program, over, *whole.program)
            self.check_size(program)
            whole = _Node(
                program,
                node.first | whole.first,
                node.empty or whole.empty,
                node.open_sets + whole.open_sets,
            )
        return whole

    def series(self, depth: int, any_case: bool) -> _Node:
        whole = _NOTHING
        while self.at < len(self.pattern) and not (self.peek("|") or self.peek(")")):
            whole = self.joined(whole, self.repeated(self.atom(depth, any_case)))
        return whole

    def joined(self, before: _Node, after: _Node) -> _Node:
        for members in before.open_sets:
            if not members.disjoint(after.first):
                self.refuse("a possessive quantifier before such a character")
        program = before.program + after.program
        self.check_size(program)
        return _Node(
            program,
            before.first | after.first if before.empty else before.first,
            before.empty and after.empty,
            (*before.open_sets, *after.open_sets) if after.empty else after.open_sets,
        )

    def check_size(self, program: tuple[Instruction, ...]) -> None:
        if len(program) > MAX_PROGRAM:
            raise PatternError(
                f"the pattern {self.pattern!r:.60} needs more than {MAX_PROGRAM} steps, the most "
                "allowed"
            )

    def repeated(self, node: _Node) -> _Node:
        """Read the quantifier after a part of the pattern."""
        if self.match(r"[?*+]"):
            low, high = {"?": (0, 1), "*": (0, None), "+": (1, None)}[self.pattern[self.at - 1]]
        elif found := self.match(r"\{(\d{1,4})(,?)(\d{0,4})\}"):
            low = int(found[1])
            high = int(found[3]) if found[3] else None if found[2] else low
            if low > _MOST_REPEATS or (high is not None and not low <= high <= _MOST_REPEATS):
                self.refuse(found[0])
        else:
            return node
        possessive, lazy = self.skip("+"), self.skip("?")
        if (possessive and lazy) or self.match(r"[?*+]|\{\d"):
            self.refuse(self.pattern[self.at - 1])
        if not all(map(node.first.disjoint, node.open_sets)):
            self.refuse("a possessive quantifier in a repeated group")
        if node.empty or (possessive and not _is_one_set(node)):
            self.refuse("a quantifier after a part that may be empty or long")
        part = node.program
        size = len(part)

        def fork(inside: int, outside: int) -> Fork:
            return Fork(outside, inside) if lazy else Fork(inside, outside)

        program = part * low
        if high is None:
            again = fork(-size, 1) if low else fork(1, size + 2)
            program += (again,) if low else (again, *part, Fork(-size - 1, -size - 1))
        else:
            for left in range(high - low, 0, -1):
                program += (fork(1, left * (size + 1)), *part)
        self.check_size(program)
        open_sets = (*node.open_sets, node.first) if possessive else node.open_sets
        return _Node(program, node.first, low == 0, open_sets)

    def atom(self, depth: int, any_case: bool) -> _Node:
        """Read a character, a class, a group or a look ahead."""
        if found := self.match(r"\(\?([=!])"):
            return self.look(found[1] == "!", any_case)
        if self.skip("\\z"):
            return _Node((Look(_NO_CHARACTER, True),), _NO_CHARACTER, True)
        if found := self.match(r"\((?:\?(i)?:|(?!\?))"):
            node = self.alternatives(depth + 1, any_case or found[1] is not None)
            if not self.skip(")"):
                self.refuse("(")
            return node
        members = self.one_of(any_case)
        return _Node((Take(members),), members, False)

    def look(self, negative: bool, any_case: bool) -> _Node:
        members = self.one_of(any_case)
        if not self.skip(")"):
            self.refuse("(?!" if negative else "(?=")
        members = ~members if negative else members
        # Characters before this place are taken back only if the look passes at them.
        return _Node((Look(members, negative),), members, True)

    def one_of(self, any_case: bool) -> CharacterSet:
        """Read a character or a class."""
        if self.skip("["):
            found = self.inside_class()
        elif self.skip("."):
            found = ~CharacterSet.of([(10, 10)])
        elif self.match(r"[()*+?{}$^|]") or self.at == len(self.pattern):
            self.refuse(self.pattern[self.at - 1 :][:1])
        else:
            found = self.member()
        if not any_case:
            return found
        if found.bounds.max(initial=0) > 0x80:
            self.refuse("(?i: around more than ASCII")
        return found.in_any_case()

    def inside_class(self) -> CharacterSet:
        """Read a class behind its bracket; a class within a class adds its characters."""
        negative = self.skip("^")
        found = _NO_CHARACTER
        first = True
        while first or not self.skip("]"):
            first = False
            if self.at >= len(self.pattern):
                self.refuse("[")
            if self.peek("[:") or self.peek("&&"):
                self.refuse(self.pattern[self.at : self.at + 2])
            low = self.inside_class() if self.skip("[") else self.member()
            if self.peek("-") and not self.pattern.startswith("-]", self.at):
                self.at += 1
                high = self.member()
                if not (_is_one_character(low) and _is_one_character(high)):
                    self.refuse("-")
                low = CharacterSet.of([(int(low.bounds[0]), int(high.bounds[0]))])
                if not low.ranges():
                    self.refuse("-")
            found = found | low
        return ~found if negative else found

    def member(self) -> CharacterSet:
        """Read a character or an escape."""
        if not self.skip("\\"):
            self.at += 1
            code = ord(self.pattern[self.at - 1])
            return CharacterSet.of([(code, code)])
        if found := self.match(r"([pP])(?:\{(\^?)(\w{1,2})\}|([LMNPSZC]))"):
            members = with_property(found[3] or found[4])
            if members is None:
                self.refuse("\\" + found[0])
            return ~members if (found[1] == "P") != bool(found[2]) else members
        if found := self.match(r"x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})"):
            code = int(found[1] or found[2] or found[3], 16)
            if code >= 0x110000:
                self.refuse("\\" + found[0])
            return CharacterSet.of([(code, code)])
        if found := self.match(r"[sSdD]"):
            members = WHITE_SPACE if found[0] in "sS" else with_property("Nd")
            assert members is not None  # for the type checker
            return ~members if found[0].isupper() else members
        if found := self.match(r"[nrtfvae0]"):
            return CharacterSet.of([(_NAMED[found[0]], _NAMED[found[0]])])
        found = self.match(r"[^\w]|_")
        if found is None:
            self.refuse(self.pattern[self.at - 1 : self.at + 1])
        return CharacterSet.of([(ord(found[0]), ord(found[0]))])


def _is_one_set(node: _Node) -> bool:
    return len(node.program) == 1 and isinstance(node.program[0], Take)


def _is_one_character(members: CharacterSet) -> bool:
    return len(members.bounds) == 2 and bool(members.bounds[1] - members.bounds[0] == 1)
