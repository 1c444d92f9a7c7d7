"""A word in its sentence while it is being tagged: what stands before and after, and what the clause has
had.
"""

from __future__ import annotations

from functools import cached_property

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.morphology import singular, verb_readings
from stillmotion.prompts.tokens import Token, may_join_noun, noun_class

_OPENS_NOUN = frozenset(("DET", "POSS", "NUM", "ADJ", "PREP", "GEN"))


class Clause:
    """What the clause has had so far: the tagger's only memory."""

    def __init__(self) -> None:
        self.finite = ""  # form of the last finite verb of the sentence, or "aux"
        self.verb_seen = False
        self.verb = ""  # lemma of the last verb
        self.in_phrase = False  # within a prepositional phrase
        self.subject_seen = False
        self.fresh = False  # a comma or "and" stood, and no verb since

    def note(self, token: Token) -> None:
        """Take in a token that has its tag."""
        tag = token.tag
        if tag in ("VERB", "AUX"):
            self.in_phrase = self.fresh = False
            self.verb = token.lemma
            if tag == "AUX" or token.form in ("s", "past", "base"):
                self.finite = "aux" if tag == "AUX" else token.form
                self.verb_seen = True
        elif tag in ("PREP", "TO"):
            self.in_phrase = True
        elif tag in ("SUB", "REL") or token.text in (";", ":", "."):
            self.verb_seen = self.in_phrase = self.subject_seen = False
        elif tag in ("PUNCT", "CONJ"):
            self.in_phrase, self.fresh = False, True
        elif tag in ("PRON", "NOUN", "NAME"):
            self.subject_seen = self.subject_seen or not self.in_phrase
            if self.fresh and not self.in_phrase and (tag != "NOUN" or noun_class(token.lemma) == "person"):
                self.verb_seen = False
            self.in_phrase = self.in_phrase and tag != "PRON"


class Spot:
    """The token at `index`, everything before it tagged, nothing after it."""

    def __init__(self, tokens: list[Token], index: int, clause: Clause) -> None:
        self.tokens, self.index, self.clause = tokens, index, clause
        self.token = tokens[index]
        self.low = self.token.low
        self.before = tokens[index - 1] if index else None
        self.after = tokens[index + 1].low if index + 1 < len(tokens) else ""

    @cached_property
    def previous(self) -> Token | None:
        """The token before, adverbs and negations skipped."""
        for token in reversed(self.tokens[: self.index]):
            if token.tag not in ("ADV", "NEG"):
                return token
        return None

    @cached_property
    def forms(self) -> frozenset[str]:
        """The verb forms that the word can be: base, s, ing, past, part."""
        return frozenset(form for _, form in verb_readings(self.low))

    @cached_property
    def opens(self) -> bool:
        """Whether a noun phrase is open: a determiner, adjective or preposition stands before."""
        skips = self.before is not None and self.before.tag == "ADV" and self.before.low.endswith("ly")
        anchor = self.previous if skips else self.before
        return anchor is not None and anchor.tag in _OPENS_NOUN

    @cached_property
    def person_before(self) -> bool:
        """Whether a person, a pronoun or "who" stands before, as a verb's subject does."""
        token = self.previous
        return token is not None and (
            token.tag in ("PRON", "NAME", "REL")
            or (token.tag == "NOUN" and noun_class(token.lemma) == "person")
        )

    @property
    def noun_follows(self) -> bool:
        """Whether the next word may go on a noun phrase."""
        return may_join_noun(self.after)

    @property
    def deed_follows(self) -> bool:
        """Whether the next word is a deed that needs nothing behind it: "(in moody light) nods"."""
        return self.after.endswith("s") and singular(self.after) in lv.ALONE

    @property
    def takes_object(self) -> bool:
        """Whether the next word opens an object: "the", "his", "them"."""
        return (
            self.after in lx.DETERMINERS or self.after in lx.POSSESSIVES or self.after in lx.OBJECT_PRONOUNS
        )

    def before_tag(self, *tags: str) -> bool:
        """Whether the token right before has one of these tags."""
        return self.before is not None and self.before.tag in tags

    def previous_tag(self, *tags: str) -> bool:
        """Whether the token before, adverbs skipped, has one of these tags."""
        return self.previous is not None and self.previous.tag in tags
