"""Text from anywhere → text that stays on its line: what controls a screen or turns the reading direction is spelt out."""

from __future__ import annotations


def printable(text: str) -> str:
    """Control, format, surrogate and separator characters as escapes (`\\x1b`, `\\u202e`); all else as it is."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)
