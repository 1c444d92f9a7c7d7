"""What belongs to the main character: looks, face, expression, clothing."""

from __future__ import annotations

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.chunks import Chunk, gender_of, own_noun
from stillmotion.prompts.phrases import EMPTY_MODIFIERS, Context, Phrase, described, phrase_text
from stillmotion.prompts.scenery_phrases import SceneryPhrases
from stillmotion.prompts.tokens import is_trade
from stillmotion.prompts.wordlist import words

_ACCESSORIES = words("""
    earring necklace pendant bracelet watch wristwatch ring brooch badge belt earphone earbud pin cufflink
    anklet lanyard sleeve collar backpack handbag purse rucksack satchel bow ribbon hairpin jewelry
    jewellery accessory
""")
_SELF_TELLING = words("""
    beard moustache mustache goatee stubble freckle tattoo braid ponytail bun pigtail dreadlock makeup
    make-up scar wrinkle dimple bang bangs mohawk afro lipstick cornrow topknot curl sideburn complexion
""")
_STATIC_BODY = words("""
    crossed folded clasped raised closed outstretched interlaced tilted open bowed spread tied
""")
_HANDLES = words("""
    adjust touch remove tip fix straighten unbutton tuck smooth zip unzip button doff loosen tighten check
    take lift fasten buckle unbuckle
""")  # done to what one wears
_SMILE_ADJECTIVES = words(
    "bright subtle slight faint soft broad wide radiant intense"
)  # of a smile, not of a person


class PersonPhrases(SceneryPhrases):
    """Takes the noun phrases of a person."""

    def take_person(self, chunk: Chunk, context: Context) -> None:
        context.owner = chunk.role
        if chunk.role != "main":
            return
        looks = [
            token.low
            for token in chunk.modifiers
            if token.low not in EMPTY_MODIFIERS and token.tag in ("ADJ", "NAME", "NOUN")
        ]
        if any(token.tag == "ADJ" for token in chunk.modifiers) or looks:
            for token in chunk.modifiers:
                word = token.text if token.tag == "NAME" else token.low
                if token.low in looks and word not in ("alone", "same", "lone", "solitary"):
                    self._look(word, token.low)
        if self.subject == "A person" and gender_of(chunk.head) and chunk.head not in lx.SUBJECT_PRONOUNS:
            self.add(chunk.head, "looks", chunk.head)
        elif chunk.head in lx.YOUTH:
            self.add("young", "looks", "young")
        elif is_trade(chunk.head):
            trade = [token.low for token in chunk.modifiers if token.tag == "NOUN"]
            noun = " ".join([*trade, own_noun(chunk.head, self.subject)])
            self.add(noun, "looks", chunk.head)

    def _look(self, word: str, low: str) -> None:
        if low in lv.EXPRESS or low in ("smiling", "grinning", "frowning", "laughing"):
            self.add("smiling" if low == "laughing" else low, "expression", low)
        elif low in _SMILE_ADJECTIVES:
            return
        elif low in lx.MOOD_ADJECTIVES and low not in lx.LOOKS_ADJECTIVES:
            self.add(f"{low} expression", "expression", "expression")
        elif low in lx.SOUND_SMELL_ADJECTIVES or (
            low.endswith("ing") and low not in ("charming", "stunning", "aging")
        ):
            return
        elif low not in ("main", "stunning", "visible", "first"):
            self.add(word, "looks", low)

    def take_garment(self, chunk: Chunk, context: Context) -> None:
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
            self.take_object(chunk, context)
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
        ) and not described(chunk):
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
            self.add(phrase_text(chunk), "object", chunk.head)
            return
        text = phrase_text(chunk, article=True)
        self.add(text, "accessory" if chunk.head in _ACCESSORIES else "garment", chunk.head)

    def take_face(self, chunk: Chunk, context: Context) -> None:
        if context.owner != "main" or context.verb in ("put_on", "sense"):
            return
        after = context.following[0] if context.following else None
        if (
            context.preposition == "with"
            and after is not None
            and after.low in _STATIC_BODY
            and not described(chunk)
        ):
            self.add(f"{chunk.head}s {after.low}", "pose", chunk.head)
        elif chunk.head in _SELF_TELLING or described(chunk):
            self.add(phrase_text(chunk), "face", chunk.head)
        elif (
            after is not None
            and ((after.kind == "VERB" and after.tokens[0].form == "part") or after.kind == "AP")
            and chunk.head == "hair"
        ):
            tail = context.following[1:3]
            extra = (
                " ".join(piece.low for piece in tail)
                if len(tail) == 2 and tail[0].low in ("in", "into", "back")
                else ""
            )
            self.add(f"hair {after.low} {extra}".strip(), "face", "hair")

    def take_expression(self, chunk: Chunk, context: Context) -> None:
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
            and (described(chunk) or chunk.head in ("smile", "grin", "frown", "smirk", "scowl", "pout"))
        ):
            self.add(phrase_text(chunk), "expression", chunk.head)

    def take_material(self, chunk: Chunk, context: Context) -> None:
        """For instance "a brown jacket made of leather" -> "a brown leather jacket"."""
        if chunk.determiner or chunk.inner is not None:
            self.take_object(chunk, context)
        elif context.lemma == "make" and context.preposition in ("of", "from") and self.phrases:
            last = self.phrases[-1]
            if last.text.endswith(last.head):
                text = f"{last.text[: -len(last.head)]}{phrase_text(chunk)} {last.head}"
                self.phrases[-1] = Phrase(text, last.kind, last.head)

    def take_body(self, chunk: Chunk, context: Context) -> None:
        if (
            chunk.head == "head"
            and context.owner == "main"
            and any(t.low in ("shaved", "bald", "shaven") for t in chunk.modifiers)
        ):
            self.add(phrase_text(chunk), "face", "head")
            return
        after = context.following[0] if context.following else None
        if (
            context.owner == "main"
            and context.preposition == "with"
            and after is not None
            and after.low in _STATIC_BODY
            and not self.acted
        ):
            self.add(f"{chunk.tokens[-1].low} {after.low}", "pose", chunk.head)
