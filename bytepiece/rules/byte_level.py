"""The ByteLevel alphabet of Hugging Face's files: it spells each byte as one character."""


def alphabet() -> list[str]:
    """Return the character for each of the 256 bytes.

    Printable characters of Latin-1 stand for themselves. The other bytes have the characters from
    U+0100 on.

    >>> chars = alphabet()
    >>> chars[ord("a")], chars[0x20], chars[0xFF]
    ('a', 'Ġ', 'ÿ')
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(b if b in printable else 0x100 + others.index(b)) for b in range(256)]
