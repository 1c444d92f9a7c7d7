"""A text on its way through the vocabulary: its words, what is found among them, what is asked of both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stillmotion.prompts.lexicon import FEMALE, MALE
from stillmotion.prompts.morphology import singular
from stillmotion.prompts.vocabulary.tables import PLACES, THINGS, Phrase, Table
from stillmotion.prompts.wordlist import words

_WORD = re.compile(r"[^\W\d_]+|'(?:s|m|re|ve|ll|d|t)\b|\d+(?:\.\d+)?|-(?!\w)|(?<!\w)-|[^\w\s-]")
SIDES = ("left", "right")
_TITLES = words("mr mrs ms dr miss sir lady madam prof professor king queen captain")


@dataclass(slots=True)
class Token:
    text: str
    start: int
    end: int
    name: bool = False

    @property
    def low(self) -> str:
        return self.text.lower()


@dataclass(slots=True)
class Match:
    """A phrase found: tokens ``start`` to ``end``, and what was captured on the way."""

    phrase: Phrase
    start: int
    end: int
    side: str = ""
    owner: str = ""
    verb: str = ""  # the form of the first verb: base, s, ing, past, part
    speed: str = ""
    skipped: int = 0

    @property
    def words(self) -> int:
        return self.end - self.start


@dataclass(slots=True)
class Change:
    """Tokens ``start`` to ``end`` become ``text``."""

    start: int
    end: int
    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Direction:
    """A direction in other words than left, right, up and down, and the one of them that it means."""

    end: int
    meaning: str


@dataclass
class Text:
    """The text as ``tokens``, which of them the ``changes`` so far have ``taken``, the ``directions`` by
    where they begin, the ``places`` that it may name, and who its subject is.
    """

    text: str
    table: Table
    subject: str
    moves: bool
    tokens: list[Token] = field(default_factory=list)
    taken: list[bool] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    directions: dict[int, Direction] = field(default_factory=dict)
    keys: dict[int, list[str]] = field(default_factory=dict)
    places: list[Match] = field(default_factory=list)

    def _keys(self, at: int) -> list[str]:
        """The words and kinds of words under which a token may be asked for."""
        if at not in self.keys:
            self.keys[at] = self._keys_of(self.tokens[at])
        return self.keys[at]

    def _keys_of(self, token: Token) -> list[str]:
        if token.name:
            return [token.text]
        low = token.low
        keys = [low]
        if singular(low) != low:
            keys.append(singular(low))
        if low in self.table.sets["determiners"]:
            keys.append("~")
        if low in SIDES:
            keys.append("<side>")
        return keys + ["*" + base for base, _ in self.table.forms.get(low, ())]

    def _before(self, at: int) -> str:
        return self.tokens[at - 1].low if at > 0 else ""

    def _after(self, at: int) -> str:
        return self.tokens[at].low if at < len(self.tokens) else ""

    def _low(self, at: int) -> str:
        return self.tokens[at].low.removeprefix("'")

    def _said(self, start: int, end: int) -> str:
        return self.text[self.tokens[start].start : self.tokens[end - 1].end] if end > start else ""

    def _knows(self, start: int, end: int) -> bool:
        """Whether the words are all among those that the models were taught."""
        return all(token.low in self.table.known for token in self.tokens[start:end])

    def _describes(self, match: Match) -> bool:
        """Whether a place is described, not named: "a wall of bricks", "waves roll onto the sand"."""
        inner = {token.low for token in self.tokens[match.start : match.end]}
        described = match.words > 1 and match.phrase.kind in (PLACES, THINGS)  # not "inside", an adverb
        return described and not inner.isdisjoint(self.table.sets["prepositions"])

    def _fill(self, meaning: str, match: Match) -> str:
        his = match.owner if match.owner in ("his", "her", "their") else self._his()
        return meaning.replace("{side}", match.side).replace("{his}", his)

    def _his(self) -> str:
        """The possessive of the person, by the text's own words, else by the subject."""
        words = [token.low for token in self.tokens]
        for word in [self.subject.split()[-1], *words]:
            if word in FEMALE or word in ("she", "her", "hers"):
                return "her"
            if word in MALE or word in ("he", "his", "him"):
                return "his"
        return "their"

    def _speed(self, low: str) -> str:
        sets = self.table.sets
        return "slowly" if low in sets["slow"] else "quickly" if low in sets["fast"] else ""


def tokens_of(text: str) -> list[Token]:
    """Words and marks; ``name`` where a capital in the middle of a sentence says so."""
    tokens = [Token(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
    words = [token for token in tokens if token.text[0].isalpha()]
    titled = sum(token.text[0].isupper() for token in words) > 0.6 * len(words) and len(words) > 3
    for token, before in zip(tokens, [None, *tokens], strict=False):
        capital = token.text[0].isupper() and not token.text.isupper()
        opens = before is None or before.text in '.!?:;"\u201c\u2026()[],' or before.text == "\u2022"
        titles = before is not None and before.low in _TITLES
        dotted = before is not None and before.text == "." and _follows_title(tokens, before)
        token.name = capital and ((not opens and not titled) or titles or dotted)
    return tokens


def _follows_title(tokens: list[Token], dot: Token) -> bool:
    at = tokens.index(dot)
    return at > 0 and tokens[at - 1].low in _TITLES
