"""Deeds: whose they are, with which helpers and adverbs, and how they are linked to what stands before."""

from __future__ import annotations

from stillmotion.prompts.lexicon import BE_FORMS
from stillmotion.prompts.morphology import verb_readings
from stillmotion.prompts.vocabulary.text import SIDES, Change, Match, Text
from stillmotion.prompts.wordlist import words

_ADVERBIAL = words("behind around along off by on over up down")
_BETWEEN = 4
_CLOSES = words("and then while as before after but who when from with")
_SUBJECTS = words("and then they we i you who please people to or but")


class Deeds(Text):
    """Reads what the person and the camera do, in the present tense."""

    def _deed(self, match: Match) -> Change | None:
        meaning, end = self._directed(self._fill(match.phrase.meaning, match), match)
        if not meaning:
            return None
        filmed = meaning.startswith("the camera")
        start, adverbs = self._adverbs(match.start)
        start, helped = self._helpers(start, match.verb)
        if not filmed and (self._denied(start) or self._is_others(start)):
            return None
        link = ""
        if match.verb and not filmed:
            allowed, start, link = self._clause(match, start, helped)
            if not allowed:
                return None
        if filmed and self._before(start) in ("the", "a", "an"):
            start -= 1
        elif not match.verb and not filmed:
            link = self._subject_of(match)
        person = match.verb == "ing" and self._before(start) in self.table.sets["people"]
        if person and any(kind == "s" for _, kind in verb_readings(self._after(end))):
            meaning += " and"  # "a woman looking up waves"
        speed = "" if filmed or adverbs else match.speed
        text = " ".join(word for word in (link, adverbs, speed, meaning) if word)
        return Change(start, end, text)

    def _directed(self, meaning: str, match: Match) -> tuple[str, int]:
        """The meaning with the direction that is said behind the phrase, where the phrase has none and the
        meaning one by default; and where what is said of it ends. "" where no such deed was taught.
        """
        said = {match.side, *(token.low for token in self.tokens[match.start : match.end])}
        if "left" in meaning.split() and not said & {"left", "right"}:
            at = match.end + (self._after(match.end) == "," and match.end + 1 in self.directions)
            while at not in self.directions and at < match.end + _BETWEEN and self._goes_on(at):
                at += 1
            if at in self.directions:
                found = self.directions[at]
                return meaning.replace("left", found.meaning) if found.meaning in SIDES else "", found.end
        trailing = self.directions.get(match.end)
        if trailing and not self._knows(match.end, trailing.end):  # "nods downwards"
            return meaning, trailing.end
        return meaning, match.end

    def _goes_on(self, at: int) -> bool:
        """Whether the clause does with this word."""
        return self._after(at).isalpha() and self._after(at) not in _CLOSES

    def _subject_of(self, match: Match) -> str:
        """What a deed begins with that has no verb of the person's: "her eyes widen", "followed by a nod"."""
        first = self.tokens[match.start].low
        if first == "followed":
            return "then"
        if first not in self.table.sets["determiners"]:
            return ""
        owner = match.owner if match.owner in ("his", "her") else self._his()
        return {"her": "she", "his": "he"}.get(owner, "the person")

    def _adverbs(self, at: int) -> tuple[int, str]:
        """Adverbs right before a verb: they go with it."""
        begin = at
        while begin > 0 and self.tokens[begin - 1].low.endswith("ly") and begin > at - 3:
            joined = self._before(begin - 1) == "and" and self._before(begin - 2).endswith("ly")
            begin -= 2 if joined else 1
        if begin == at:
            return at, ""
        kept: list[str] = []
        for token in self.tokens[begin:at]:
            speed = self._speed(token.low)
            kept += [token.low if token.low in self.table.known else speed] if speed else []
        return begin, " ".join(kept[:1])

    def _helpers(self, at: int, verb: str) -> tuple[int, bool]:
        """Auxiliaries before a verb, which its present tense does without: "is seen (waving)"."""
        sets = self.table.sets
        helpers = {"ing": sets["be"], "base": sets["may"], "part": frozenset(("has", "have", "had", "ve"))}
        allowed = helpers.get(verb, frozenset())
        begin = at
        while begin > 0 and begin > at - 6 and self._helps(begin - 1, allowed, at - begin):
            begin -= 1
        while begin < at and self._low(begin) in ("on", "about", "to", "now"):
            if verb == "base" and self._low(begin) == "to" and begin == at - 1:
                break
            begin += 1
        return begin, begin < at

    def _helps(self, at: int, allowed: frozenset[str], gone: int) -> bool:
        low = self._low(at)
        if low == "on":
            return self._low(at - 1) in ("keeps", "kept", "goes", "keep") if at else False
        if low.endswith("ly") and gone:
            return True
        return low in allowed and not self.taken[at]

    def _denied(self, at: int) -> bool:
        near = {self.tokens[place].low for place in range(max(0, at - 3), at)}
        return bool(near & (self.table.sets["negations"] | {"'t"}))

    def _is_others(self, at: int) -> bool:
        """Whether the deed is the camera's, or an animal's or thing's."""
        sets = self.table.sets
        if self._before(at) not in sets["cameras"] | sets["others"]:
            return False
        begin = at - 1
        outside = sets["prepositions"] | sets["determiners"]
        while self._before(begin)[:1].isalpha() and self._before(begin) not in outside and begin > at - 4:
            begin -= 1
        begin -= self._before(begin) in sets["determiners"]
        return self._before(begin) not in sets["prepositions"]

    def _clause(self, match: Match, start: int, helped: bool) -> tuple[bool, int, str]:
        """Whether the verb is one here, no noun or adjective; where its change begins, and what links it."""
        before, sets = self._low(start - 1) if start else "", self.table.sets
        if helped:
            purpose = match.verb == "base" and self._low(start) == "to" and before[:1].isalpha()
            return True, start, "and" if purpose else ""
        link = ""
        if before in sets["determiners"]:
            holds = before in ("one", "her", "this", "that") and match.words > 2
        elif match.verb == "ing" and before == "while":
            return True, start - 1, "and"
        elif match.verb == "ing" and before in ("before", "after"):
            holds, link = True, {"her": "she", "his": "he"}.get(self._his(), "the person")
        elif match.verb == "ing":
            attributive = self._after(match.end) in sets["people"] and match.words == 1
            holds = before not in (":", *sets["prepositions"]) and not attributive
        elif match.verb == "base" and match.words == 1:
            holds = not before[:1].isalpha() or before in _SUBJECTS
        elif match.verb in ("past", "part") and before in BE_FORMS:
            holds = False  # "her head is turned"
        else:
            holds = before not in sets["prepositions"] or (match.verb == "s" and before in _ADVERBIAL)
        return holds, start, link
