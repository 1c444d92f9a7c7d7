"""Finds a vocabulary's phrases in a text, settles which of them count, and writes the text anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from stillmotion.prompts.lexicon import BE_FORMS
from stillmotion.prompts.tokens import FUNCTION_WORDS
from stillmotion.prompts.vocabulary.deeds import Deeds
from stillmotion.prompts.vocabulary.places import Places
from stillmotion.prompts.vocabulary.tables import DEEDS, DIRECTIONS, KNOWN, PLACES, THINGS
from stillmotion.prompts.vocabulary.text import SIDES, Change, Direction, Match, tokens_of
from stillmotion.prompts.vocabulary.things import Things
from stillmotion.prompts.wordlist import words

_TWICE = re.compile(r"\b(\w{3,})[ -]\1\b", re.IGNORECASE)
_OUTFIT = words("colours patterns garments")
_MOST_SKIPPED = 4
_OF_THE_BODY = (DEEDS, "looks", "expressions")
"""Tables with parts of a deed, which mean nothing by themselves where the deed is not the person's."""
_ALWAYS_READ = ("garments", "lights", "looks", "hair_worn")
"""Tables whose phrases count even where each of their words is known: "roll-neck", "button-down"."""


@dataclass(frozen=True)
class Reading:
    """A change: what the user ``said``, and what the models ``read`` for it, "" where it is left out."""

    said: str
    read: str

    def __str__(self) -> str:
        return f'"{self.said}" as "{self.read}"' if self.read else f'"{self.said}" as nothing'


@dataclass(frozen=True)
class Translation:
    """A text in the vocabulary's words, and every change in order."""

    text: str
    readings: tuple[Reading, ...] = ()


class Reader(Things, Places, Deeds):
    """One text on its way through the vocabulary."""

    def translate(self) -> Translation:
        self.tokens = tokens_of(self.text)
        self.taken = [False] * len(self.tokens)
        self._find_directions()
        found = [match for match in self._matches() if match.phrase.kind not in (DIRECTIONS, THINGS)]
        self.places = [match for match in found if match.phrase.kind == PLACES]
        found.sort(key=lambda match: (-match.words, self._rank(match), match.start))
        refused: list[Match] = []
        for match in found:
            inside = any(part.start < match.start and match.end <= part.end for part in refused)
            if any(self.taken[match.start : match.end]) or (inside and match.phrase.kind in _OF_THE_BODY):
                continue
            change = self._change(match)
            if change is None and match.phrase.kind == DEEDS:
                refused.append(match)
            if change and self._was_taught(match, change):
                change = Change(match.start, match.end, self._said(match.start, match.end))
            if change and not any(self.taken[change.start : change.end]):
                self.changes.append(change)
                self.taken[change.start : change.end] = [True] * (change.end - change.start)
        self._drop_fillers()
        self.changes = [change for change in self.changes if not self._is_same(change)]
        return self._apply()

    def things(self) -> Iterator[tuple[str, str, bool]]:
        """The places that things of theirs tell, each with the words that do and whether they describe it."""
        self.tokens = tokens_of(self.text)
        for match in self._matches():
            described = self._describes(match)
            if match.phrase.kind == THINGS or described:
                yield match.phrase.meaning, self._said(match.start, match.end).lower(), described

    def _rank(self, match: Match) -> int:
        """Which of two readings of the same words counts: known ones, then what the text is about."""
        if match.phrase.kind == KNOWN:
            return 0
        return 1 if (match.phrase.kind == DEEDS) == self.moves else 2

    # Finding phrases

    def _find_directions(self) -> None:
        for match in sorted(self._matches(), key=lambda match: (-match.start, match.end)):
            if match.phrase.kind == DIRECTIONS:
                found = Direction(match.end, match.phrase.meaning)
                onward = self.directions.get(match.end, found)  # "downwards to the floor"
                self.directions[match.start] = onward if onward.meaning == found.meaning else found

    def _matches(self) -> Iterator[Match]:
        for at in range(len(self.tokens)):
            tried: set[int] = set()
            for key in self._keys(at):
                for phrase in self.table.phrases.get(key, ()):
                    if id(phrase) in tried:
                        continue
                    tried.add(id(phrase))
                    ends: dict[int, Match] = {}
                    for match in self._walk(Match(phrase, at, at), 0, ()):
                        if match.end > at and self._ends(match):
                            ends.setdefault(match.end, match)
                    yield from ends.values()

    def _ends(self, match: Match) -> bool:
        """Whether a phrase may end here: not on an article or possessive whose noun comes behind it."""
        last, after = self.tokens[match.end - 1].low, self._after(match.end)
        if last in ("her", "this", "that", "one"):
            return not after[:1].isalpha() or after in FUNCTION_WORDS or after.endswith(("ly", "ing"))
        return last not in self.table.sets["determiners"]

    def _walk(self, match: Match, slot: int, rest: tuple[str, ...]) -> Iterator[Match]:
        """Every way in which the phrase goes on from ``match.end``; ``rest`` is left of a slot's words."""
        slots = match.phrase.slots
        if not rest and slot == len(slots):
            yield match
            return
        if not rest and slots[slot].optional:
            yield from self._walk(match, slot + 1, ())
        if match.end >= len(self.tokens):
            return
        for key in self._keys(match.end):
            options = ((rest,) if rest[0] == key else ()) if rest else slots[slot].options.get(key, ())
            for option in options:
                yield from self._walk(self._step(match, key), slot + 1 if not rest else slot, option[1:])
        direction = self.directions.get(match.end)
        if direction and not rest and match.phrase.kind != KNOWN:
            for key in ("<side>", direction.meaning) if direction.meaning in SIDES else (direction.meaning,):
                if (key,) in slots[slot].options.get(key, ()):
                    side = direction.meaning if key == "<side>" else match.side
                    yield from self._walk(replace(match, end=direction.end, side=side), slot + 1, ())
        kind = match.phrase.kind
        if kind in (DEEDS, "looks") and match.end > match.start and match.skipped < _MOST_SKIPPED:
            low = self.tokens[match.end].low
            fills = low in self.table.sets["fillers"] and kind == DEEDS
            if (fills or low.endswith("ly")) and not self.tokens[match.end].name:
                speed = match.speed or self._speed(low)
                onward = replace(match, end=match.end + 1, skipped=match.skipped + 1, speed=speed)
                yield from (found for found in self._walk(onward, slot, rest) if found.end > onward.end)

    def _step(self, match: Match, key: str) -> Match:
        low = self.tokens[match.end].low
        side, owner, verb = match.side, match.owner, match.verb
        if key == "<side>":
            side = low
        elif key == "~" and not owner:
            owner = low
        elif key.startswith("*") and match.start == match.end:
            verb = next(kind for base, kind in self.table.forms[low] if "*" + base == key)
        # Not replace(): this is done tens of thousands of times for a prompt.
        return Match(match.phrase, match.start, match.end + 1, side, owner, verb, match.speed, match.skipped)

    # What becomes of a phrase

    def _was_taught(self, match: Match, change: Change) -> bool:
        """Whether the models know the words as they stand; a deed's also in this form of its verb."""
        if (
            match.phrase.kind in _ALWAYS_READ
            or (match.phrase.kind == "expressions" and not (self.moves and match.words == 1))
            or self._describes(match)
            or (match.phrase.kind == PLACES and self._is_untaught(match, change.start))
            or not self._knows(change.start, change.end)
        ):
            return False
        sided = match.phrase.kind == DEEDS and not set(SIDES).isdisjoint(change.text.split())
        if sided and not self._is_deed(match.start, match.end):
            return False
        phrase = match.verb in ("", "s") or self._before(change.start) in (",", ":") or not self.moves
        return match.phrase.kind != DEEDS or phrase

    def _is_deed(self, start: int, end: int) -> bool:
        """Whether the models were taught the deed in these very words."""
        words = [token.low for token in self.tokens[start:end]]
        his = ["~" if word in ("his", "her", "their") else word for word in words]
        return " ".join("<side>" if word in SIDES else word for word in his) in self.table.deeds

    def _change(self, match: Match) -> Change | None:
        kind = match.phrase.kind
        if kind == DEEDS:
            return self._deed(match)
        if kind == PLACES:
            return self._place(match)
        if kind == "lights":
            return self._light(match)
        if kind == "hair_worn":
            return self._hair_worn(match)
        if kind == "garments":
            self._one(match)
        if kind == "looks" and self._is_clause(match):
            told = match.phrase.meaning
            is_told = told.startswith("hair in")
            return Change(match.start, match.end, told.replace("hair", "hair is", 1)) if is_told else None
        return self._plain(match) if self._belongs(match) else None

    def _is_clause(self, match: Match) -> bool:
        """Whether a look is said with a verb of its own in a text of whole sentences: "her hair is up"."""
        inner = {token.low for token in self.tokens[match.start : match.end]}
        return self.moves and not inner.isdisjoint(BE_FORMS)

    def _hair_worn(self, match: Match) -> Change:
        """Hair whose style is told behind it, as told before: "blond hair cut short", "short blonde hair"."""
        if self._is_clause(match):  # "her hair is cut short"
            return Change(match.start, match.end, f"hair is {match.phrase.meaning}")
        begin, outside = match.start, self.table.sets["prepositions"] | self.table.sets["determiners"]
        while begin > 0 and self._before(begin) not in outside and self._may_modify(begin - 1):
            begin -= 1
        said = f"{match.phrase.meaning} {self._said(begin, match.start)} hair".replace("  ", " ")
        return Change(begin, match.end, Reader(said, self.table, self.subject, moves=False).translate().text)

    # The text again

    def _opens(self, at: int) -> bool:
        """Whether a sentence begins at this character."""
        before = self.text[:at].rstrip(" \"'(")
        return not before or before[-1] in ".!?:;\n"

    def _is_same(self, change: Change) -> bool:
        """Whether a change says what the user said, a hyphen or capital aside."""
        said = self._said(change.start, change.end)
        return _bare(said) == _bare(change.text)

    def _apply(self) -> Translation:
        pieces: list[str] = []
        readings: list[Reading] = []
        end = 0
        runs = _joined(sorted(self.changes, key=lambda c: c.start), self)
        for start, stop, said, meant in runs:
            capital = said[0].isupper() and not said[:2].isupper() and self._opens(start)
            gap, read = _article(self.text[end:start], meant[:1].upper() + meant[1:] if capital else meant)
            gap += " " if said[0] == "'" and read else ""
            pieces += [gap, read]
            end = stop
            if said != read:
                readings.append(Reading(said.strip(), read))
        pieces.append(self.text[end:])
        text = "".join(pieces)
        # "Tangerine orange" is read as orange twice.
        return Translation(_TWICE.sub(r"\1", text) if readings else text, tuple(readings))


def _joined(changes: list[Change], reader: Reader) -> list[tuple[int, int, str, str]]:
    """Changes that touch as one, where they are of one outfit or one leaves words out.

    Each is (start, end, said, read), with offsets in characters.
    """
    text, tokens = reader.text, reader.tokens
    runs: list[tuple[int, int, str, str]] = []
    kind = ""
    for change in changes:
        start, end = tokens[change.start].start, tokens[change.end - 1].end
        said, read = text[start:end], change.text
        one = "" in (read, runs[-1][3] if runs else "") or {kind, change.kind} <= _OUTFIT
        kind = change.kind
        if runs and one and not text[runs[-1][1] : start].strip(" -"):
            first, before_end, before_said, before_read = runs[-1]
            gap = text[before_end:start]
            whole = (
                f"{before_read} {read}".strip()
                if gap == " " or before_read != before_said
                else (f"{before_read}{gap}{read}")
            )
            runs[-1] = (first, end, text[first:end], whole)
        else:
            runs.append((start, end, said, read))
    found = []
    for start, end, said, read in runs:
        if not read:  # what is left out takes the space behind it with it
            stop = end + (len(text[end:]) - len(text[end:].lstrip(" -")))
            found.append((start, stop, text[start:stop], ""))
        else:
            found.append((start, end, said, read))
    return found


def _bare(text: str) -> list[str]:
    return text.lower().replace("-", " ").split()


def _article(gap: str, read: str) -> tuple[str, str]:
    """The article before a changed word, "a" or "an" as its sound asks for."""
    match = re.search(r"\b([Aa])n? $", gap)
    if match and read:
        right = match[1] + ("n " if read[0].lower() in "aeio" else " ")
        gap = gap[: match.start()] + right
        bare = re.sub(r"^(?:an?|the) ", "", read)
        return gap, bare
    return gap, read
