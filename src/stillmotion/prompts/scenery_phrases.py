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
_KEPT_PREPOSITIONS = frozenset(
    (
        *("near", "beside", "against", "by", "under", "beneath", "behind", "below", "opposite", "alongside"),
        *("next to", "in front of", "on top of", "at the edge of", "on the edge of", "in the middle of"),
    )
)
_BEHIND = frozenset(f"{word} {whom}" for word in ("behind", "around") for whom in ("him", "her", "them"))
_TIMES = words("""
    night dusk dawn sunset sunrise evening morning afternoon noon midnight twilight autumn winter summer
""")


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
        if chunk.head in _BARE_PLACES and not (is_described or behind or context.posture):
            return
        text = phrase_text(chunk)
        if context.posture and context.direct and context.preposition != "with" and context.owner == "main":
            article = chunk.determiner != "the"
            text = f"{'' if article else 'the '}{phrase_text(chunk, article=article)}"
            self.add(f"{context.posture} {context.preposition} {text}", "pose", chunk.head)
            context.posture = ""
            return
        if context.direct and context.preposition in _KEPT_PREPOSITIONS:
            article = chunk.determiner != "the"
            text = f"{context.preposition} {'' if article else 'the '}{phrase_text(chunk, article=article)}"
        known = any(phrase.kind == "place" for phrase in self.phrases)
        self.add(text, "corner" if known else "place", chunk.head)

    def take_light(self, chunk: Chunk, context: Context) -> None:
        if context.verb == "speech" or context.preposition in ("about", "like", "as"):
            return
        timely = chunk.head in _TIMES and context.preposition in ("at", "in", "during")
        if chunk.head in lx.WEAK_LIGHT and not described(chunk) and not timely:
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
        if context.lemma in ("smell", "taste", "reek") and context.preposition in ("of", "like"):
            return
        if chunk.inner is not None and chunk.inner.noun in ("sound", "smell"):
            return
        if noun_class(chunk.tokens[0].lemma) in ("sound", "smell") and len(chunk.tokens) == 1:
            return
        coloured = any(token.low.rsplit("-", 1)[-1] in lx.HUES for token in chunk.modifiers)
        clothed = context.direct and context.preposition == "in" and context.verb in ("", "be")
        unknown = clothed and coloured and not is_noun(chunk.head)  # "in a duck yellow sou'wester"
        if unknown or (context.verb == "wear" and not context.preposition):
            self.add(phrase_text(chunk, article=True), "garment", chunk.head)
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
