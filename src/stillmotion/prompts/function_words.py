"""Function words: determiners, pronouns, prepositions, particles, conjunctions. Each rule looks at one
family of words.
"""

from __future__ import annotations

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts.morphology import singular, verb_readings
from stillmotion.prompts.spots import Spot
from stillmotion.prompts.tokens import FUNCTION_WORDS, is_noun, may_join_noun
from stillmotion.prompts.wordlist import words

_SUBORDINATORS = words(
    "as while when because if though although whenever whereas whilst unless where how why whereupon"
)
_NOT_NUMBERS = words("second first third pair couple dozen fourth fifth")
_NOUN_OR_ADVERB = words("""
    left right back still well fast hard straight light close home very more less most
    downtown uptown backstage underwater
""")
_PARTICLES = lx.ADVERBS | words("by through over on around along across past behind inside outside")
_SHOWS = words("shows displays reveals features is has are have")
_AFTER_PARTICLES = words("in on at to with from into toward towards")
_NO_ADVERBS = words("""
    family lily belly jelly butterfly friendly lovely curly elderly lively smelly bubbly woolly wooly
    early daily silly ugly chilly fly kindly-looking assembly firefly italy gentlemanly scholarly frilly
""")
_VERBS_AND_PLACES = words("""
    stand set bar fence garden farm shop park swing stage table train bridge dock lounge track
""")


def tag_function_word(spot: Spot) -> str:
    """The tag of a function word or adverb, or "" for every other word."""
    for rule in (
        _multiword,
        _ambiguous,
        _linking,
        _before_nouns,
        _pronoun_or_verb,
        _noun_or_adverb,
        _preposition,
        _adverb,
    ):
        tag = rule(spot)
        if tag:
            return tag
    return ""


def _multiword(spot: Spot) -> str:
    low = spot.low
    if low.startswith("close") and low != "close" and singular(low).replace(" ", "-") == "close-up":
        spot.token.lemma = "close-up"
        return "NOUN"
    return "PREP" if " " in low and not low[0].isdigit() else ""


def _ambiguous(spot: Spot) -> str:
    """For instance "'s", "her", "his", "to", "that": read from the neighbours."""
    low, after = spot.low, spot.after
    if low == "'s":
        verb = spot.before_tag("PRON", "REL") or after in FUNCTION_WORDS or after.endswith("ing")
        return "AUX" if verb and spot.before is not None else "GEN"
    if low in ("her", "his"):
        owns = spot.noun_follows or after in lx.NUMBERS or after in ("own", "left", "right")
        return "POSS" if owns and not (spot.before_tag("PREP") and _acts(spot)) else "OPRON"
    if low == "to":
        base = any(form == "base" for _, form in verb_readings(after))
        place = singular(after) in lx.PLACES and after not in _VERBS_AND_PLACES
        return "TO" if base and not place else "PREP"
    if low == "that":
        if spot.before_tag("NOUN", "NAME"):
            return "REL"
        return "DET" if spot.noun_follows and not verb_readings(after) else "SUB"
    return ""


def _acts(spot: Spot) -> bool:
    """Whether the next word is a verb: "(with the sea behind her) raises both arms"."""
    if not any(form == "s" for _, form in verb_readings(spot.after)):
        return False
    second = spot.tokens[spot.index + 2].low if spot.index + 2 < len(spot.tokens) else ""
    return not is_noun(spot.after) or second in lx.DETERMINERS or second in lx.POSSESSIVES


def _linking(spot: Spot) -> str:
    """Relatives, subordinators and negations."""
    low = spot.low
    if (low == "what" and spot.after not in ("a", "an")) or (low in lx.RELATIVES and low != "whose"):
        return "REL"
    if low == "since" or (low == "as" and not _clause_follows(spot)):
        return "PREP"
    if low in _SUBORDINATORS or low in ("before", "after", "until"):
        return "SUB"
    return "NEG" if low in ("no", "neither", "not", "never", "nor") else ""


def _clause_follows(spot: Spot) -> bool:
    """Whether a verb that could be finite stands before the next mark: "as he walks", but not "as a chef"."""
    for token in spot.tokens[spot.index + 1 : spot.index + 12]:
        if not (token.low[0].isalnum() or token.low[0] == "'"):
            return False
        forms = {form for _, form in verb_readings(token.low)}
        bare = "base" in forms and not is_noun(token.low)
        if token.low in lx.AUXILIARIES or forms & {"s", "past"} or bare:
            return True
    return False


def _before_nouns(spot: Spot) -> str:
    """Possessives, determiners and numbers."""
    low, after = spot.low, spot.after
    if low in lx.POSSESSIVES:
        return "POSS"
    if low in lx.DETERMINERS and low != "so":
        sure = low in ("a", "an", "the") or after in lx.NUMBERS or after in lx.ADVERBS
        return "DET" if sure or spot.noun_follows else "PRON"
    if all(part in lx.NUMBERS - _NOT_NUMBERS for part in low.split("-")):
        return "PRON" if low == "one" and not spot.noun_follows else "NUM"
    if low in ("first", "second", "third"):
        return "NUM" if spot.before_tag("DET", "POSS") else "ADV"
    return ""


def _pronoun_or_verb(spot: Spot) -> str:
    low = spot.low
    for tag, table in (
        ("PRON", lx.SUBJECT_PRONOUNS),
        ("OPRON", lx.OBJECT_PRONOUNS),
        ("AUX", lx.AUXILIARIES | lx.MODALS),
        ("CONJ", lx.COORDINATORS - {"then"}),
    ):
        if low in table:
            return tag
    return ""


def _noun_or_adverb(spot: Spot) -> str:
    """For instance "turns left", but "on the left" and "his left hand"."""
    at = spot.index - 2 if spot.before_tag("ADJ") else spot.index - 1  # "on the far left", "is tied back"
    if spot.low in lx.PLACE_ADVERBS and spot.before is not None and spot.before.low in lx.HUES:
        return ""  # "(dressed in black) downtown"
    if spot.low in _NOUN_OR_ADVERB and at >= 0 and spot.tokens[at].tag in ("DET", "POSS", "ADJ", "PREP"):
        at_home = spot.low == "home" and spot.tokens[at].low == "at"
        return "ADJ" if spot.noun_follows and not spot.deed_follows and not at_home else "NOUN"
    return ""


def _preposition(spot: Spot) -> str:
    """For instance "walks in the park", but "walks in"."""
    low, after = spot.low, spot.after
    if low not in lx.PREPOSITIONS and not (low == "round" and spot.takes_object):
        return ""
    ends = not after or not (after[0].isalnum() or after[0] in "\"'")
    ends = ends or after in lx.COORDINATORS or after in lx.SUBORDINATORS
    acts = low in ("up", "back", "down") and spot.before_tag("VERB", "ADJ") and spot.deed_follows
    there = low in lx.PLACE_ADVERBS and any(form == "s" for _, form in verb_readings(after))
    ends = ends or acts or there  # "(hair worn) up blinks", "(a girl) outside waves"
    shows = low == "behind" and after in _SHOWS  # "the wall behind shows bricks"
    return "ADV" if (ends or shows or after in _AFTER_PARTICLES) and low in _PARTICLES else "PREP"


def _adverb(spot: Spot) -> str:
    low, after = spot.low, spot.after
    describes = may_join_noun(after) or (spot.before is not None and spot.before.low in lx.BE_FORMS)
    object_of_close = low == "close" and spot.takes_object
    if low in lx.ADVERBS and not object_of_close and not (low in lx.ADJECTIVES and describes):
        return "ADV"
    if low.endswith("ly") and spot.before_tag("DET", "POSS") and is_noun(after):
        return "ADJ"
    return "ADV" if low.endswith("ly") and len(low) > 4 and low not in _NO_ADVERBS else ""
