"""Bytes as people can read them."""


def printable(piece: bytes) -> str:
    r"""A piece as visible text without spaces, from which its bytes can be told.

    A space is shown as ▁; control characters, invisible characters and stray bytes as Python
    escapes, and so are ▁ and the backslash themselves.

    >>> print(printable(b" caf\xc3\xa9\n"), printable(b"\xe4\xbb"))
    ▁café\n \xe4\xbb
    """
    shown = []
    for char in piece.decode("utf-8", "surrogateescape"):
        if char == " ":
            shown.append("▁")
        elif "\udc80" <= char <= "\udcff":
            shown.append(f"\\x{ord(char) - 0xDC00:02x}")
        elif char in "▁\\" or not char.isprintable():
            shown.append(_escape(char))
        else:
            shown.append(char)
    return "".join(shown)


def _escape(char: str) -> str:
    if char < "\x80":
        return char.encode("unicode_escape").decode("ascii")
    # Never \x, which is a stray byte's.
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
