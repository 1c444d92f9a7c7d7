"""Spatial Semantic Parser by rules: what of a prompt a still can show, as comma-separated phrases.

The prompt is read noun phrase by noun phrase. A phrase is kept for what it is (garment, hair, place, light,
object ...) and for whose it is; verbs are never copied, so no motion reaches the still. Sounds, smells,
feet, bystanders, the camera and everything negated are left out.
"""

from __future__ import annotations

from collections.abc import Callable

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.chunks import Chunk, Sentence
from stillmotion.prompts.morphology import gerund
from stillmotion.prompts.person_phrases import PersonPhrases
from stillmotion.prompts.phrases import Context, Phrase, phrase_text
from stillmotion.prompts.tokens import Token

_POSITIVE_OF_ABSENCE = {
    "beard": "clean-shaven",
    "moustache": "clean-shaven",
    "mustache": "clean-shaven",
    "stubble": "clean-shaven",
    "hair": "bald",
    "hat": "bareheaded",
    "cap": "bareheaded",
}
_GROWS_ON = {"face": "beard", "chin": "beard", "cheek": "beard", "jaw": "beard", "lip": "moustache"}


class SpatialReader(PersonPhrases):
    """Reads parsed sentences into phrases; `phrases` is the result, in the order of reading."""

    def read(self, sentences: list[Sentence]) -> list[Phrase]:
        """All phrases of all sentences."""
        for sentence in sentences:
            context = Context()
            for index, chunk in enumerate(sentence.chunks):
                if context.read:
                    context.read -= 1
                else:
                    self._step(sentence.chunks, index, chunk, context)
        return self.phrases

    def _step(self, chunks: list[Chunk], index: int, chunk: Chunk, context: Context) -> None:
        kind = chunk.kind
        if kind in ("NP", "AP", "VERB") and self.take_beam(chunks, index, context):
            context.direct = False
        elif kind == "NP":
            self._noun_phrase(chunks, index, chunk, context)
            context.direct = False
        elif kind == "AP":
            self._adjectives(chunks, index, chunk, context)
        elif kind in ("VERB", "AUX"):
            self._verb(chunks, index, chunk, context)
        elif kind in ("PREP", "TO"):
            worn = context.verb == "wear" and chunk.low == "in" and chunks[index - 1].kind == "VERB"
            context.preposition = "" if worn else chunk.low  # "dressed in" governs as "wearing" does
            context.direct = kind == "PREP"
            context.negated_list = False
            if index and chunks[index - 1].low == ",":
                context.clause_negated = False
            if chunk.low == "without":
                context.negated = True
        elif kind == "ADV" and chunk.low in lx.PLACE_ADVERBS:
            self.take_whereabouts(chunks, index, context)
        elif kind == "NEG":
            if chunk.low != "no":
                context.clause_negated = True
            else:
                context.negated = True
        elif kind in ("PUNCT", "CONJ", "SUB", "REL"):
            self._boundary(chunk, context)

    def _boundary(self, chunk: Chunk, context: Context) -> None:
        context.direct = False
        if chunk.kind == "REL":
            context.verb_seen, context.clause_negated = False, False
            return
        if chunk.low in (",", "or", "and", "nor", "-", "\u2013", "\u2014", "/"):
            if chunk.low not in ("or", "nor"):
                context.negated_list = False
            waiting = context.candidate is not None and not context.verb_seen
            if context.verb_seen:
                context.candidate = None
            context.verb_seen = False
            if chunk.low == "," and waiting and context.candidate and context.candidate.role == "other":
                context.owner, context.posture = "other", ""
            elif chunk.low == ",":
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

    # --- verbs ------------------------------------------------------------------------------------

    def _verb(self, chunks: list[Chunk], index: int, chunk: Chunk, context: Context) -> None:
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
            ("wear", lv.WEAR),
            ("sense", lv.SENSE_VERBS),
            ("speech", lv.SPEECH),
            ("hold", lv.HOLD),
            ("posture", lv.POSTURE),
            ("have", lv.HAVE),
            ("seem", lv.SEEM),
        ):
            if lemma in table:
                return name
        return "action"

    def _visible_state(
        self, chunks: list[Chunk], index: int, token: Token, previous: str, context: Context
    ) -> None:
        """Smiling and sitting, when they are how the video begins."""
        particle = chunks[index + 1].low if index + 1 < len(chunks) else ""
        becoming = previous in ("start", "begin", "stop", "finish", "burst") or context.future
        full = chunks[index + 2] if particle == "with" and index + 2 < len(chunks) else None
        if token.form == "ing" and full is not None and full.head in lx.FEELINGS:
            if not becoming and not self.acted:
                self.add(f"{token.low} with {full.low}", "expression", token.lemma)
        elif token.form == "ing" and previous in ("", "be") and self._is_of_expression(context):
            if not becoming:  # "her expression is this: laughing"
                self.add(token.low, "expression", token.lemma)
        elif token.lemma in lv.EXPRESS:
            if token.form == "ing" and not becoming and not self.acted:
                self.add(token.low, "expression", token.lemma)
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
            and token.lemma not in lv.SCENE_VERBS
        ):
            self.acted = True

    @staticmethod
    def _is_of_expression(context: Context) -> bool:
        """Whether the clause says what a face expresses."""
        return context.subject_chunk is not None and context.subject_chunk.noun == "expression"

    # --- noun phrases -----------------------------------------------------------------------------

    def _noun_phrase(self, chunks: list[Chunk], index: int, chunk: Chunk, context: Context) -> None:
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
                or chunk.tokens[0].low == "whose"
                or (chunk.noun in people and context.candidate.noun not in people)
            )
        ):
            context.candidate = chunk
        negated = context.negated or context.negated_list
        if context.negated:
            context.negated, context.negated_list = False, True
        if negated or (context.clause_negated and context.verb in ("wear", "have", "hold", "be")):
            where = chunk.inner.head if chunk.inner is not None else "head"
            absent = chunk.head if where == "head" else _GROWS_ON.get(where, "")
            if chunk.noun in ("face", "garment") and context.owner == "main":
                self.add(_POSITIVE_OF_ABSENCE.get(absent, ""), "looks", absent)
            return
        if (
            chunk.inner is not None
            and chunk.inner.noun in ("body", "face", "footwear", "sound", "smell")
            and chunk.noun not in ("face", "person")
            and chunk.head not in lx.FEELINGS  # "in tears of laughter"
        ):
            return
        handler: Callable[[Chunk, Context], None] = getattr(self, f"take_{chunk.noun}", self.take_nothing)
        context.following = chunks[index + 1 : index + 8]
        if chunk.noun == "abstract" and self.take_age(chunks, index, context):
            return
        if self.take_lamp(chunks, index, context):
            return
        if not self._is_heard(chunks, index, context):
            handler(chunk, context)

    @staticmethod
    def _is_heard(chunks: list[Chunk], index: int, context: Context) -> bool:
        """Whether only a sound or smell of a thing is told, which need not be in sight: "a clock ticks"."""
        chunk, after = chunks[index], chunks[index + 1] if index + 1 < len(chunks) else None
        if after is None or after.kind != "VERB" or after.tokens[0].form not in ("s", "past", "base"):
            return False
        verb = after.tokens[0].lemma
        heard = verb in lv.SOUND_VERBS and chunk.noun == "object"
        return not context.direct and (heard or (verb in ("smell", "reek") and chunk.head == "room"))

    # --- adjectives -------------------------------------------------------------------------------

    def _adjectives(self, chunks: list[Chunk], index: int, chunk: Chunk, context: Context) -> None:
        words = [token for token in chunk.tokens if token.tag == "ADJ"]
        before = chunks[index - 1] if index else None
        if self.take_age(chunks, index, context):
            return
        if before is not None and before.noun == "face" and context.owner == "main" and not context.acting:
            self.add(" ".join([*(token.low for token in words), phrase_text(before)]), "face", before.head)
            return
        clad = chunks[index - 2] if before is not None and before.low == "in" and index > 1 else before
        dressed = clad is not None and (
            clad.role == "main" or (clad.kind == "VERB" and context.verb == "wear")
        )
        if dressed and context.owner == "main" and words and words[-1].low in lx.HUES:
            self.add(f"{chunk.low} clothes", "garment", "clothes")  # "a woman in black"
            return
        for token in words:
            if token.low in lx.STYLE_ADJECTIVES:
                self.add(token.low, "style", token.low)
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
        """For instance "Her hair is long and curly" -> "long and curly hair"."""
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
            token.low
            for token in chunk.tokens
            if token.tag != "DET" and token.low not in ("very", "quite", "rather", "also")
        )
        noun = phrase_text(subject)
        self.phrases = [
            phrase for phrase in self.phrases if phrase.text not in (noun, phrase_text(subject, article=True))
        ]
        if subject.head == "mood" and subject.determiner in lx.POSSESSIVES:
            self.add(f"{words} expression", "expression", "expression")
            return
        kind = kinds[subject.noun]
        if kind == "place" and any(phrase.kind == "place" for phrase in self.phrases):
            kind = "corner"
        self.add(f"{words} {noun}", kind, subject.head)
