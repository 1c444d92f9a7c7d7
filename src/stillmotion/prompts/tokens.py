"""Words as tokens, and what the lexicon knows of a word by itself, before any sentence is looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.morphology import singular, verb_readings
from stillmotion.prompts.wordlist import words

_MULTIWORD_PREPOSITIONS = (
    "in front of",
    "on top of",
    "in the middle of",
    "at the edge of",
    "on the edge of",
    "next to",
    "in the center of",
    "in the centre of",
    "on the side of",
    "by the side of",
    "close to",
    "on either side of",
    "at the foot of",
    "at the top of",
    "in the midst of",
    "on both sides of",
    "out of",
    "because of",
    "instead of",
    "along with",
    "together with",
    "according to",
    "such as",
    "in the corner of",
    "at the end of",
    "at the bottom of",
    "on the back of",
    "in the heart of",
    "inside of",
    "outside of",
)
_TOKEN = re.compile(
    "|".join(re.escape(phrase).replace(r"\ ", r"\s+") + r"\b" for phrase in _MULTIWORD_PREPOSITIONS)
    + r"|(?:Dr|Mr|Mrs|Ms|Prof)\.|\d+[\s-]years?[\s-]old\b|close[\s-]ups?\b|[^\W\d_]+n't\b"
    + r"|'(?:s|m|re|ve|ll|d)\b|\d+(?:[.,:/]\d+)*[a-z]*(?:-[^\W_]+)*%?"
    + r"|[^\W\d_]+(?:-[^\W_]+)*(?:'(?!s\b|m\b|re\b|ve\b|ll\b|d\b)[^\W\d_]+)*|[^\w\s]|_",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Token:
    """One word or mark: its text, where it stands in the sentence, its tag, lemma and verb form."""

    text: str
    start: int
    end: int
    tag: str = ""
    lemma: str = ""
    form: str = ""  # of a verb: base, s, ing, past, part

    @property
    def low(self) -> str:
        """The word in lower case."""
        return self.text.lower()


@lru_cache(maxsize=8192)
def noun_class(lemma: str) -> str:
    """The class of a singular noun in lower case; "object" when no table has it."""
    for name, table in lx.NOUN_CLASSES:
        if lemma in table:
            return name
    if lemma[0].isdigit():
        return "abstract"
    if "-" in lemma:
        tail = lemma.rsplit("-", 1)[1]
        found = noun_class(tail)
        if found in ("garment", "footwear", "face", "person"):
            return found
    if is_trade(lemma):
        return "person"
    if len(lemma) > 6 and lemma.endswith(
        ("ness", "ship", "hood", "ism", "tion", "sion", "ance", "ence", "ment", "ity", "acy")
    ):
        return "abstract" if lemma not in _CONCRETE_DESPITE_ENDING else "object"
    return "object"


_CONCRETE_DESPITE_ENDING = words("""
    equipment instrument ornament cushion pavement apartment station television fence monument document
    parchment city university vegetation plantation appliance ambulance ingredient condiment decoration
    illustration fountain cement garment tablet lotion potion workstation playstation constellation
    medallion stallion
""")
_ALL_NOUNS = frozenset().union(*(table for _, table in lx.NOUN_CLASSES)) | lv.MOSTLY_NOUNS | lx.GARMENT_PARTS
FUNCTION_WORDS = (
    lx.DETERMINERS
    | lx.POSSESSIVES
    | lx.NUMBERS
    | lx.SUBJECT_PRONOUNS
    | lx.OBJECT_PRONOUNS
    | lx.PREPOSITIONS
    | lx.COORDINATORS
    | lx.SUBORDINATORS
    | lx.AUXILIARIES
    | lx.MODALS
    | lx.ADVERBS
)


def is_trade(lemma: str) -> bool:
    """Whether a singular noun tells a person's trade: listed, or built like "novelist" and "optician"."""
    if lemma in lx.OCCUPATIONS:
        return lemma not in lx.GENERIC_PEOPLE
    built = len(lemma) > 6 and lemma.endswith(_TRADE_ENDINGS) and not lemma.endswith(_NO_TRADE_ENDINGS)
    return built and not any(lemma in table for _, table in lx.NOUN_CLASSES)


_TRADE_ENDINGS = ("ist", "ician", "smith", "keeper", "maker", "woman", "dancer", "player", "worker")
_NO_TRADE_ENDINGS = ("list", "wrist", "fist", "mist", "twist", "waist", "consist", "assist")


def is_known(word: str) -> bool:
    """Whether English as the lexicon has it knows this lower-case word, in any form."""
    return (
        word in FUNCTION_WORDS
        or word in lx.ADJECTIVES
        or singular(word) in _ALL_NOUNS
        or bool(verb_readings(word))
        or (word.endswith("ly") and word[:-2] in lx.ADJECTIVES)
    )


def is_noun(word: str) -> bool:
    """Whether some noun table has this word, in the singular or plural."""
    return singular(word) in _ALL_NOUNS


def may_join_noun(word: str) -> bool:
    """Whether a word, before it is tagged, may go on a noun phrase."""
    return (
        bool(word)
        and word[0].isalnum()
        and word not in FUNCTION_WORDS
        and not (word.endswith("ly") and not is_noun(word))
    )


def tokenize(text: str) -> list[Token]:
    """The words and marks of a text with their places; no tags yet."""
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
