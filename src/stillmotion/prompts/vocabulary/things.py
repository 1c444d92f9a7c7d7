"""What is worn and seen: which words are colours of clothes, adjectives of hair, lights, garments."""

from __future__ import annotations

from collections.abc import Callable

from stillmotion.prompts.lexicon import ADJECTIVES
from stillmotion.prompts.morphology import singular
from stillmotion.prompts.tokens import is_noun, noun_class
from stillmotion.prompts.views import is_of_light
from stillmotion.prompts.vocabulary.tables import KNOWN
from stillmotion.prompts.vocabulary.text import Change, Match, Text
from stillmotion.prompts.wordlist import words

_HAIR = words("hair haircut curls bob ponytail bun buzz afro locks braid beard tresses mane")
_BACKDROPS = words("studio backdrop background")
_MOODY = words("light place style sound camera object material garment abstract")
_IN_LIGHT = words("in at during by under beneath with amid into")
_EXPRESSED = ("expression", "smile", "laugh", "frown", "face")
_LIT = words("lit illuminated lighted bathed")


class Things(Text):
    """Reads garments, colours, patterns, hair and lights."""

    def _one(self, match: Match) -> None:
        """An article before a garment that is one here and was several: "in pink tracksuits"."""
        low = self.tokens[match.end - 1].low
        if singular(low) == low or match.phrase.meaning.endswith("s"):
            return
        begin = match.start
        while begin > 0 and self._may_modify(begin - 1):
            begin -= 1
        if self._before(begin) in ("in", "wearing") and not self.taken[begin - 1]:
            self.changes.append(Change(begin - 1, begin, f"{self._before(begin)} a"))
            self.taken[begin - 1] = True

    def _belongs(self, match: Match) -> bool:
        """Whether a word means here what its table says: a colour of clothes, an adjective of hair."""
        kind = match.phrase.kind
        if kind in ("colours", "patterns"):
            worn = kind == "colours" and self._worn_colour(match)
            return worn or self._leads_to(match.end, self._is_garment)
        if kind in ("hair_colours", "hair_adjectives"):
            return self._leads_to(match.end, self._is_hair)
        if kind == "expressions" and self._is_of_thing(match):
            return False
        of_noun = self._after(match.end - 1) in ("expression", "look", "face")
        if kind == "expressions" and of_noun and self.moves and self._before(match.start) in ("a", "an"):
            return match.phrase.meaning.endswith(_EXPRESSED)  # "with a laughing expression", not "a laughing"
        first = self.tokens[match.start]
        if kind == "looks" and first.low == "from" and is_of_light(self.text[: first.start]):
            return False
        return not (
            kind == "garments" and self._before(match.start) == "on" and self._after(match.end) == "of"
        )

    def _is_of_thing(self, match: Match) -> bool:
        """Whether a mood is said of a thing behind it, no face: "moody light", "a gloomy office"."""
        if match.words > 1:
            return False
        at = match.end
        while self._after(at) in ADJECTIVES and not is_noun(self._after(at)):
            at += 1
        head = ""
        while is_noun(self._after(at)) and self._after(at) not in self.table.forms:
            head, at = self._after(at), at + 1
        return bool(head) and noun_class(singular(head)) in _MOODY

    def _plain(self, match: Match) -> Change:
        meaning = match.phrase.meaning
        if match.phrase.kind == KNOWN:
            return Change(match.start, match.end, self._said(match.start, match.end))
        return Change(match.start, match.end, self._fill(meaning, match), match.phrase.kind)

    def _is_garment(self, at: int) -> bool:
        return any(
            phrase.kind == "garments" for key in self._keys(at) for phrase in self.table.phrases.get(key, ())
        ) or (self.tokens[at].low == "studio" or self.tokens[at].low in _BACKDROPS)

    def _is_hair(self, at: int) -> bool:
        return self.tokens[at].low in _HAIR

    def _leads_to(self, at: int, is_head: Callable[[int], bool]) -> bool:
        """Whether the words from ``at`` on are modifiers that end in a head, within one noun phrase."""
        for place in range(at, min(at + 7, len(self.tokens))):
            token = self.tokens[place]
            if is_head(place):
                return True
            joins = token.low in ("and", ",", "/", "&", "with", ")", "(", ":") or token.text[0].isdigit()
            if not (joins or self._may_modify(place)):
                return False
        return False

    def _may_modify(self, at: int) -> bool:
        token = self.tokens[at]
        low = token.low
        return (
            token.name
            or low in self.table.sets["garment_fillers"]
            or low in ADJECTIVES
            or low.endswith(("ed", "y", "coloured", "colored", "en", "ing"))
            or any(
                phrase.kind in ("colours", "patterns", "hair_colours", "hair_adjectives")
                for key in self._keys(at)
                for phrase in self.table.phrases.get(key, ())
            )
        )

    def _worn_colour(self, match: Match) -> bool:
        """A colour that is all that is said of the clothes: "dressed in navy", "her dress is crimson"."""
        after = self._after(match.end)
        closes = not after or not (after[0].isalnum())
        before = [token.low for token in self.tokens[max(0, match.start - 3) : match.start]]
        worn = bool({"in", "wearing"} & set(before)) and bool(
            {"dressed", "clad", "clothed", "wearing", "all"} & set(before)
        )
        said_of = "is" in before and any(
            self._is_garment(at) for at in range(max(0, match.start - 3), match.start)
        )
        return closes and (worn or said_of)

    def _light(self, match: Match) -> Change | None:
        """A light with its preposition ("at dusk" is "in golden sunset light"), or as a phrase of its own."""
        begin = match.start
        first = self.tokens[begin].low
        in_or_by = first in _IN_LIGHT or (match.words > 2 and self._after(begin + 1) in _IN_LIGHT)
        if in_or_by or (match.words > 2 and first in _LIT):  # "lit from the side"
            lit = f"in {match.phrase.meaning}" if self.moves else match.phrase.meaning
            return Change(begin, match.end, lit)  # "under street lamps", "lit by neon signs"
        while begin > 0 and self._before(begin) in (
            *self.table.sets["determiners"],
            "bright",
            "soft",
            "warm",
        ):
            begin -= 1
        before = self._before(begin)
        if before in _IN_LIGHT and not any(self.taken[begin - 1 : match.start]):
            return Change(begin - 1, match.end, f"in {match.phrase.meaning}")
        alone = not before[:1].isalpha() and not self._after(match.end)[:1].isalpha()
        return self._plain(match) if alone or match.words > 1 or not self.moves else None

    def _drop_fillers(self) -> None:
        """Adjectives of cut and cloth before a garment, which tell these models nothing, are left out."""
        for at, token in enumerate(self.tokens):
            fills = token.low in self.table.sets["garment_fillers"] and token.low not in self.table.known
            if fills and not self.taken[at] and not token.name and self._leads_to(at + 1, self._is_garment):
                self.changes.append(Change(at, at + 1, ""))
                self.taken[at] = True
