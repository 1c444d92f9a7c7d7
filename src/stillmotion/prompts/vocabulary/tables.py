"""A vocabulary's file, ``NAME.toml`` beside this one, as phrases to look for.

The file says under what it means how people say it: phrases between semicolons or line ends. In a phrase
``a|b`` is either word, ``(a)`` and ``(a b)`` may be missing, ``a_b`` is two words in such a choice and
``{name}`` one of the file's [sets]. ``~`` is a possessive or an article, ``<side>`` left or right, ``*turn``
any form of a verb. A deed begins with a verb in any form unless ``=`` stands before it. A hyphen is a space.
Names of places are written with a capital. What [directions] says stands for the one word that it means, in
all other phrases; "to the" before ``<side>`` may be missing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from stillmotion.prompts.morphology import gerund, past_forms, third_person

FOLDER = Path(__file__).parent
DEEDS, DIRECTIONS, KNOWN, PLACES, THINGS = "deeds", "directions", "known", "places", "things"
Words = tuple[str, ...]
_GROUP = re.compile(r"\(([^()]* [^()]*)\)")
_TO_THE = {"to", "toward", "towards", "the", "~"}
_APOSTROPHE = re.compile(r"'((?:s|m|re|ve|ll|d|t)\b)?")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a phrase: what may stand there, by first word, and whether it may be empty."""

    options: dict[str, tuple[Words, ...]]
    optional: bool


@dataclass(frozen=True, slots=True)
class Phrase:
    """A way to say ``meaning``, which belongs to the table called ``kind``."""

    kind: str
    meaning: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Table:
    """A vocabulary: its phrases by their first words, the forms of its verbs, its small sets, and all words
    that its models know; the deeds that they know, with ``~`` for whose and ``<side>`` for left or right.
    """

    phrases: dict[str, list[Phrase]]
    forms: dict[str, tuple[tuple[str, str], ...]]
    sets: dict[str, frozenset[str]]
    known: frozenset[str]
    deeds: frozenset[str]


@lru_cache(maxsize=4)
def table(name: str) -> Table:
    """The vocabulary of that name; FileNotFoundError where the package has none."""
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    choices: dict[str, str] = data.pop("sets")
    sets = {name: frozenset(text.replace("-", " ").split()) for name, text in data.pop("words").items()}
    phrases: dict[str, list[Phrase]] = {}
    known: set[str] = set(sets["taught"])
    protected: dict[str, str] = data.pop(KNOWN)
    untaught = protected.pop("as_written")
    entries = [(KNOWN, line, line) for text in protected.values() for line in _lines(text)]
    entries += [(KNOWN, "", line) for line in _lines(untaught)]
    entries += [
        (kind, meaning, line)
        for kind, meanings in data.items()
        for meaning, text in meanings.items()
        for line in _lines(text)
    ]
    for kind, meaning, line in entries:
        phrase = Phrase(kind, meaning, _sided(tuple(_slots(line, choices, kind == DEEDS))))
        known |= set(_plain(meaning).split())
        for word in _first_words(phrase.slots):
            phrases.setdefault(word, []).append(phrase)
    verbs = {
        word[1:]
        for of_word in phrases.values()
        for phrase in of_word
        for slot in phrase.slots
        for options in slot.options.values()
        for option in options
        for word in option
        if word.startswith("*")
    }
    deeds = {meaning.replace("{his}", "~").replace("{side}", "<side>") for meaning in data[DEEDS]}
    return Table(phrases, _forms(verbs), sets, frozenset(known), frozenset(deeds))


def _slots(line: str, choices: dict[str, str], deed: bool) -> Iterator[Slot]:
    verb_first = deed and not line.startswith("=")
    for place, element in enumerate(line.removeprefix("=").replace("-", " ").split()):
        optional = element.startswith("(") and element.endswith(")")
        inner = element[1:-1] if optional else element
        for name, choice in choices.items():
            inner = inner.replace("{" + name + "}", choice)
        options: dict[str, tuple[Words, ...]] = {}
        for text in inner.split("|"):
            words = tuple(
                word for word in ("*" + text if place == 0 and verb_first else text).split("_") if word
            )
            for first in {words[0], words[0].lower()}:  # a name, as written and in lower case
                options[first] = (*options.get(first, ()), words)
        yield Slot(options, optional)


def _sided(slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The slots with "to the" before a side as words that may be missing: "to the left" is "leftwards"."""
    sided = any("<side>" in slot.options for slot in slots)
    first = next((at for at, slot in enumerate(slots) if "<side>" in slot.options), 0)
    while sided and first > 1 and _TO_THE.issuperset(slots[first - 1].options):
        first -= 1
        slots = (*slots[:first], replace(slots[first], optional=True), *slots[first + 1 :])
    return slots


def _first_words(slots: tuple[Slot, ...]) -> set[str]:
    found: set[str] = set()
    for slot in slots:
        found |= set(slot.options)
        if not slot.optional:
            break
    return found


def _lines(phrases: str) -> Iterator[str]:
    for phrase in phrases.replace("\n", ";").split(";"):
        if phrase.strip():
            yield from _with_and_without(_apart(phrase.strip()))


def _with_and_without(phrase: str) -> Iterator[str]:
    """A phrase in which several words may be missing together, with them and without."""
    group = _GROUP.search(phrase)
    if group is None:
        yield phrase
        return
    before, after = phrase[: group.start()], phrase[group.end() :]
    yield from _with_and_without(f"{before}{group[1]}{after}")
    yield from _with_and_without(f"{before}{after}")


def _apart(phrase: str) -> str:
    """Apostrophes as the reader of a text takes them: "man's" is two words, "o'clock" three."""
    return _APOSTROPHE.sub(lambda match: "_'" + match[1] if match[1] else "_'_", phrase)


def _plain(meaning: str) -> str:
    """A meaning's own words, without hyphens, choices and what is filled in."""
    text = meaning.replace("-", " ").replace(";", " ").replace("{his}", "").replace("{side}", "left right")
    return text.replace("~", " ").replace("{he}", "").replace(",", " ").lower()


def _forms(verbs: set[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Every form of the verbs, as (base, kind): base, s, ing, past or part."""
    found: dict[str, list[tuple[str, str]]] = {}
    for verb in sorted(verbs):
        past, participle = past_forms(verb)
        for form, kind in (
            (third_person(verb), "s"),
            (gerund(verb), "ing"),
            (past, "past"),
            (participle, "part"),
            (verb, "base"),
        ):
            if (verb, kind) not in found.setdefault(form, []):
                found[form].append((verb, kind))
    return {form: tuple(readings) for form, readings in found.items()}
