"""Phrases of a still: what they are, how a noun phrase becomes one, and how they are put together within
CLIP's length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.chunks import Cast, Chunk
from stillmotion.prompts.framings import CLOSE_UP
from stillmotion.prompts.morphology import singular
from stillmotion.prompts.wordlist import words

# (order in the prompt, visibility: what is least visible is dropped first)
KINDS = {
    "looks": (0, 85),
    "face": (1, 95),
    "expression": (2, 70),
    "garment": (3, 90),
    "accessory": (3, 80),
    "held": (4, 65),
    "pose": (5, 50),
    "object": (6, 40),
    "place": (7, 75),
    "corner": (8, 45),
    "light": (9, 60),
    "style": (10, 30),
}
EMPTY_MODIFIERS = words("""
    own left right other same both various different certain particular first last few more most several
    many only very main final next such whole entire able upper lower further additional single visible
    overall specific two male female
""")
_SEEN = words("object light place garment face material")
_EMPTY_WORDS = words("a an the and of his her their")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that a still can show. `head` is its noun; `words` are what two phrases are compared by."""

    text: str
    kind: str
    head: str

    @property
    def words(self) -> frozenset[str]:
        """The content words in lower case."""
        return frozenset(self.text.lower().replace(",", " ").split()) - _EMPTY_WORDS


@dataclass(slots=True)
class Context:
    """Where the reader is in a sentence."""

    subject: str = "main"  # whose clause it is: main, other or thing
    owner: str = "main"  # whose the next noun phrase is
    subject_chunk: Chunk | None = None
    candidate: Chunk | None = None  # the noun phrase that the next finite verb will take as its subject
    verb_seen: bool = False  # in this clause
    verb: str = ""  # category of the last verb
    lemma: str = ""
    preposition: str = ""  # the one that governs the list being read
    direct: bool = False  # it stands right before
    negated: bool = False
    negated_list: bool = False
    posture: str = ""
    clause_negated: bool = False
    future: bool = False
    following: list[Chunk] = field(default_factory=list)  # the next chunks
    read: int = 0  # how many of them the last phrase has taken in

    @property
    def acting(self) -> bool:
        """Whether the next noun is what is acted on: "(closes) her eyes", "(tosses) her hair back"."""
        return self.verb == "action" and self.verb_seen and self.preposition != "with"


class PhraseBook:
    """The phrases found so far, for one main character."""

    def __init__(self, cast: Cast, subject: str = "A person") -> None:
        self.cast = cast
        self.subject = subject
        self.phrases: list[Phrase] = []
        self.acted = False  # the main character has acted: later postures are not the first frame's

    def add(self, text: str, kind: str, head: str) -> None:
        """Add a phrase unless an earlier one says as much; a fuller phrase replaces a poorer one."""
        new = Phrase(text, kind, head)
        if not new.words:
            return
        for index, old in enumerate(self.phrases):
            if new.words <= old.words:
                return
            if old.words <= new.words and (old.head == head or old.kind == kind):
                kept = old.kind if old.kind in ("place", "held", "garment") else kind
                self.phrases[index] = Phrase(text, kept, head)
                return
        self.phrases.append(new)

    def take_whereabouts(self, chunks: list[Chunk], index: int, context: Context) -> None:
        """A place that an adverb tells: "downtown", "outdoors"; not where one goes ("goes upstairs")."""
        adverb = chunks[index].low
        before = [chunk for chunk in chunks[max(0, index - 4) : index] if chunk.kind != "ADV"]
        of_other = context.owner != "main" or (context.subject == "thing" and context.verb_seen)
        if of_other or chunks[index - 1].kind == "PREP" or context.negated or context.clause_negated:
            return
        if leads_to(adverb, [chunk.tokens[-1].lemma if chunk.kind == "VERB" else "" for chunk in before]):
            return
        known = any(phrase.kind == "place" for phrase in self.phrases)
        self.add(adverb, "corner" if known else "place", adverb)

    def take_nothing(self, chunk: Chunk, context: Context) -> None:
        """Of a noun that no still shows, only a style stays: "a cinematic shot"."""
        for token in chunk.modifiers:
            if token.low in lx.STYLE_ADJECTIVES:
                self.add(token.low, "style", token.low)


def leads_to(adverb: str, before: list[str]) -> bool:
    """Whether one goes or looks to a place that an adverb tells, by the lemmas of the verbs before it, "" for
    other words: "goes (upstairs)", "brings his dog (inside)".
    """
    way = adverb in lx.WAYS
    verb, brings = before[-1] if before else "", before[-2] if len(before) > 1 else ""
    return verb in lv.GOES or (way and (verb in lv.WALKS or (not verb and brings in lv.BRINGS)))


def described(chunk: Chunk) -> bool:
    """Whether a modifier says something that can be seen."""
    if chunk.inner is not None and chunk.inner.noun in _SEEN:
        return True
    return any(
        token.tag in ("ADJ", "NOUN", "NAME") and token.low not in EMPTY_MODIFIERS for token in chunk.modifiers
    )


def phrase_text(chunk: Chunk, article: bool = False) -> str:
    """A noun phrase's own words without determiners, sounds and smells; "a red scarf" with `article`."""
    words: list[str] = []
    own = chunk.own
    owned = [at for at, token in enumerate(chunk.tokens) if token.tag == "GEN"]
    begin = (
        owned[-1] + 1 if owned and chunk.inner is None and chunk.noun in ("expression", "face") else 0
    )  # whose it is, is no matter
    measured = chunk.inner is not None and chunk.head in lx.HAIR and own[-1].lemma != chunk.head
    for at, token in enumerate(chunk.tokens):
        if at < begin or (
            (
                token.tag == "DET"
                and not (measured and at < len(own))  # "a few days of beard"
                and not (chunk.head in lx.HAIR and at and chunk.tokens[at - 1].low == "with")  # "a side part"
            )
            or token.tag in ("POSS", "GEN")
            or (token.low in EMPTY_MODIFIERS and not measured and at < len(own))
            or token.low in lx.SOUND_SMELL_ADJECTIVES
        ):
            if token.tag == "GEN" and words:
                words[-1] += "'s"
            continue
        proper = token.tag == "NAME" or (token.tag == "ADJ" and token.start > 0)
        words.append(token.text if proper else token.low)
    while words and words[0] in (",", "and", "or", "&"):
        words.pop(0)
    text = " ".join(words).replace(" ,", ",")
    if (
        article
        and chunk.determiner not in ("", "some", "both", "these", "those")
        and not chunk.plural
        and text
        and not (own[-1].low.endswith("s") and not own[-1].low.endswith("ss"))
        and singular(chunk.head) not in ("clothing", "attire", "jewelry", "denim", "makeup", "hair")
    ):
        text = ("an " if text[0] in "aeiou" else "a ") + text
    return text


def render(
    subject: str,
    phrases: list[Phrase],
    limit: int,
    count: Callable[[str], int],
    trigger: str = "",
    framing: str = CLOSE_UP,
) -> str:
    """The spatial prompt: at most `limit` tokens by `count`, the least visible phrases dropped first.

    Order: trigger words, subject, looks, face, expression, clothing, what is held, pose, objects, place,
    light, style, framing.
    """
    kept = list(phrases)
    text = trigger + _joined(subject, kept, framing)
    while count(text) > limit and kept:
        weakest = min(range(len(kept)), key=lambda at: (KINDS[kept[at].kind][1], -at))
        kept.pop(weakest)
        text = trigger + _joined(subject, kept, framing)
    return text


def _joined(subject: str, phrases: list[Phrase], framing: str) -> str:
    parts = [subject]
    ordered = sorted(phrases, key=lambda phrase: KINDS[phrase.kind][0])
    worn = False
    for phrase in ordered:
        if phrase.kind in ("garment", "accessory"):
            parts.append(phrase.text if worn else f"wearing {phrase.text}")
            worn = True
        elif phrase.kind == "held":
            parts.append(f"holding {phrase.text}")
        else:
            parts.append(phrase.text)
    return ", ".join([*parts, framing])
