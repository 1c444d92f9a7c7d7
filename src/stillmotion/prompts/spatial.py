"""Spatial Semantic Parser by rules: what of a prompt a still can show, as comma-separated phrases.

The prompt is read noun phrase by noun phrase. A phrase is kept for what it is (garment, hair, place, light, object ...) and
for whose it is; verbs are never copied, so no motion reaches the still. Sounds, smells, feet, bystanders, the camera and
everything negated are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts.chunks import Cast, Chunk, Sentence, gender_of, own_noun, possessive
from stillmotion.prompts.morphology import gerund, singular
from stillmotion.prompts.tokens import Token, noun_class

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
_ACCESSORIES = lx.words("""
    earring necklace pendant bracelet watch wristwatch ring brooch badge belt earphone earbud pin
    cufflink anklet lanyard sleeve collar backpack handbag purse rucksack satchel bow ribbon hairpin
    jewelry jewellery accessory
""")
_SELF_TELLING = lx.words("""
    beard moustache mustache goatee stubble freckle tattoo braid ponytail bun pigtail dreadlock makeup
    make-up scar wrinkle dimple bang bangs mohawk afro lipstick cornrow topknot curl sideburn complexion
""")
_BARE_PLACES = lx.words("""
    background backdrop setting environment scene surroundings interior space area corner spot place
    location ground floor scenery landscape set track sky horizon wall deck court chair seat bed ring
    path trail building home stand
""")
_KEPT_PREPOSITIONS = frozenset(
    (
        "near",
        "beside",
        "against",
        "by",
        "under",
        "beneath",
        "behind",
        "next to",
        "in front of",
        "on top of",
        "at the edge of",
        "on the edge of",
        "in the middle of",
        "below",
        "opposite",
        "alongside",
    )
)
_STATIC_BODY = lx.words("""
    crossed folded clasped raised closed outstretched interlaced tilted open bowed spread tied
""")
_EMPTY_MODIFIERS = lx.words("""
    own left right other same both various different certain particular first last few more most several
    many only very main final next such whole entire able upper lower further additional single visible
    overall specific two male female
""")
_HANDLES = lx.words("""
    adjust touch remove tip fix straighten unbutton tuck smooth zip unzip button doff loosen tighten
    check take lift fasten buckle unbuckle
""")  # done to what one wears
_POSITIVE_OF_ABSENCE = {
    "beard": "clean-shaven",
    "moustache": "clean-shaven",
    "mustache": "clean-shaven",
    "stubble": "clean-shaven",
    "hair": "bald",
    "hat": "bareheaded",
    "cap": "bareheaded",
}
_TIMES = lx.words("""
    night dusk dawn sunset sunrise evening morning afternoon noon midnight twilight autumn winter summer
""")


_SMILE_ADJECTIVES = lx.words("""
    bright subtle slight faint soft broad wide radiant intense
""")  # of a smile, not of a person
_DECADES = lx.words("""
    twenty thirty forty fifty sixty seventy eighty mid-twenty mid-thirty mid-forty mid-fifty teens
""")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that a still can show. `head` is its noun; `words` are what two phrases are compared by."""

    text: str
    kind: str
    head: str

    @property
    def words(self) -> frozenset[str]:
        """The content words in lower case."""
        return frozenset(self.text.lower().replace(",", " ").split()) - {
            "a",
            "an",
            "the",
            "and",
            "of",
            "his",
            "her",
            "their",
        }


@dataclass(slots=True)
class _Context:
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


class SpatialReader:
    """Reads parsed sentences into phrases; `phrases` is the result, in the order of reading."""

    def __init__(self, cast: Cast, subject: str = "A person") -> None:
        self.cast = cast
        self.subject = subject
        self.phrases: list[Phrase] = []
        self.acted = False  # the main character has acted: later postures are not the first frame's

    def read(self, sentences: list[Sentence]) -> list[Phrase]:
        """All phrases of all sentences."""
        for sentence in sentences:
            context = _Context()
            for index, chunk in enumerate(sentence.chunks):
                self._step(sentence.chunks, index, chunk, context)
        return self.phrases

    def _step(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        kind = chunk.kind
        if kind == "NP":
            self._noun_phrase(chunks, index, chunk, context)
            context.direct = False
        elif kind == "AP":
            self._adjectives(chunks, index, chunk, context)
        elif kind in ("VERB", "AUX"):
            self._verb(chunks, index, chunk, context)
        elif kind in ("PREP", "TO"):
            context.preposition, context.direct = chunk.low, kind == "PREP"
            context.negated_list = False
            if index and chunks[index - 1].low == ",":
                context.clause_negated = False
            if chunk.low == "without":
                context.negated = True
        elif kind == "NEG":
            if (index and chunks[index - 1].kind == "AUX") or chunk.low != "no":
                context.clause_negated = True
            else:
                context.negated = True
        elif kind in ("PUNCT", "CONJ", "SUB", "REL"):
            self._boundary(chunk, context)

    def _boundary(self, chunk: Chunk, context: _Context) -> None:
        context.direct = False
        if chunk.kind == "REL":
            context.verb_seen, context.clause_negated = False, False
            return
        if chunk.low in (",", "or", "and", "nor", "-", "\u2013", "\u2014", "/"):
            if chunk.low not in ("or", "nor"):
                context.negated_list = False
            if context.verb_seen:
                context.candidate = None
            context.verb_seen = False
            if chunk.low == ",":
                context.verb = "" if context.verb in ("sense", "speech") else context.verb
                context.owner = context.subject if context.subject != "thing" else "main"
                context.posture = ""
            return
        context.candidate, context.verb_seen, context.clause_negated = None, False, False
        context.negated = context.negated_list = False
        context.verb = context.lemma = context.preposition = context.posture = ""
        context.owner = context.subject = (
            "main" if chunk.low in (".", ";", ":", "!", "?") or chunk.kind == "SUB" else context.subject
        )
        if chunk.low in ("then", "before", "after", "until", "when", "once"):
            context.future = chunk.low in ("before", "until", "then")

    # --- verbs ------------------------------------------------------------------------------------------------------

    def _verb(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        token = chunk.tokens[0]
        finite = chunk.kind == "AUX" or token.form in ("s", "past", "base")
        if finite and context.candidate is not None and not context.verb_seen:
            subject = context.candidate
            context.subject_chunk = subject
            context.subject = subject.role or ("thing" if subject.noun != "person" else "other")
            context.owner = "main" if context.subject == "thing" else context.subject
            context.clause_negated = False
        elif (token.form in ("ing", "part") and index and chunks[index - 1].low == ",") or (
            finite and context.candidate is None and index and chunks[index - 1].kind in ("PUNCT", "CONJ")
        ):
            context.owner = context.subject if context.subject != "thing" else "main"
        context.verb_seen = True
        if chunk.kind == "AUX":
            context.verb = (
                "be"
                if token.low in lx.BE_FORMS
                else ("have" if token.low in ("has", "have", "had") else "aux")
            )
            context.lemma = "be" if context.verb == "be" else "have"
            context.preposition, context.direct = "", False
            context.negated_list = False
            if token.low.endswith("n't"):
                context.clause_negated = True
            return
        previous = context.lemma
        context.lemma = token.lemma
        context.verb = self._category(chunks, index, token)
        context.preposition, context.direct = "", False
        context.negated_list = False
        if context.owner != "main":
            return
        if not context.clause_negated:
            self._visible_state(chunks, index, token, previous, context)

    def _category(self, chunks: list[Chunk], index: int, token: Token) -> str:
        lemma = token.lemma
        particle = chunks[index + 1].low if index + 1 < len(chunks) else ""
        if (
            lemma == "put"
            or (lemma in ("slip", "pull", "throw", "try") and particle in ("on", "over"))
            or (lemma == "don" and token.form != "part")
        ):
            return "put_on"
        if lemma == "take" and particle == "off":
            return "take_off"
        for name, table in (
            ("wear", lx.WEAR),
            ("sense", lx.SENSE_VERBS),
            ("speech", lx.SPEECH),
            ("hold", lx.HOLD),
            ("posture", lx.POSTURE),
            ("have", lx.HAVE),
            ("seem", lx.SEEM),
        ):
            if lemma in table:
                return name
        return "action"

    def _visible_state(
        self, chunks: list[Chunk], index: int, token: Token, previous: str, context: _Context
    ) -> None:
        """Smiling and sitting, when they are how the video begins."""
        particle = chunks[index + 1].low if index + 1 < len(chunks) else ""
        becoming = previous in ("start", "begin", "stop", "finish", "burst") or context.future
        if token.lemma in lx.EXPRESS:
            if token.form == "ing" and not becoming and not self.acted:
                self._add(token.low, "expression", token.lemma)
        elif (
            context.verb == "posture"
            and not becoming
            and not self.acted
            and particle not in ("up", "down", "back", "forward", "over")
        ):
            if context.subject_chunk is None or context.subject == "main":
                context.posture = "seated" if token.lemma == "seat" else gerund(token.lemma)
        elif (
            context.verb == "action"
            and context.subject == "main"
            and (token.form in ("s", "past", "base"))
            and token.lemma not in lx.SCENE_VERBS
        ):
            self.acted = True

    # --- noun phrases -----------------------------------------------------------------------------------------------

    def _noun_phrase(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if chunk.noun in ("person", "name"):
            chunk.role = "main" if self.cast.is_main(chunk) else "other"
        elif chunk.tokens[0].tag == "GEN" and context.owner == "other":
            chunk.role = "other"
        people = ("person", "name")
        if (
            not context.direct
            and not context.verb_seen
            and (
                context.candidate is None
                or chunk.tokens[0].tag == "GEN"
                or (chunk.noun in people and context.candidate.noun not in people)
            )
        ):
            context.candidate = chunk
        negated = context.negated or context.negated_list
        if context.negated:
            context.negated, context.negated_list = False, True
        if negated or (context.clause_negated and context.verb in ("wear", "have", "hold", "be")):
            if (
                chunk.noun in ("face", "garment")
                and context.owner == "main"
                and chunk.head in _POSITIVE_OF_ABSENCE
            ):
                self._add(_POSITIVE_OF_ABSENCE[chunk.head], "looks", chunk.head)
            return
        if (
            chunk.inner is not None
            and chunk.inner.noun in ("body", "face", "footwear", "sound", "smell")
            and chunk.noun != "face"
        ):
            return
        handler: Callable[[list[Chunk], int, Chunk, _Context], None] = getattr(
            self, f"_np_{chunk.noun}", self._np_nothing
        )
        handler(chunks, index, chunk, context)

    def _np_nothing(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        for token in chunk.modifiers:
            if token.low in lx.STYLE_ADJECTIVES:
                self._add(token.low, "style", token.low)

    def _np_person(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        context.owner = chunk.role
        if chunk.role != "main":
            return
        looks = [
            token.low
            for token in chunk.modifiers
            if token.low not in _EMPTY_MODIFIERS and token.tag in ("ADJ", "NAME", "NOUN")
        ]
        if any(token.tag == "ADJ" for token in chunk.modifiers) or looks:
            for token in chunk.modifiers:
                word = token.text if token.tag == "NAME" else token.low
                if token.low in looks and word not in ("alone", "same", "lone", "solitary"):
                    self._look(word, token.low)
        if self.subject == "A person" and gender_of(chunk.head) and chunk.head not in lx.SUBJECT_PRONOUNS:
            self._add(chunk.head, "looks", chunk.head)
        elif chunk.head in lx.YOUTH:
            self._add("young", "looks", "young")
        elif chunk.head in lx.OCCUPATIONS and chunk.head not in lx.GENERIC_PEOPLE:
            trade = [token.low for token in chunk.modifiers if token.tag == "NOUN"]
            noun = " ".join([*trade, own_noun(chunk.head, self.subject)])
            self._add(noun, "looks", chunk.head)

    def _look(self, word: str, low: str) -> None:
        if low in lx.EXPRESS or low in ("smiling", "grinning", "frowning", "laughing"):
            self._add("smiling" if low == "laughing" else low, "expression", low)
        elif low in _SMILE_ADJECTIVES:
            return
        elif low in lx.MOOD_ADJECTIVES and low not in lx.LOOKS_ADJECTIVES:
            self._add(f"{low} expression", "expression", "expression")
        elif low in lx.SOUND_SMELL_ADJECTIVES or (
            low.endswith("ing") and low not in ("charming", "stunning", "aging")
        ):
            return
        elif low not in ("main", "stunning", "visible", "first"):
            self._add(word, "looks", low)

    def _np_garment(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if (
            context.owner != "main"
            or context.verb in ("put_on", "speech")
            or (context.verb == "sense" and chunk.determiner not in lx.POSSESSIVES)
        ):
            return
        worn = (
            context.verb == "wear"
            or context.preposition in ("in", "with", "over", "under", "including", "featuring", "around")
            or context.verb in ("have", "be")
            or (
                chunk.determiner in lx.POSSESSIVES
                and (chunk.head not in lx.ONLY_IF_WORN or context.lemma in _HANDLES)
            )
        )
        if chunk.head in ("collar", "sleeve", "hood") and not worn:
            return
        if chunk.head in lx.ONLY_IF_WORN and not worn:
            self._np_object(chunks, index, chunk, context)
            return
        if chunk.head in (
            "clothes",
            "clothing",
            "attire",
            "outfit",
            "accessory",
            "garment",
            "collar",
            "sleeve",
            "hood",
            "ensemble",
        ) and not self._described(chunk):
            return
        if (
            chunk.head in ("collar", "sleeve")
            and context.verb not in ("wear", "be", "have")
            and context.preposition not in ("with", "featuring")
        ):
            return
        if (
            not worn
            and context.verb == "action"
            and self.acted
            and chunk.determiner in ("a", "an")
            and context.lemma not in _HANDLES
        ):
            self._add(_phrase_text(chunk), "object", chunk.head)
            return
        text = _phrase_text(chunk, article=True)
        self._add(text, "accessory" if chunk.head in _ACCESSORIES else "garment", chunk.head)

    def _np_face(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if context.owner != "main" or context.verb in ("put_on", "sense"):
            return
        after = chunks[index + 1] if index + 1 < len(chunks) else None
        if (
            context.preposition == "with"
            and after is not None
            and after.low in _STATIC_BODY
            and not self._described(chunk)
        ):
            self._add(f"{chunk.head}s {after.low}", "pose", chunk.head)
        elif chunk.head in _SELF_TELLING or self._described(chunk):
            self._add(_phrase_text(chunk), "face", chunk.head)
        elif (
            after is not None
            and ((after.kind == "VERB" and after.tokens[0].form == "part") or after.kind == "AP")
            and chunk.head == "hair"
        ):
            tail = chunks[index + 2 : index + 4]
            extra = (
                " ".join(piece.low for piece in tail)
                if len(tail) == 2 and tail[0].low in ("in", "into", "back")
                else ""
            )
            self._add(f"hair {after.low} {extra}".strip(), "face", "hair")

    def _np_expression(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if (
            context.owner != "main"
            or context.verb in ("speech", "put_on")
            or context.preposition in ("into", "to", "from", "for")
        ):
            return
        state = context.verb in ("wear", "have", "be", "hold", "seem", "") or context.preposition in (
            "with",
            "in",
        )
        if (
            state
            and not context.future
            and (self._described(chunk) or chunk.head in ("smile", "grin", "frown", "smirk", "scowl", "pout"))
        ):
            self._add(_phrase_text(chunk), "expression", chunk.head)

    def _np_material(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        """ "a brown jacket made of leather" -> "a brown leather jacket"."""
        if chunk.determiner or chunk.inner is not None:
            self._np_object(chunks, index, chunk, context)
        elif context.lemma == "make" and context.preposition in ("of", "from") and self.phrases:
            last = self.phrases[-1]
            if last.text.endswith(last.head):
                text = f"{last.text[: -len(last.head)]}{_phrase_text(chunk)} {last.head}"
                self.phrases[-1] = Phrase(text, last.kind, last.head)

    def _np_body(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if (
            chunk.head == "head"
            and context.owner == "main"
            and any(t.low in ("shaved", "bald", "shaven") for t in chunk.modifiers)
        ):
            self._add(_phrase_text(chunk), "face", "head")
            return
        after = chunks[index + 1] if index + 1 < len(chunks) else None
        if (
            context.owner == "main"
            and context.preposition == "with"
            and after is not None
            and after.low in _STATIC_BODY
            and not self.acted
        ):
            self._add(f"{chunk.tokens[-1].low} {after.low}", "pose", chunk.head)

    def _np_place(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if context.negated or (
            context.verb == "sense" and context.preposition not in ("in", "at", "on", "inside", "near", "by")
        ):
            return
        if (context.verb == "speech" and not context.preposition) or context.preposition in (
            "about",
            "like",
            "of",
        ):
            return
        described = self._described(chunk)
        if chunk.head in _BARE_PLACES and not described and not context.posture:
            return
        text = _phrase_text(chunk)
        if context.posture and context.direct and context.owner == "main":
            article = chunk.determiner != "the"
            text = f"{'' if article else 'the '}{_phrase_text(chunk, article=article)}"
            self._add(f"{context.posture} {context.preposition} {text}", "pose", chunk.head)
            context.posture = ""
            return
        if context.direct and context.preposition in _KEPT_PREPOSITIONS:
            article = chunk.determiner != "the"
            text = f"{context.preposition} {'' if article else 'the '}{_phrase_text(chunk, article=article)}"
        known = any(phrase.kind == "place" for phrase in self.phrases)
        self._add(text, "corner" if known else "place", chunk.head)

    def _np_light(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if context.verb == "speech" or context.preposition in ("about", "like"):
            return
        timely = chunk.head in _TIMES and context.preposition in ("at", "in", "during")
        if chunk.head in lx.WEAK_LIGHT and not self._described(chunk) and not timely:
            return
        self._add(_phrase_text(chunk), "light", chunk.head)

    def _np_abstract(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        """ "in her thirties" is an age that shows."""
        if (
            (chunk.head in _DECADES or (chunk.head[0].isdigit() and chunk.low.endswith("0s")))
            and context.preposition == "in"
            and context.owner == "main"
        ):
            words = " ".join(token.low for token in chunk.tokens if token.tag not in ("POSS", "DET"))
            self._add(f"in {possessive(self.subject)} {words}", "looks", chunk.head)
        else:
            self._np_nothing(chunks, index, chunk, context)

    def _np_style(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        described = [token.low for token in chunk.modifiers if token.low not in _EMPTY_MODIFIERS]
        if chunk.head == "bokeh" or (
            described
            and chunk.head not in ("portrait", "photo", "photograph", "painting", "film", "contrast")
        ):
            self._add(_phrase_text(chunk), "style", chunk.head)
        elif chunk.head in ("painting", "film", "photograph") and context.verb == "action":
            self._np_object(chunks, index, chunk, context)
        else:
            self._np_nothing(chunks, index, chunk, context)

    def _np_object(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        if (
            context.owner == "other"
            or context.verb in ("speech", "sense")
            or context.preposition in ("about", "like", "as", "for")
        ):
            return
        if context.lemma in ("smell", "taste", "reek") and context.preposition in ("of", "like"):
            return
        if chunk.inner is not None and chunk.inner.noun in ("sound", "smell"):
            return
        if noun_class(chunk.tokens[0].lemma) in ("sound", "smell") and len(chunk.tokens) == 1:
            return
        if context.verb == "wear" and not context.preposition:
            self._add(_phrase_text(chunk, article=True), "garment", chunk.head)
            return
        held = (
            context.verb == "hold"
            and context.owner == "main"
            and not context.preposition
            and not context.future
        )
        if context.posture and context.direct:
            self._add(
                f"{context.posture} {context.preposition} {_phrase_text(chunk, article=True)}",
                "pose",
                chunk.head,
            )
            context.posture = ""
            return
        self._add(_phrase_text(chunk, article=held), "held" if held else "object", chunk.head)

    # --- adjectives -------------------------------------------------------------------------------------------------

    def _adjectives(self, chunks: list[Chunk], index: int, chunk: Chunk, context: _Context) -> None:
        words = [token for token in chunk.tokens if token.tag == "ADJ"]
        before = chunks[index - 1] if index else None
        if before is not None and before.kind == "NP" and before.noun == "face" and context.owner == "main":
            self._add(" ".join(token.low for token in [*words, before.tokens[-1]]), "face", before.head)
            return
        for token in words:
            if token.low in lx.STYLE_ADJECTIVES:
                self._add(token.low, "style", token.low)
        if context.clause_negated or context.negated:
            context.negated = False
            return
        predicate = context.verb in ("be", "seem") and context.verb_seen
        subject = context.subject_chunk
        if predicate and subject is not None and context.subject == "thing":
            self._predicate(chunk, subject)
        elif context.owner == "main" and not context.direct:
            for token in words:
                if (
                    token.low in lx.LOOKS_ADJECTIVES | lx.AGE | lx.MOOD_ADJECTIVES
                    and token.low not in ("engaged", "absorbed", "intent", "focused")
                    and not self.acted
                ):
                    self._look(token.low, token.low)

    def _predicate(self, chunk: Chunk, subject: Chunk) -> None:
        """ "Her hair is long and curly" -> "long and curly hair"."""
        kinds = {
            "face": "face",
            "garment": "garment",
            "place": "place",
            "light": "light",
            "expression": "expression",
            "object": "object",
        }
        if subject.noun not in kinds:
            return
        words = " ".join(
            token.low for token in chunk.tokens if token.low not in ("very", "quite", "rather", "also")
        )
        noun = _phrase_text(subject)
        self.phrases = [
            phrase
            for phrase in self.phrases
            if phrase.text not in (noun, _phrase_text(subject, article=True))
        ]
        kind = kinds[subject.noun]
        if kind == "place" and any(phrase.kind == "place" for phrase in self.phrases):
            kind = "corner"
        self._add(f"{words} {noun}", kind, subject.head)

    @staticmethod
    def _described(chunk: Chunk) -> bool:
        """Whether a modifier says something that can be seen."""
        if chunk.inner is not None and chunk.inner.noun in ("object", "light", "place", "garment", "face"):
            return True
        return any(
            token.tag in ("ADJ", "NOUN", "NAME") and token.low not in _EMPTY_MODIFIERS
            for token in chunk.modifiers
        )

    def _add(self, text: str, kind: str, head: str) -> None:
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


def _phrase_text(chunk: Chunk, article: bool = False) -> str:
    """A noun phrase's own words without determiners, sounds and smells; "a red scarf" with `article`."""
    words: list[str] = []
    for token in chunk.tokens:
        if (
            token.tag in ("DET", "POSS", "GEN")
            or token.low in _EMPTY_MODIFIERS
            or token.low in lx.SOUND_SMELL_ADJECTIVES
        ):
            if token.tag == "GEN" and words:
                words[-1] += "'s"
            continue
        words.append(token.text if token.tag == "NAME" else token.low)
    while words and words[0] in (",", "and", "or", "&"):
        words.pop(0)
    text = " ".join(words).replace(" ,", ",")
    if (
        article
        and chunk.determiner not in ("", "some", "both", "these", "those")
        and not chunk.plural
        and text
        and not (text.endswith("s") and not text.endswith("ss"))
        and singular(chunk.head) not in ("clothing", "attire", "jewelry", "denim", "makeup", "hair")
    ):
        text = ("an " if text[0] in "aeiou" else "a ") + text
    return text


def render(
    subject: str, phrases: list[Phrase], limit: int, count: Callable[[str], int], trigger: str = ""
) -> str:
    """The spatial prompt: at most `limit` tokens by `count`, the least visible phrases dropped first.

    Order: trigger words, subject, looks, face, expression, clothing, what is held, pose, objects, place, light, style, "close-up".
    """
    kept = list(phrases)
    text = trigger + _joined(subject, kept)
    while count(text) > limit and kept:
        weakest = min(range(len(kept)), key=lambda at: (KINDS[kept[at].kind][1], -at))
        kept.pop(weakest)
        text = trigger + _joined(subject, kept)
    return text


def _joined(subject: str, phrases: list[Phrase]) -> str:
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
    return ", ".join([*parts, "close-up"])
