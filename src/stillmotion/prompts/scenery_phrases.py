"""What surrounds the main character: place, light, objects, style."""

from __future__ import annotations

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts.chunks import Chunk
from stillmotion.prompts.phrases import EMPTY_MODIFIERS, Context, PhraseBook, described, phrase_text
from stillmotion.prompts.tokens import is_noun, noun_class
from stillmotion.prompts.wordlist import words

_BARE_PLACES = words("""
    background backdrop setting environment scene surroundings interior space area corner spot place
    location ground floor scenery landscape set track sky horizon wall deck court chair seat bed ring path
    trail building home stand
""")
_AMID = words("between among amongst amid amidst")
_KEPT_PREPOSITIONS = frozenset(
    (
        *("near", "beside", "against", "by", "under", "beneath", "behind", "below", "opposite", "alongside"),
        *_AMID,
        *("next to", "in front of", "on top of", "at the edge of", "on the edge of", "in the middle of"),
    )
)
_BEHIND = frozenset(f"{word} {whom}" for word in ("behind", "around") for whom in ("him", "her", "them"))
_LIT = words("lit lighted illuminated bathed washed flooded drenched bathing")
_FALLING = words("falling coming shining streaming pouring")
_FALLS = words("fall come shine stream pour")
_SIDES = words("side left right front back")
_WHENCE = words("above behind below")
_IN_LIGHT = words("in at under during by beneath against amid")
_TIMES = words("""
    night dusk dawn sunset sunrise evening morning afternoon noon midnight twilight autumn winter summer
""")


def _is_around(context: Context) -> bool:
    return context.lemma == "surround" and context.preposition == "by"


class SceneryPhrases(PhraseBook):
    """Takes the noun phrases of places, light and things."""

    def take_place(self, chunk: Chunk, context: Context) -> None:
        if context.negated or (
            context.verb == "sense" and context.preposition not in ("in", "at", "on", "inside", "near", "by")
        ):
            return
        if (context.verb == "speech" and not context.preposition) or context.preposition in (
            "about",
            "like",
            "as",
            "of",
        ):
            return
        is_described = described(chunk)
        after = " ".join(piece.low for piece in context.following[:2])
        behind = after in _BEHIND and chunk.head not in ("background", "backdrop")
        painted = after.startswith(("painted ", "coloured ", "colored "))
        if chunk.low == "home" and context.direct and context.preposition == "at":
            self.add("at home", "place", "home")
            return
        if chunk.head in _BARE_PLACES and not (painted or is_described or behind or context.posture):
            return
        text = phrase_text(chunk)
        if painted and chunk.head == "wall":
            text, context.read = f"{text} {after}", 2  # "a wall painted green"
        if context.posture and context.direct and context.preposition != "with" and context.owner == "main":
            article = chunk.determiner != "the"
            text = f"{'' if article else 'the '}{phrase_text(chunk, article=article)}"
            self.add(f"{context.posture} {context.preposition} {text}", "pose", chunk.head)
            context.posture = ""
            return
        named = context.preposition in _AMID and chunk.inner is not None and chunk.inner.noun == "place"
        if context.direct and context.preposition in _KEPT_PREPOSITIONS and not named:
            article = chunk.determiner != "the"
            where = "surrounded by" if _is_around(context) else context.preposition
            said = phrase_text(chunk, article=article) + (f" {after}" if painted and context.read else "")
            text = f"{where} {'' if article else 'the '}{said}"
        known = any(phrase.kind == "place" and phrase.head not in lx.PLACE_ADVERBS for phrase in self.phrases)
        self.add(text, "corner" if known else "place", chunk.head)

    def take_name(self, chunk: Chunk, context: Context) -> None:
        """A name is nothing to be seen, but "downtown Chicago" is a place."""
        if any(noun_class(token.low) == "place" for token in chunk.modifiers) and context.direct:
            self.take_place(chunk, context)

    def take_lamp(self, chunks: list[Chunk], index: int, context: Context) -> bool:
        """What gives the light that one is in: "lit by neon signs", "under street lamps"."""
        chunk, before = chunks[index], chunks[index - 1] if index else None
        if chunk.head not in lx.LAMPS or not context.direct or before is None:
            return False
        verb = chunks[index - 2] if index > 1 else None
        lit = verb is not None and verb.tokens[-1].low in _LIT and before.low in ("by", "in", "with", "from")
        if not lit and not (
            before.low in ("under", "beneath") and chunk.noun in ("light", "object", "action")
        ):
            return False
        said = f"lit {before.low}" if lit else before.low
        the = "the " if chunk.determiner == "the" else ""
        self.add(f"{said} {the}{phrase_text(chunk, article=not the)}", "light", chunk.head)
        return True

    def take_beam(self, chunks: list[Chunk], index: int, context: Context) -> bool:
        """Light with where it comes from: "hard light from the side", "lit from behind", "light falling on
        her face from the left".
        """
        said = [token for token in chunks[index].tokens if token.tag not in ("DET", "POSS")]
        said = [token for token in said if token.low not in EMPTY_MODIFIERS]
        if said and said[-1].low in _FALLING:
            said.pop()
        if not said or not (said[-1].low in _LIT or noun_class(said[-1].lemma) == "light"):
            return False
        at = index + 1
        while at < len(chunks) and (
            chunks[at].kind == "ADV"
            or chunks[at].tokens[0].lemma in _FALLS
            or (chunks[at].low in ("on", "onto", "over", "across") and at + 2 < len(chunks))
            or chunks[at - 1].low in ("on", "onto", "over", "across")
        ):
            at += 1
        if at + 1 >= len(chunks) or chunks[at].low != "from":
            return False
        source = chunks[at + 1]
        if source.head not in _SIDES and source.low not in _WHENCE:
            return False
        whence = ["the" if token.tag == "POSS" else token.low for token in source.tokens]
        if not (context.negated or context.clause_negated or context.owner == "other"):
            self.add(" ".join([*(token.low for token in said), "from", *whence]), "light", said[-1].lemma)
        context.read = at + 1 - index
        return True

    def take_light(self, chunk: Chunk, context: Context) -> None:
        if context.preposition in ("about", "like", "as"):
            return
        if context.verb == "speech" and context.preposition not in _IN_LIGHT:  # "speaks of the sunset"
            return
        timely = chunk.head in _TIMES and context.preposition in ("at", "in", "during")
        given = chunk.inner is not None and chunk.inner.head in lx.LAMPS  # "the light of a shop sign"
        if chunk.head in lx.WEAK_LIGHT and not (described(chunk) or timely or given):
            return
        self.add(phrase_text(chunk), "light", chunk.head)

    def take_sound(self, chunk: Chunk, context: Context) -> None:
        """Of "the smell of garlic and butter" the butter is no more to be seen than the garlic."""
        if chunk.inner is not None:
            context.verb = "sense"

    take_smell = take_sound

    def take_style(self, chunk: Chunk, context: Context) -> None:
        adjectives = [token.low for token in chunk.modifiers if token.low not in EMPTY_MODIFIERS]
        if chunk.head == "bokeh" or (
            adjectives
            and chunk.head not in ("portrait", "photo", "photograph", "painting", "film", "contrast")
        ):
            self.add(phrase_text(chunk), "style", chunk.head)
        elif chunk.head in ("painting", "film", "photograph") and context.verb == "action":
            self.take_object(chunk, context)
        else:
            self.take_nothing(chunk, context)

    def take_object(self, chunk: Chunk, context: Context) -> None:
        if (
            context.owner == "other"
            or context.verb in ("speech", "sense")
            or context.preposition in ("about", "like", "as", "for")
        ):
            return
        smells = context.lemma in ("smell", "taste", "reek") and context.preposition in ("of", "like")
        if smells or (chunk.inner is not None and chunk.inner.noun in ("sound", "smell")):
            return
        if noun_class(chunk.tokens[0].lemma) in ("sound", "smell") and len(chunk.tokens) == 1:
            return
        coloured = any(token.low.rsplit("-", 1)[-1] in lx.HUES for token in chunk.modifiers)
        clothed = context.direct and context.preposition == "in" and context.verb in ("", "be")
        unknown = clothed and coloured and not is_noun(chunk.head)  # "in a duck yellow sou'wester"
        if unknown or (context.verb == "wear" and not context.preposition):
            self.add(phrase_text(chunk, article=True), "garment", chunk.head)
            return
        tells = context.direct and chunk.plural and (context.preposition in _AMID or _is_around(context))
        if tells and not any(piece.noun == "place" for piece in context.following[:2]):
            self.take_place(chunk, context)  # "between tall trees": things tell where one is
            return
        held = (
            context.verb == "hold"
            and context.owner == "main"
            and not context.preposition
            and not context.future
        )
        if context.posture and context.direct and context.preposition != "with":
            self.add(
                f"{context.posture} {context.preposition} {phrase_text(chunk, article=True)}",
                "pose",
                chunk.head,
            )
            context.posture = ""
            return
        self.add(phrase_text(chunk, article=held), "held" if held else "object", chunk.head)
