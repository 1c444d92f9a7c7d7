"""Words with their part of speech: a small tagger driven by the lexicon, word forms and the words beside.

It knows no sentence by heart. A word that the lexicon does not know is read from its ending and its
neighbours.
"""

from __future__ import annotations

import re

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.function_words import tag_function_word
from stillmotion.prompts.morphology import guess_base, singular, verb_readings
from stillmotion.prompts.spots import Clause, Spot
from stillmotion.prompts.tokens import Token, is_noun, may_join_noun, noun_class, tokenize
from stillmotion.prompts.verb_words import is_last_chance, is_verb_not_adjective, verb_form

_ADJECTIVE_ENDINGS = (
    *("ful", "ous", "less", "ish", "able", "ible", "ive", "ical", "ary", "esque", "ic", "al", "like", "ese"),
)
_HYPHENATED_ENDINGS = ("ed", "ing", "length", "colored", "style", "toned", "old", "like", "neck")


def tag(text: str) -> list[Token]:
    """The tokens of a sentence, tagged.

    Tags: DET POSS NUM PRON OPRON PREP TO CONJ SUB REL AUX NEG ADV ADJ NOUN NAME VERB GEN PUNCT.
    """
    tokens = tokenize(text)
    clause = Clause()
    for index, token in enumerate(tokens):
        token.tag = _tag(Spot(tokens, index, clause))
        if not token.lemma:
            token.lemma = singular(token.low) if token.tag in ("NOUN", "NAME") else token.low
        clause.note(token)
    return tokens


def _tag(spot: Spot) -> str:
    low = spot.low
    if not (low[0].isalnum() or low[0] == "'"):
        return "CONJ" if low == "&" else "PUNCT"
    if low[0].isdigit():
        decade = re.fullmatch(r"\d+0s", low)
        return "NOUN" if decade else "ADJ" if re.search("[a-z]", low) else "NUM"
    return tag_function_word(spot) or _content_word(spot)


def _content_word(spot: Spot) -> str:
    """ADJ, NAME, VERB or NOUN, whichever this place asks for."""
    if _shades_colour(spot):
        return "ADJ"
    if spot.low in lx.ADJECTIVES and not _names_thing(spot) and not is_verb_not_adjective(spot):
        return "ADJ"
    if _is_name(spot):
        return "NAME"
    form = "s" if is_last_chance(spot) else verb_form(spot)
    if form:
        readings = verb_readings(spot.low)
        spot.token.form = form
        spot.token.lemma = next((base for base, kind in readings if kind == form), guess_base(spot.low))
        return "VERB"
    if _is_verbal_adjective(spot):
        spot.token.form = "ing" if spot.low.endswith("ing") else "part"
        return "ADJ"
    return "ADJ" if _ends_like_adjective(spot) else "NOUN"


def _shades_colour(spot: Spot) -> bool:
    """Whether a noun belongs to the colour behind it: "lemon yellow", "baby pink", "fire engine red". A
    person, a feature or a garment does so only before a further noun ("baby pink dress", but "her hair
    black").
    """
    following = [token.low for token in spot.tokens[spot.index + 1 : spot.index + 4]]
    if len(following) > 1 and spot.opens and following[1] in lx.HUES and is_noun(following[0]):
        following = following[1:]  # "fire" of "fire engine red"
    if not following or following[0] not in lx.HUES or not may_join_noun(spot.low):
        return False
    kind = noun_class(singular(spot.low))
    if (spot.forms and not spot.opens and not is_noun(spot.low)) or singular(spot.low) != spot.low:
        return False
    attributive = spot.opens and len(following) > 1 and may_join_noun(following[1])
    if kind == "person":
        return attributive and spot.low not in lx.FEMALE | lx.MALE | lx.GENERIC_PEOPLE
    return attributive or kind not in ("face", "garment", "body", "footwear")


def _names_thing(spot: Spot) -> bool:
    """Whether an adjective that is a noun too ends its phrase: "tank top", "window light"."""
    if not is_noun(spot.low) or not (spot.opens or spot.before_tag("NOUN", "NAME")) or spot.before is None:
        return False
    verb_next = any(form == "s" for _, form in verb_readings(spot.after)) and spot.low not in lx.HUES
    return not spot.noun_follows or verb_next


def _is_name(spot: Spot) -> bool:
    text, low = spot.token.text, spot.low
    return (
        text[0].isupper()
        and not spot.forms
        and not is_noun(low)
        and low not in lx.ADJECTIVES
        and len(text) > 1
        and text.replace("-", "").rstrip(".").isalpha()
        and not low.endswith(("ing", "ly"))
        and not (text.isupper() and spot.index > 0)
    )


def _is_verbal_adjective(spot: Spot) -> bool:
    """For instance "glowing", "embroidered", "broken" before a noun, or a participle that can be nothing
    else.
    """
    low = spot.low
    if is_noun(low):
        return False
    ending = low.endswith(("ed", "ing")) or (low.endswith("en") and "part" in spot.forms)
    return (ending and spot.noun_follows) or ("part" in spot.forms and not spot.forms & {"base", "s"})


def _ends_like_adjective(spot: Spot) -> bool:
    low = spot.low
    if "-" in low:
        parts = low.split("-")
        if parts[-1] == "neck" and not spot.noun_follows:
            return False  # "a roll-neck" is a garment, "a roll-neck jumper" is one too
        return (
            all(part in lx.ADJECTIVES for part in parts)
            or parts[-1] in lx.HUES
            or parts[-1].endswith(_HYPHENATED_ENDINGS)
        )
    if is_noun(low):
        return False
    previous = spot.previous
    predicate = previous is not None and (previous.tag == "AUX" or previous.lemma in lv.SEEM)
    if low.endswith(_ADJECTIVE_ENDINGS) and (spot.noun_follows or predicate):
        return True
    one_more = spot.after in lx.ADJECTIVES and not is_noun(spot.after)  # "ripe" of "ripe old age"
    return spot.opens and spot.noun_follows and not spot.forms and (low.endswith("y") or one_more)
