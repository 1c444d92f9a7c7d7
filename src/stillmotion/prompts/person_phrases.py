"""What belongs to the main character: looks, face, expression, clothing."""

from __future__ import annotations

import re

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.chunks import Chunk, gender_of, own_noun, possessive
from stillmotion.prompts.morphology import gerund
from stillmotion.prompts.phrases import EMPTY_MODIFIERS, Context, Phrase, described, phrase_text
from stillmotion.prompts.scenery_phrases import SceneryPhrases
from stillmotion.prompts.tokens import is_trade
from stillmotion.prompts.wordlist import words

_ACCESSORIES = words("""
    earring hoop necklace pendant bracelet watch wristwatch ring brooch badge belt earphone earbud pin
    cufflink anklet lanyard sleeve collar backpack handbag purse rucksack satchel bow ribbon hairpin jewelry
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
_DECADES = words("""
    twenty thirty forty fifty sixty seventy eighty ninety mid-twenty mid-thirty mid-forty mid-fifty
    mid-sixty mid-seventy mid-eighty teens
""")
_AGE_WORDS = words("in of past over under about around nearly almost just well roughly aged")
_YEARS = re.compile(r"[1-9]\d|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?")
_OF_HAIR = words("""
    blond blonde auburn brown black brunette ginger golden copper chestnut platinum honey silver silvery
    dark grey gray strawberry raven reddish sandy shoulder-length flowing loose beachy tousled
""")
_EXPRESSING = frozenset(gerund(verb) for verb in lv.EXPRESS)
_WEEPING = words("crying weeping sobbing")
_WORN = words("worn kept cut cropped trimmed clipped shorn buzzed shaved")
_FALLS = words("fall flow cascade hang tumble reach frame touch")


def _goes_on(chunks: list[Chunk], begin: int, at: int) -> bool:
    """Whether the chunk at `at` still says how hair is worn, the first chunk of it at `begin`."""
    chunk, first = chunks[at], at == begin
    if chunk.kind == "VERB":
        token = chunk.tokens[0]
        return first and (token.form == "part" or (token.form == "ing" and token.lemma in _FALLS))
    if first and chunk.kind == "AP" and chunk.tokens[0].low in _WORN:
        return True
    if first:
        up = chunk.low in ("up", "back") and chunk.kind == "ADV"
        measure = begin == 0 and chunk.head in ("colour", "color", "length")
        shaped = chunk.low in ("in", "into") and chunks[at + 1 : at + 2] and chunks[at + 1].noun == "face"
        placed = chunk.kind == "AP" and chunks[at + 1 : at + 2] and chunks[at + 1].kind in ("PREP", "ADV")
        return (
            up
            or bool(placed)
            or bool(shaped)
            or (begin == 0 and (chunk.low in ("down", "as", "past", "to") or measure))
        )
    if chunk.kind == "NP":
        near = chunks[at - 1].kind == "PREP" or chunks[at - 1].head in ("reach", "touch", "frame")
        return near and chunk.noun not in ("garment", "place", "person")
    return chunk.kind in ("ADV", "AP") or (chunk.kind == "PREP" and chunk.low not in ("with", "by", "for"))


def _tells(chunk: Chunk) -> bool:
    """Whether an expression is told by what it is of: "a look of astonishment"."""
    return chunk.inner is not None and chunk.inner.head in lx.FEELINGS


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
        inner = chunk.inner
        if inner is not None and inner.noun in ("abstract", "face", "body") and described(inner):
            self.add(f"of {phrase_text(inner)}", "looks", inner.head)
        if self.subject == "A person" and gender_of(chunk.head) and chunk.head not in lx.SUBJECT_PRONOUNS:
            self.add(chunk.head, "looks", chunk.head)
        elif chunk.head in lx.YOUTH:
            self.add("young", "looks", "young")
        elif is_trade(chunk.head):
            trade = [token.low for token in chunk.modifiers if token.tag == "NOUN"]
            noun = " ".join([*trade, own_noun(chunk.head, self.subject)])
            self.add(noun, "looks", chunk.head)

    def _look(self, word: str, low: str) -> None:
        if low in lv.EXPRESS or low in _EXPRESSING or low == "laughing":
            self.add("smiling" if low == "laughing" else low, "expression", low)
        elif low in _WEEPING:
            self.add(low, "expression", low)
        elif low in _SMILE_ADJECTIVES:
            return
        elif low in lx.MOOD_ADJECTIVES and low not in lx.LOOKS_ADJECTIVES:
            self.add(f"{low} expression", "expression", "expression")
        elif low in lx.SOUND_SMELL_ADJECTIVES or (low.endswith("ing") and low not in lx.ADJECTIVES):
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
            worn_how = self._worn(context)
            if worn_how:
                self.add(f"{phrase_text(chunk)} {worn_how}", "accessory", chunk.head)
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
        after = context.following[:2]
        if [piece.kind for piece in after] == ["PREP", "AP"] and after[0].low == "in":
            text = f"{text} in {after[1].low}"  # "a shirt in bottle green"
            context.read = 2
        self.add(text, "accessory" if chunk.head in _ACCESSORIES else "garment", chunk.head)

    def take_face(self, chunk: Chunk, context: Context) -> None:
        if context.owner != "main" or context.verb in ("put_on", "sense"):
            return
        after = context.following[0] if context.following else None
        worn = self._worn(context) if chunk.head in lx.HAIR else ""
        if worn:
            self.add(f"{phrase_text(chunk)} {worn}", "face", chunk.head)
        elif (
            context.preposition == "with"
            and after is not None
            and after.low in _STATIC_BODY
            and not described(chunk)
        ):
            self.add(f"{chunk.head}s {after.low}", "pose", chunk.head)
        elif chunk.head in _SELF_TELLING or described(chunk):
            self.add(phrase_text(chunk), "face", chunk.head)

    def _worn(self, context: Context) -> str:
        """How hair is worn: "cut short", "pulled back in a ponytail", "down to the waist"; takes in these
        chunks.
        """
        following = context.following if not context.acting else []
        begin = 1 if following and following[0].low in lx.BE_FORMS else 0
        end = begin
        while end < len(following) and _goes_on(following, begin, end):
            end += 1
        if end > begin and following[end - 1].kind == "PREP":
            end -= 1
        if end == begin:
            return ""
        context.read = end
        tokens = [token for chunk in following[begin:end] for token in chunk.tokens]
        return " ".join("the" if token.tag == "POSS" else token.low for token in tokens)

    def take_action(self, chunk: Chunk, context: Context) -> None:
        """For instance "blonde waves" are hair."""
        hair = any(token.low in _OF_HAIR for token in chunk.modifiers)
        if chunk.head == "wave" and hair and chunk.plural and context.owner == "main":
            self.add(phrase_text(chunk), "face", chunk.head)
        else:
            self.take_nothing(chunk, context)

    def take_age(self, chunks: list[Chunk], index: int, context: Context) -> bool:
        """For instance "in her thirties", "of about fifty", "past middle age", "aged 60"."""
        chunk = chunks[index]
        years = chunk.kind == "AP" and bool(_YEARS.fullmatch(chunk.tokens[-1].low))
        counted = years and all(token.tag == "NUM" or token.low == "aged" for token in chunk.tokens)
        spelled = chunk.tokens[-1].low.endswith(("years old", "year old", "years-old", "year-old"))
        decade = chunk.head in _DECADES or (chunk.head[0].isdigit() and chunk.low.endswith("0s"))
        stage = chunk.head == "age" and described(chunk)
        if context.owner != "main" or not (counted or spelled or decade or stage):
            return False
        first = index
        while first and chunks[first - 1].low in _AGE_WORDS:
            first -= 1
        if first == index and not (spelled or chunk.tokens[0].low == "aged"):
            return False
        tokens = [token for part in chunks[first : index + 1] for token in part.tokens if token.tag != "DET"]
        own = possessive(self.subject)
        text = " ".join(own if token.tag == "POSS" else token.low for token in tokens)
        self.add(text, "looks", chunk.head)
        context.preposition = "with"  # as what goes on the list is had: "in his fifties, grey beard"
        return True

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
            and (
                described(chunk)
                or _tells(chunk)
                or chunk.head in ("smile", "grin", "frown", "smirk", "scowl", "pout")
            )
        ):
            self.add(phrase_text(chunk), "expression", chunk.head)

    def take_abstract(self, chunk: Chunk, context: Context) -> None:
        """What a face shows: "in tears", "(her face shows) surprise", "(her expression is one of) joy"."""
        subject = context.subject_chunk
        of_face = subject is not None and subject.noun in ("face", "expression")
        shows = context.verb in ("have", "wear") or (context.verb == "be" and context.preposition == "of")
        told = context.owner == "main" and not (context.future or self.acted) and chunk.head in lx.FEELINGS
        if told and of_face and shows:
            self.add(f"expression of {phrase_text(chunk)}", "expression", "expression")
        elif told and context.direct and self._is_in(chunk, context) and context.verb in ("", "be", "seem"):
            self.add(f"{context.preposition} {phrase_text(chunk)}", "expression", chunk.head)
        else:
            self.take_nothing(chunk, context)

    @staticmethod
    def _is_in(chunk: Chunk, context: Context) -> bool:
        """Whether a feeling is one's state: "in despair", "with tears in his eyes"."""
        return context.preposition == "in" or (context.preposition == "with" and chunk.head == "tear")

    def take_material(self, chunk: Chunk, context: Context) -> None:
        """For instance "a brown jacket made of leather" -> "a brown leather jacket"."""
        if context.direct and context.preposition in ("against", "in front of"):
            self.take_place(chunk, context)  # "against seamless grey paper"
        elif chunk.determiner or chunk.inner is not None:
            self.take_object(chunk, context)
        elif context.lemma == "make" and context.preposition in ("of", "from") and self.phrases:
            last = self.phrases[-1]
            if last.text.endswith(last.head):
                text = f"{last.text[: -len(last.head)]}{phrase_text(chunk)} {last.head}"
                self.phrases[-1] = Phrase(text, last.kind, last.head)

    def take_body(self, chunk: Chunk, context: Context) -> None:
        after = context.following[0] if context.following else None
        said = [token.low for token in chunk.modifiers] + [after.low if after is not None else ""]
        bare = next((word for word in said if word in ("shaved", "bald", "shaven")), "")
        if chunk.head == "head" and context.owner == "main" and bare:
            self.add(f"{bare} head", "face", "head")
            return
        if (
            context.owner == "main"
            and context.preposition == "with"
            and after is not None
            and after.low in _STATIC_BODY
            and not self.acted
        ):
            self.add(f"{chunk.tokens[-1].low} {after.low}", "pose", chunk.head)
