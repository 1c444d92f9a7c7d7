"""Places: how far their phrases reach, and when a place's word is a part of another thing."""

from __future__ import annotations

import re

from stillmotion.prompts.lexicon import (
    ADJECTIVES,
    ADVERBS,
    DETERMINERS,
    PLACE_ADVERBS,
    POSSESSIVES,
    PREPOSITIONS,
)
from stillmotion.prompts.morphology import verb_readings
from stillmotion.prompts.phrases import leads_to
from stillmotion.prompts.tokens import FUNCTION_WORDS
from stillmotion.prompts.vocabulary.text import Change, Match, Text
from stillmotion.prompts.wordlist import words

_LOCATIONS = sorted(
    (
        tuple(line.split())
        for line in """
        in; at; on; inside; within; through; amid; amidst; among; amongst; between; by; near; beside; along
        across; around; outside; under; beneath; against; behind; before; over; above; throughout; down; up
        beyond
        in front of; in the middle of; in the midst of; in the heart of; in the centre of; in the center of
        next to; close to; at the edge of; on the edge of; at the foot of; on top of; at the top of; upon
        surrounded by; on the side of; by the side of; in the corner of; at the end of; inside of
        outside of; on the bank of; on the banks of; on the shore of; on the shores of; overlooking
        set in; set against; deep in; deep inside; high in; high up in; out in; out on; up in; down by
        down at; over at; back in; against the backdrop of; with a view of; at the side of
        """.replace("\n", ";").split(";")
        if line.strip()
    ),
    key=len,
    reverse=True,
)

_AMID = words("between among amongst amid amidst")
_FRONT = words("against before in on")


class Places(Text):
    """Reads places with their prepositions and modifiers."""

    def _place(self, match: Match) -> Change | None:
        if self._joins_noun(match.end):
            return None
        meaning = match.phrase.meaning
        if self._is_adverb(match):
            return Change(match.start, match.end, meaning) if self._is_whereabouts(match) else None
        start, preposition = self._reach(match.start)
        end = self._name_after(match.end)
        if self.tokens[match.start].low in _FRONT:  # the preposition is a part of the phrase
            return Change(match.start, end, meaning)
        named = not (self._describes(match) or self._is_untaught(match, start))
        if (named and self._knows(start, end)) or (not preposition and self._acts(match)):
            return None
        if preposition:
            return Change(start, end, meaning)
        return self._bare(match, end)

    def _bare(self, match: Match, end: int) -> Change | None:
        """A place without a preposition, in a list of what is seen."""
        bare = re.sub(r"^(?:in front of|in|on|under|at) (?:the |an |a )?", "", match.phrase.meaning)
        start = self._modifiers(match.start)
        named = not (self._describes(match) or self._is_wall(match))
        if named and self._knows(start, end):
            return None
        return Change(start, end, bare)

    def _is_adverb(self, match: Match) -> bool:
        """Whether a place is told by an adverb: "a man downtown", but not "in (busy) downtown Chicago"."""
        low, before, sets = self.tokens[match.start].low, self._before(match.start), self.table.sets
        noun = low in ("downtown", "uptown", "backstage") and before in (
            sets["prepositions"] | sets["determiners"] | sets["place_fillers"]
        )
        return match.words == 1 and low in PLACE_ADVERBS and not noun

    def _is_whereabouts(self, match: Match) -> bool:
        """Whether an adverb tells where one is: no way that one goes, and no other place is named."""
        adverb, after = self.tokens[match.start].low, self._after(match.end)
        before, named = self._before(match.start), self.tokens[match.end : match.end + 1]
        governs = after in self.table.sets["determiners"] | {"of", "out"} or (named and named[0].name)
        if adverb in ("inside", "outside") and governs:
            return False
        if before in self.table.sets["determiners"] | {"from", "of"}:
            return False
        if not all(self._is_adverb(other) for other in self.places):
            return False
        verbs: list[str] = []
        for token in reversed(self.tokens[max(0, match.start - 6) : match.start]):
            if not token.low[0].isalpha():
                break
            if token.low not in ADVERBS | ADJECTIVES | DETERMINERS | POSSESSIVES and token.low[-2:] != "ly":
                verbs.insert(0, next((base for base, _ in verb_readings(token.low)), ""))
        return not leads_to(adverb, verbs)

    def _acts(self, match: Match) -> bool:
        """Whether the word is a verb here: "a mountain towers above her"."""
        verb = any(kind == "s" for _, kind in verb_readings(self.tokens[match.start].low))
        return verb and match.words == 1 and self._after(match.end) in PREPOSITIONS

    def _is_untaught(self, match: Match, start: int) -> bool:
        """Whether a place is told in another way than it was taught, though each of its words is known."""
        amid = self.tokens[start].low in _AMID and start < match.start
        return self._is_wall(match) or (amid and not self._tells_place(start, match.phrase.meaning))

    def _is_wall(self, match: Match) -> bool:
        """Whether a backdrop is called by words that are known, but not as one: "a plain red wall"."""
        said = [token.low for token in self.tokens[match.start : match.end]]
        colour = match.phrase.meaning.removesuffix(" backdrop").rsplit(" ", 1)[-1]
        as_taught = said[-1] in ("backdrop", "background") and "studio" not in said and colour in said
        return match.phrase.meaning.endswith(" backdrop") and not as_taught

    def _tells_place(self, at: int, meaning: str) -> bool:
        """Whether the words before tell the same place: "in a forest, among (tall trees)"."""
        near = {token.low for token in self.tokens[max(0, at - 5) : at]}
        return bool(near & set(meaning.split()) & self.table.sets["places"])

    def _joins_noun(self, at: int) -> bool:
        """Whether the next word makes the place a part of another thing: "kitchen knife", "office worker"."""
        low = self._after(at)
        if not low[:1].isalpha() or low in FUNCTION_WORDS or self.tokens[at].name:
            return False
        readings = (*verb_readings(low), *self.table.forms.get(low, ()))
        acts = any(kind != "base" for _, kind in readings)
        return not acts and not low.endswith(("ly", "ing", "ed", "s"))

    def _reach(self, at: int) -> tuple[int, bool]:
        """Where the place's phrase begins, modifiers, article and preposition with it; whether it has one."""
        begin = at
        for back in range(at, max(-1, at - 7), -1):
            low = self._before(back)
            if low in self.table.sets["determiners"] and not self.taken[back - 1]:
                begin = back - 1
                break
            if back < 1 or not self._modifies_place(back - 1):
                begin = back
                break
        before = [token.low for token in self.tokens[max(0, begin - 5) : begin]]
        for phrase in _LOCATIONS:
            size = len(phrase)
            if tuple(before[-size:]) == phrase and not any(self.taken[begin - size : begin]):
                return begin - size, True
        return begin, False

    def _modifiers(self, at: int) -> int:
        while at > 0 and self._modifies_place(at - 1) and not self.taken[at - 1]:
            at -= 1
        return at

    def _modifies_place(self, at: int) -> bool:
        token = self.tokens[at]
        low = token.low
        if not low[0].isalpha() or low in self.table.sets["prepositions"] or low in ("and", "or", "while"):
            return False
        if low in self.table.forms and low not in ADJECTIVES:
            return low.endswith("ing") and low in self.table.sets["place_fillers"]
        listed = low in self.table.sets["place_fillers"] or low in ADJECTIVES
        names = any(phrase.kind == "places" for phrase in self.table.phrases.get(low, ()))
        return listed or names or token.name or low.endswith(("ed", "lit", "like"))

    def _name_after(self, at: int) -> int:
        """The end of a name that tells where the place is: "of Paris", "in New York"."""
        while at < len(self.tokens) and self.tokens[at].name:
            at += 1
        if self._after(at) in ("of", "in", "at", "near") and at + 1 < len(self.tokens):
            end = at + 1
            while end < len(self.tokens) and (self.tokens[end].name):
                end += 1
            return end if end > at + 1 else at
        return at
