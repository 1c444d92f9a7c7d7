"""How the tables of the lexicon are written: words between white space."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, as a table."""
    return frozenset(text.split())
