"""Whether a word is a verb in its place, and in which form: "waves" of the woman or of the sea, "lit" or
"seated" of a scene.
"""

from __future__ import annotations

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.morphology import is_plural, singular, verb_readings
from stillmotion.prompts.spots import Spot
from stillmotion.prompts.tokens import is_noun, may_join_noun, noun_class
from stillmotion.prompts.wordlist import words

_PARTICIPLES = words("""
    dressed clad seated adorned wrapped surrounded illuminated lit named called positioned framed draped
    known perched styled tied covered captured shown seen engaged accompanied bathed located posed set
""")
_VERBS_IN_ING = words("""
    painting drawing dancing meeting setting lighting singing ringing humming whistling cheering clapping
    barking honking chirping buzzing panning zooming tracking tilting sitting thinking strumming rustling
""")
_HOLDS_NOUN = words("with in of under beneath against amid among")
_ALWAYS_VERB_ENDINGS = ("ates", "izes", "ifies")


def is_verb_not_adjective(spot: Spot) -> bool:
    """Whether an adjective that is a verb too ("open", "clean", "dry", "cool") is a verb in this place."""
    if not spot.forms or spot.previous is None:
        return False
    auxiliary = spot.previous.tag == "AUX"
    if spot.low.endswith("ing") and auxiliary and spot.previous.low in lx.BE_FORMS:
        return True
    if "base" in spot.forms and spot.takes_object and spot.clause.finite == "base":
        return spot.previous_tag("CONJ", "PUNCT")
    return "base" in spot.forms and (
        _is_let(spot) or spot.previous.tag == "TO" or (auxiliary and spot.previous.low in lx.MODALS)
    )


def verb_form(spot: Spot) -> str:
    """The verb form that a word has in this place (base, s, ing, past, part), or "" when it is no verb
    here.
    """
    low, forms = spot.low, spot.forms
    if "-" in low and not forms:
        return ""
    if low.endswith("ing") and len(low) > 4 and ("ing" in forms or not (forms or is_noun(low))):
        return _ing_form(spot)
    if (spot.opens and spot.before is not None and not _ends_before(spot)) or _is_listed_participle(spot):
        return ""
    if _is_past(spot):
        return "part" if _is_participle(spot) else "past"
    if "s" in forms or _is_unknown_third_person(spot):
        return _s_form(spot)
    return _base_form(spot) if "base" in forms else ""


def is_last_chance(spot: Spot) -> bool:
    """For instance "nods" of "a man in moody light nods": no verb stood yet and no other can follow."""
    clause, before = spot.clause, spot.before
    if "s" not in spot.forms or singular(spot.low) not in lv.ALONE or before is None:
        return False
    relative = bool(clause.finite) and any(
        token.low in ("whose", "who", "which") for token in spot.tokens[: spot.index]
    )
    if (clause.finite and not relative) or before.tag not in ("NOUN", "ADJ", "ADV", "PREP", "OPRON"):
        return False
    if before.tag == "PREP" and before.low not in ("up", "back", "down"):
        return False
    person = any(
        token.tag in ("NAME", "PRON") or (token.tag == "NOUN" and noun_class(token.lemma) == "person")
        for token in spot.tokens[: spot.index]
    )
    return person and not spot.noun_follows and not _verb_follows(spot)


def _ends_before(spot: Spot) -> bool:
    """Whether the phrase ends with the adjective before: "(a woman) alone waves", "in grey lets go"."""
    assert spot.before is not None
    seems = spot.index > 1 and spot.tokens[spot.index - 2].lemma in lv.SEEM  # "looking sad"
    if spot.before.low in ("alone", "still") or (seems and spot.before.low in lx.MOOD_ADJECTIVES):
        return True
    dressed = spot.before.low in lx.HUES and spot.index > 1 and spot.tokens[spot.index - 2].low == "in"
    acts = singular(spot.low) in lx.ACTION_NOUNS and not spot.clause.verb_seen
    return spot.forms == {"s"} and spot.before.tag == "ADJ" and (not is_noun(spot.low) or (dressed and acts))


def _is_cut(spot: Spot) -> bool:
    """For instance "hair cut short", "eyes set wide apart": a participle that looks like its base."""
    if not {"base", "part"} <= spot.forms or not spot.before_tag("NOUN") or spot.before is None:
        return False
    how = spot.after in lx.ADJECTIVES | lx.ADVERBS | lx.PREPOSITIONS - {"with"}
    return how and noun_class(spot.before.lemma) == "face"


def _is_let(spot: Spot) -> bool:
    """For instance "fall" of "lets her mouth fall open"."""
    lets = spot.clause.verb in ("let", "make", "watch", "feel") and spot.before_tag("NOUN", "OPRON")
    return lets and (spot.clause.verb == "let" or not is_noun(spot.low)) and not spot.clause.fresh


def _is_listed_participle(spot: Spot) -> bool:
    """For instance "styled" in "short, neatly styled hair": an adjective, since one stands before."""
    participle = ("part" in spot.forms or spot.low.endswith("ed")) and not spot.forms & {"base", "s"}
    if not (participle and spot.index >= 2 and spot.before_tag("PUNCT", "CONJ", "ADV") and spot.noun_follows):
        return False
    for token in reversed(spot.tokens[: spot.index]):
        if token.tag not in ("ADV", "PUNCT", "CONJ"):
            return token.tag == "ADJ"
    return False


def _is_past(spot: Spot) -> bool:
    past = spot.forms & {"part", "past"} or (
        spot.low.endswith("ed") and len(spot.low) > 4 and not is_noun(spot.low)
    )
    return _is_cut(spot) or (bool(past) and (not spot.forms & {"base", "s"} or spot.previous_tag("AUX")))


def _is_participle(spot: Spot) -> bool:
    finite = spot.person_before and not spot.clause.verb_seen and spot.low not in _PARTICIPLES
    possible = "part" in spot.forms or not spot.forms
    open_to_one = possible and not finite and spot.previous_tag("AUX", "NOUN", "PUNCT", "CONJ")
    return open_to_one or _is_cut(spot)


def _is_unknown_third_person(spot: Spot) -> bool:
    """A word that no table has, in -s, where a verb is due."""
    low = spot.low
    if spot.forms or not low.endswith("s") or low.endswith(("ss", "us", "is")) or is_noun(low):
        return False
    object_follows = spot.after in lx.POSSESSIVES or spot.after in lx.OBJECT_PRONOUNS
    told = spot.previous_tag("OPRON") and spot.previous is not None and spot.previous.low.endswith("thing")
    return (
        told
        or spot.person_before
        or (not spot.opens and (low.endswith(_ALWAYS_VERB_ENDINGS) or object_follows))
    )


def _ing_form(spot: Spot) -> str:
    """For instance "waving" is a verb; "the building", "with glowing eyes" and "reading glasses" are none."""
    low, after, before = spot.low, spot.after, spot.before
    if before is not None and before.tag == "VERB" and before.lemma in lv.WEAR | lv.HOLD and is_noun(after):
        return ""
    if before is not None and before.low in ("has", "have", "had", "having") and spot.noun_follows:
        return ""
    if spot.opens and before is not None:
        modifies = is_noun(after) and may_join_noun(after) and before.low in _HOLDS_NOUN
        return "" if before.tag != "PREP" or is_noun(low) or modifies else "ing"
    if is_noun(low) and singular(low) == low and low not in _VERBS_IN_ING:
        return ""
    if low in ("lighting", "setting", "painting", "drawing") and not spot.previous_tag("AUX"):
        return "ing" if after in lx.DETERMINERS or after in lx.POSSESSIVES else ""
    unknown = spot.before_tag("CONJ", "PUNCT") and not verb_readings(low) and spot.noun_follows
    return "" if unknown else "ing"


def _verb_follows(spot: Spot) -> bool:
    """Whether another word of this clause could be its finite verb."""
    for token in spot.tokens[spot.index + 1 : spot.index + 8]:
        if token.low in lx.COORDINATORS or token.low in lx.SUBORDINATORS or not token.low[0].isalnum():
            return False
        if token.low in lx.AUXILIARIES or any(form == "s" for _, form in verb_readings(token.low)):
            return True
    return False


def _s_form(spot: Spot) -> str:
    """For instance "waves", "hammers", "takes": verb or plural noun."""
    if spot.previous is None:
        verb = _opens_as_verb(spot)
    elif spot.person_before:
        verb = True
    elif spot.previous_tag("CONJ", "PUNCT", "SUB") or spot.previous.low == "then":
        verb = _goes_on_as_verb(spot)
    elif spot.previous_tag("NOUN", "NUM", "ADJ", "OPRON"):
        verb = _follows_noun_as_verb(spot)
    else:
        verb = not is_noun(spot.low)
    return "s" if verb else ""


def _has_object(spot: Spot) -> bool:
    return spot.takes_object or spot.after == "it"


def _opens_as_verb(spot: Spot) -> bool:
    """For instance "Waves at the camera", but not "Waves roll in"."""
    acts = not spot.noun_follows and singular(spot.low) in lx.ACTION_NOUNS
    return not is_noun(spot.low) or _has_object(spot) or acts


def _goes_on_as_verb(spot: Spot) -> bool:
    """After a comma or "and": "smiles and waves", but not "trees and lights"."""
    lemma, after = singular(spot.low), spot.after
    noun_too, has_object = is_noun(spot.low), _has_object(spot)
    moves = (
        noun_class(lemma) in ("action", "sound", "camera", "expression", "abstract")
        or lemma in lx.ACTION_NOUNS
        or after in lx.ADVERBS
        or (after.endswith("ly") and not spot.noun_follows)
    ) and lemma not in lv.MOSTLY_NOUNS
    moves = moves or (
        lemma in lv.ALONE and bool(spot.clause.finite) and not spot.noun_follows
    )  # "and smiles"
    if noun_too and not moves and not has_object:
        return spot.previous is not None and spot.previous.low == "then" and not spot.noun_follows
    return spot.clause.finite != "base" or not noun_too or has_object


def _follows_noun_as_verb(spot: Spot) -> bool:
    """For instance "the camera pans", "a woman in a red coat waves", but not "ocean waves crash"."""
    clause, after = spot.clause, spot.after
    if after and any(form == "base" for _, form in verb_readings(after)) and not is_noun(after):
        return False
    if not is_noun(spot.low) or _has_object(spot):
        return True
    plural = spot.before is not None and spot.before.tag == "NOUN" and is_plural(spot.before.text)
    if plural and clause.in_phrase and not clause.verb_seen and not _verb_follows(spot):
        return True  # "a woman with roses smiles"
    free = not clause.verb_seen and (clause.subject_seen or not clause.in_phrase)
    bare = spot.index > 1 and spot.tokens[spot.index - 2].tag == "PREP"  # "with brass buttons"
    doubtful = clause.in_phrase and singular(spot.low) in lv.MOSTLY_NOUNS and (bare or _verb_follows(spot))
    return free and not doubtful


def _base_form(spot: Spot) -> str:
    """For instance "wave" after "to", after "they", and in commands."""
    previous = spot.previous
    noun_too = is_noun(spot.low)
    if previous is None:
        verb = _commands(spot)
    elif _asks_for_base(spot) or _is_let(spot):
        verb = True
    elif _is_plural_subject(spot):
        verb = spot.low not in lv.MOSTLY_NOUNS or spot.takes_object
    elif spot.previous_tag("CONJ", "PUNCT") and spot.clause.finite == "base":
        acts = singular(spot.low) in lx.ACTION_NOUNS or spot.low not in lv.MOSTLY_NOUNS
        verb = acts or not noun_too or spot.takes_object
    elif spot.person_before and spot.clause.finite == "base":
        verb = True
    else:
        verb = not noun_too and spot.previous_tag("CONJ", "PUNCT", "SUB") and spot.takes_object
    return "base" if verb else ""


def _asks_for_base(spot: Spot) -> bool:
    """After "to", "can", "make her", "they", or two people joined by "and"."""
    previous = spot.previous
    if previous is None:
        return False
    plural = previous.tag == "PRON" and previous.low in ("they", "we", "you", "i")
    modal = previous.tag == "AUX" and previous.low in lx.MODALS
    if previous.tag in ("TO", "OPRON") or modal or plural:
        return True
    joint = _is_joint_subject(spot) or not is_noun(spot.low)
    return spot.person_before and joint and spot.clause.finite != "aux"


def _commands(spot: Spot) -> bool:
    """For instance "Wave at the camera" at the start of a sentence."""
    acts = spot.low not in lv.MOSTLY_NOUNS and singular(spot.low) in lx.ACTION_NOUNS
    return not is_noun(spot.low) or spot.takes_object or (acts and spot.after in lx.PREPOSITIONS)


def _is_joint_subject(spot: Spot) -> bool:
    """For instance "a man and a woman (dance)"."""
    nearby = spot.tokens[max(0, spot.index - 5) : spot.index]
    return (
        spot.previous_tag("NOUN")
        and not spot.clause.verb_seen
        and any(token.low == "and" for token in nearby)
    )


def _is_plural_subject(spot: Spot) -> bool:
    previous = spot.previous
    if previous is None or previous.tag != "NOUN":
        return False
    plural = is_plural(previous.text) or previous.lemma in lx.GROUPS
    return plural and (not spot.clause.verb_seen or not is_noun(spot.low))
