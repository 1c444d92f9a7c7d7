"""What the user says in the words that a preset's models were taught: "woodland" is read as "forest".

Large text encoders know English; ones that were trained on few captions know their captions' words. A preset
that names a vocabulary has both prompts translated before they reach its models. The plan keeps the user's
words, and every change is told. What the vocabulary does not know stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from stillmotion.prompts.lexicon import ADJECTIVES, FEMALE, MALE
from stillmotion.prompts.morphology import singular, verb_readings
from stillmotion.prompts.plan import Plan
from stillmotion.prompts.tokens import FUNCTION_WORDS
from stillmotion.prompts.vocabulary_table import DEEDS, KNOWN, Phrase, Table, table
from stillmotion.prompts.wordlist import words

_WORD = re.compile(r"[^\W\d_]+|'(?:s|m|re|ve|ll|d|t)\b|\d+(?:\.\d+)?|-(?!\w)|(?<!\w)-|[^\w\s-]")
_TWICE = re.compile(r"\b(\w{3,})[ -]\1\b", re.IGNORECASE)
_SIDES = ("left", "right")
_TITLES = words("mr mrs ms dr miss sir lady madam prof professor king queen captain")
_HAIR = words("hair haircut curls bob ponytail bun buzz afro locks braid beard tresses mane")
_BACKDROPS = words("studio backdrop background")
_MOST_SKIPPED = 4
_OF_THE_BODY = (DEEDS, "looks", "expressions")
"""Tables with parts of a deed, which mean nothing by themselves where the deed is not the person's."""
_ALWAYS_READ = ("garments", "lights", "looks")
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


@dataclass(slots=True)
class _Token:
    text: str
    start: int
    end: int
    name: bool = False

    @property
    def low(self) -> str:
        return self.text.lower()


@dataclass(slots=True)
class _Match:
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
class _Change:
    """Tokens ``start`` to ``end`` become ``text``."""

    start: int
    end: int
    text: str
    kind: str = ""


def translate(text: str, name: str, subject: str = "A person", moves: bool = True) -> Translation:
    """``text`` in the words of the vocabulary called ``name``.

    ``subject`` says whose the pronouns are where the text does not; ``moves`` whether the text tells what
    happens (temporal) or what is seen (spatial), for words that may mean either.
    """
    return _Reader(text, table(name), subject, moves).translate()


def as_read(plan: Plan, name: str | None) -> tuple[Plan, tuple[Reading, ...]]:
    """The plan as a preset's models are told it, and every change to the user's words, each once.

    Without a vocabulary (None) it is the plan itself.
    """
    if name is None:
        return plan, ()
    seen = translate(plan.spatial, name, plan.subject, moves=False)
    happens = translate(plan.temporal, name, plan.subject)
    parts = [translate(segment.text, name, plan.subject) for segment in plan.segments]
    segments = tuple(
        segment.model_copy(update={"text": part.text})
        for segment, part in zip(plan.segments, parts, strict=True)
    )
    read = plan.model_copy(update={"spatial": seen.text, "temporal": happens.text, "segments": segments})
    every = [reading for each in (seen, happens, *parts) for reading in each.readings]
    return read, tuple(dict.fromkeys(every))


def told(readings: tuple[Reading, ...]) -> str:
    """All changes in one line for people; "" where there is none."""
    return f"read {', '.join(str(reading) for reading in readings)}" if readings else ""


@dataclass
class _Reader:
    """One text on its way through the vocabulary."""

    text: str
    table: Table
    subject: str
    moves: bool
    tokens: list[_Token] = field(default_factory=list)
    taken: list[bool] = field(default_factory=list)
    changes: list[_Change] = field(default_factory=list)

    def translate(self) -> Translation:
        self.tokens = _tokens(self.text)
        self.taken = [False] * len(self.tokens)
        found = list(self._matches())
        found.sort(key=lambda match: (-match.words, self._rank(match), match.start))
        refused: list[_Match] = []
        for match in found:
            inside = any(part.start < match.start and match.end <= part.end for part in refused)
            if any(self.taken[match.start : match.end]) or (inside and match.phrase.kind in _OF_THE_BODY):
                continue
            change = self._change(match)
            if change is None and match.phrase.kind == DEEDS:
                refused.append(match)
            if change and self._was_taught(match, change):
                change = _Change(match.start, match.end, self._said(match.start, match.end))
            if change and not any(self.taken[change.start : change.end]):
                self.changes.append(change)
                self.taken[change.start : change.end] = [True] * (change.end - change.start)
        self._drop_fillers()
        self.changes = [change for change in self.changes if not self._is_same(change)]
        return self._apply()

    def _rank(self, match: _Match) -> int:
        """Which of two readings of the same words counts: known ones, then what the text is about."""
        if match.phrase.kind == KNOWN:
            return 0
        return 1 if (match.phrase.kind == DEEDS) == self.moves else 2

    # Finding phrases

    def _matches(self) -> Iterator[_Match]:
        for at in range(len(self.tokens)):
            tried: set[int] = set()
            for key in self._keys(at):
                for phrase in self.table.phrases.get(key, ()):
                    if id(phrase) in tried:
                        continue
                    tried.add(id(phrase))
                    ends: dict[int, _Match] = {}
                    for match in self._walk(_Match(phrase, at, at), 0, ()):
                        if match.end > at and self._ends(match):
                            ends.setdefault(match.end, match)
                    yield from ends.values()

    def _ends(self, match: _Match) -> bool:
        """Whether a phrase may end here: not on an article or possessive whose noun comes behind it."""
        last, after = self.tokens[match.end - 1].low, self._after(match.end)
        if last in ("her", "this", "that", "one"):
            return not after[:1].isalpha() or after in FUNCTION_WORDS or after.endswith(("ly", "ing"))
        return last not in self.table.sets["determiners"]

    def _keys(self, at: int) -> list[str]:
        token = self.tokens[at]
        if token.name:
            return [token.text]
        low = token.low
        keys = [low]
        if singular(low) != low:
            keys.append(singular(low))
        if low in self.table.sets["determiners"]:
            keys.append("~")
        if low in _SIDES:
            keys.append("<side>")
        return keys + ["*" + base for base, _ in self.table.forms.get(low, ())]

    def _walk(self, match: _Match, slot: int, rest: tuple[str, ...]) -> Iterator[_Match]:
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
        if match.phrase.kind == DEEDS and match.end > match.start and match.skipped < _MOST_SKIPPED:
            low = self.tokens[match.end].low
            if (low in self.table.sets["fillers"] or low.endswith("ly")) and not self.tokens[match.end].name:
                speed = match.speed or self._speed(low)
                onward = replace(match, end=match.end + 1, skipped=match.skipped + 1, speed=speed)
                yield from (found for found in self._walk(onward, slot, rest) if found.end > onward.end)

    def _step(self, match: _Match, key: str) -> _Match:
        low = self.tokens[match.end].low
        side, owner, verb = match.side, match.owner, match.verb
        if key == "<side>":
            side = low
        elif key == "~" and not owner:
            owner = low
        elif key.startswith("*") and match.start == match.end:
            verb = next(kind for base, kind in self.table.forms[low] if "*" + base == key)
        return replace(match, end=match.end + 1, side=side, owner=owner, verb=verb)

    def _speed(self, low: str) -> str:
        sets = self.table.sets
        return "slowly" if low in sets["slow"] else "quickly" if low in sets["fast"] else ""

    # What becomes of a phrase

    def _was_taught(self, match: _Match, change: _Change) -> bool:
        """Whether the models know the words as they stand; a deed's also in this form of its verb."""
        if match.phrase.kind in _ALWAYS_READ or not self._knows(change.start, change.end):
            return False
        phrase = match.verb in ("", "s") or self._before(change.start) in (",", ":") or not self.moves
        return match.phrase.kind != DEEDS or phrase

    def _change(self, match: _Match) -> _Change | None:
        kind = match.phrase.kind
        if kind == DEEDS:
            return self._deed(match)
        if kind == "places":
            return self._place(match)
        if kind == "lights":
            return self._light(match)
        if kind == "garments":
            self._one(match)
        return self._plain(match) if self._belongs(match) else None

    def _one(self, match: _Match) -> None:
        """An article before a garment that is one here and was several: "in pink tracksuits"."""
        low = self.tokens[match.end - 1].low
        if singular(low) == low or match.phrase.meaning.endswith("s"):
            return
        begin = match.start
        while begin > 0 and self._may_modify(begin - 1):
            begin -= 1
        if self._before(begin) in ("in", "wearing") and not self.taken[begin - 1]:
            self.changes.append(_Change(begin - 1, begin, f"{self._before(begin)} a"))
            self.taken[begin - 1] = True

    def _belongs(self, match: _Match) -> bool:
        """Whether a word means here what its table says: a colour of clothes, an adjective of hair."""
        kind = match.phrase.kind
        if kind in ("colours", "patterns"):
            worn = kind == "colours" and self._worn_colour(match)
            return worn or self._leads_to(match.end, self._is_garment)
        if kind in ("hair_colours", "hair_adjectives"):
            return self._leads_to(match.end, self._is_hair)
        return not (
            kind == "garments" and self._before(match.start) == "on" and self._after(match.end) == "of"
        )

    def _plain(self, match: _Match) -> _Change:
        meaning = match.phrase.meaning
        if match.phrase.kind == KNOWN:
            return _Change(match.start, match.end, self._said(match.start, match.end))
        return _Change(match.start, match.end, self._fill(meaning, match), match.phrase.kind)

    def _said(self, start: int, end: int) -> str:
        return self.text[self.tokens[start].start : self.tokens[end - 1].end] if end > start else ""

    def _fill(self, meaning: str, match: _Match) -> str:
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

    def _before(self, at: int) -> str:
        return self.tokens[at - 1].low if at > 0 else ""

    def _after(self, at: int) -> str:
        return self.tokens[at].low if at < len(self.tokens) else ""

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

    def _worn_colour(self, match: _Match) -> bool:
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

    def _light(self, match: _Match) -> _Change | None:
        """A light with its preposition ("at dusk" is "in golden sunset light"), or as a phrase of its own."""
        begin = match.start
        while begin > 0 and self._before(begin) in (
            *self.table.sets["determiners"],
            "bright",
            "soft",
            "warm",
        ):
            begin -= 1
        before = self._before(begin)
        if before in _LIT and not any(self.taken[begin - 1 : match.start]):
            return _Change(begin - 1, match.end, f"in {match.phrase.meaning}")
        alone = not before[:1].isalpha() and not self._after(match.end)[:1].isalpha()
        return self._plain(match) if alone or match.words > 1 or not self.moves else None

    # Places

    def _place(self, match: _Match) -> _Change | None:
        if self._joins_noun(match.end):
            return None
        meaning = match.phrase.meaning
        start, preposition = self._reach(match.start)
        end = self._name_after(match.end)
        if self._knows(start, end):
            return None
        if preposition:
            return _Change(start, end, meaning)
        bare = re.sub(r"^(?:in front of|in|on|under|at) (?:the |an |a )?", "", meaning)
        start = self._modifiers(match.start)
        if self._knows(start, end):
            return None
        return _Change(start, end, bare)

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

    def _knows(self, start: int, end: int) -> bool:
        """Whether the words are all among those that the models were taught."""
        return all(token.low in self.table.known for token in self.tokens[start:end])

    # Deeds

    def _deed(self, match: _Match) -> _Change | None:
        meaning = self._fill(match.phrase.meaning, match)
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
        elif not match.verb:
            link = self._subject_of(match)
        speed = "" if filmed or adverbs else match.speed
        text = " ".join(word for word in (link, adverbs, speed, meaning) if word)
        return _Change(start, match.end, text)

    def _subject_of(self, match: _Match) -> str:
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
        while begin > 0 and self.tokens[begin - 1].low.endswith("ly") and begin > at - 2:
            begin -= 1
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

    def _low(self, at: int) -> str:
        return self.tokens[at].low.removeprefix("'")

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

    def _clause(self, match: _Match, start: int, helped: bool) -> tuple[bool, int, str]:
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
        else:
            holds = before not in sets["prepositions"] or (match.verb == "s" and before in _ADVERBIAL)
        return holds, start, link

    # The text again

    def _drop_fillers(self) -> None:
        """Adjectives of cut and cloth before a garment, which tell these models nothing, are left out."""
        for at, token in enumerate(self.tokens):
            fills = token.low in self.table.sets["garment_fillers"] and token.low not in self.table.known
            if fills and not self.taken[at] and not token.name and self._leads_to(at + 1, self._is_garment):
                self.changes.append(_Change(at, at + 1, ""))
                self.taken[at] = True

    def _opens(self, at: int) -> bool:
        """Whether a sentence begins at this character."""
        before = self.text[:at].rstrip(" \"'(")
        return not before or before[-1] in ".!?:;\n"

    def _is_same(self, change: _Change) -> bool:
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


_ADVERBIAL = words("behind around along off by on over up down")
_OUTFIT = words("colours patterns garments")
_LIT = words("in at during by under beneath with amid into")
_SUBJECTS = words("and then they we i you who please people to or but")
_LOCATIONS = sorted(
    (
        tuple(line.split())
        for line in """
        in; at; on; inside; within; through; amid; amidst; among; amongst; by; near; beside; along; across
        around; outside; under; beneath; against; behind; before; over; above; throughout; down; up; beyond
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


def _joined(changes: list[_Change], reader: _Reader) -> list[tuple[int, int, str, str]]:
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


def _tokens(text: str) -> list[_Token]:
    """Words and marks; ``name`` where a capital in the middle of a sentence says so."""
    tokens = [_Token(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
    words = [token for token in tokens if token.text[0].isalpha()]
    titled = sum(token.text[0].isupper() for token in words) > 0.6 * len(words) and len(words) > 3
    for token, before in zip(tokens, [None, *tokens], strict=False):
        capital = token.text[0].isupper() and not token.text.isupper()
        opens = before is None or before.text in '.!?:;"\u201c\u2026()[],' or before.text == "\u2022"
        titles = before is not None and before.low in _TITLES
        dotted = before is not None and before.text == "." and _follows_title(tokens, before)
        token.name = capital and ((not opens and not titled) or titles or dotted)
    return tokens


def _follows_title(tokens: list[_Token], dot: _Token) -> bool:
    at = tokens.index(dot)
    return at > 0 and tokens[at - 1].low in _TITLES
