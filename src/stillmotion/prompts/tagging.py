"""Words with their part of speech: a small tagger driven by the lexicon, word forms and the words beside.

It knows no sentence by heart. A word that the lexicon does not know is read from its ending and its neighbours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts.morphology import guess_base, is_plural, singular, verb_readings

_MULTIWORD_PREPOSITIONS = (
    "in front of",
    "on top of",
    "in the middle of",
    "at the edge of",
    "on the edge of",
    "next to",
    "in the center of",
    "in the centre of",
    "on the side of",
    "by the side of",
    "close to",
    "on either side of",
    "at the foot of",
    "at the top of",
    "in the midst of",
    "on both sides of",
    "out of",
    "because of",
    "instead of",
    "along with",
    "together with",
    "according to",
    "such as",
    "in the corner of",
    "at the end of",
    "at the bottom of",
    "on the back of",
    "in the heart of",
    "inside of",
    "outside of",
)
_TOKEN = re.compile(
    "|".join(re.escape(phrase).replace(r"\ ", r"\s+") + r"\b" for phrase in _MULTIWORD_PREPOSITIONS)
    + r"|(?:Dr|Mr|Mrs|Ms|Prof)\.|\d+[\s-]years?[\s-]old\b|close[\s-]ups?\b|[^\W\d_]+n't\b|'(?:s|m|re|ve|ll|d)\b|\d+(?:[.,:/]\d+)*[a-z]*(?:-[^\W_]+)*%?"
    + r"|[^\W\d_]+(?:-[^\W_]+)*(?:'(?!s\b|m\b|re\b|ve\b|ll\b|d\b)[^\W\d_]+)*|[^\w\s]|_",
    re.IGNORECASE,
)
_ADJECTIVE_ENDINGS = (
    "ful",
    "ous",
    "less",
    "ish",
    "able",
    "ible",
    "ive",
    "ical",
    "ary",
    "esque",
    "ic",
    "al",
    "like",
    "ese",
)
_OPENS_NOUN = frozenset(("DET", "POSS", "NUM", "ADJ", "PREP", "GEN"))


@dataclass(slots=True)
class Token:
    """One word or mark: its text, where it stands in the sentence, its tag, lemma and verb form."""

    text: str
    start: int
    end: int
    tag: str = ""
    lemma: str = ""
    form: str = ""  # of a verb: base, s, ing, past, part

    @property
    def low(self) -> str:
        """The word in lower case."""
        return self.text.lower()


@lru_cache(maxsize=8192)
def noun_class(lemma: str) -> str:
    """The class of a singular noun in lower case; "object" when no table has it."""
    for name, words in lx.NOUN_CLASSES:
        if lemma in words:
            return name
    if lemma[0].isdigit():
        return "abstract"
    if "-" in lemma:
        tail = lemma.rsplit("-", 1)[1]
        found = noun_class(tail)
        if found in ("garment", "footwear", "face", "person"):
            return found
    if len(lemma) > 6 and lemma.endswith(
        ("ness", "ship", "hood", "ism", "tion", "sion", "ance", "ence", "ment", "ity", "acy")
    ):
        return "abstract" if lemma not in _CONCRETE_DESPITE_ENDING else "object"
    return "object"


_CONCRETE_DESPITE_ENDING = lx.words("""
    equipment instrument ornament cushion pavement apartment station television fence monument document
    parchment city university vegetation plantation appliance ambulance ingredient condiment decoration
    illustration fountain cement garment tablet lotion potion workstation playstation constellation
    medallion stallion
""")
_ALL_NOUNS = frozenset().union(*(words for _, words in lx.NOUN_CLASSES)) | lx.MOSTLY_NOUNS
_FUNCTION = (
    lx.DETERMINERS
    | lx.POSSESSIVES
    | lx.NUMBERS
    | lx.SUBJECT_PRONOUNS
    | lx.OBJECT_PRONOUNS
    | lx.PREPOSITIONS
    | lx.COORDINATORS
    | lx.SUBORDINATORS
    | lx.AUXILIARIES
    | lx.MODALS
    | lx.ADVERBS
)


def is_known(word: str) -> bool:
    """Whether English as the lexicon has it knows this lower-case word, in any form."""
    return (
        word in _FUNCTION
        or word in lx.ADJECTIVES
        or singular(word) in _ALL_NOUNS
        or bool(verb_readings(word))
        or (word.endswith("ly") and word[:-2] in lx.ADJECTIVES)
    )


def is_noun(word: str) -> bool:
    """Whether some noun table has this word, in the singular or plural."""
    return singular(word) in _ALL_NOUNS


def tokenize(text: str) -> list[Token]:
    """The words and marks of a text with their places; no tags yet."""
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def tag(text: str) -> list[Token]:
    """The tokens of a sentence, tagged.

    Tags: DET POSS NUM PRON OPRON PREP TO CONJ SUB REL AUX NEG ADV ADJ NOUN NAME VERB GEN PUNCT.
    """
    tokens = tokenize(text)
    clause = _Clause()
    for index, token in enumerate(tokens):
        token.tag = _tag_one(tokens, index, clause)
        if not token.lemma:
            token.lemma = singular(token.low) if token.tag in ("NOUN", "NAME") else token.low
        clause.note(token)
    return tokens


class _Clause:
    """What the clause has had so far: the tagger's only memory."""

    def __init__(self) -> None:
        self.finite = ""  # form of the last finite verb of the sentence, or "aux"
        self.verb_in_clause = False
        self.in_pp = False
        self.subject_seen = False
        self.fresh = False  # a comma or "and" stood, and no verb since

    def note(self, token: Token) -> None:
        tag_ = token.tag
        if tag_ in ("VERB", "AUX"):
            self.in_pp = self.fresh = False
            if tag_ == "AUX" or token.form in ("s", "past", "base"):
                self.finite = "aux" if tag_ == "AUX" else token.form
                self.verb_in_clause = True
        elif tag_ in ("PREP", "TO"):
            self.in_pp = True
        elif tag_ in ("SUB", "REL") or token.text in (";", ":", "."):
            self.verb_in_clause = self.in_pp = self.subject_seen = False
        elif tag_ in ("PUNCT", "CONJ"):
            self.in_pp, self.fresh = False, True
        elif tag_ in ("PRON", "NOUN", "NAME"):
            self.subject_seen = self.subject_seen or not self.in_pp
            if self.fresh and not self.in_pp and (tag_ != "NOUN" or noun_class(token.lemma) == "person"):
                self.verb_in_clause = False
            self.in_pp = self.in_pp and tag_ != "PRON"


def _word_at(tokens: list[Token], index: int) -> str:
    return tokens[index].low if 0 <= index < len(tokens) else ""


def _nominal(word: str) -> bool:
    """Whether a word, before it is tagged, may go on a noun phrase."""
    return (
        bool(word)
        and word[0].isalnum()
        and word not in _FUNCTION
        and not (word.endswith("ly") and not is_noun(word))
    )


def _previous(tokens: list[Token], index: int) -> Token | None:
    """The token before, adverbs and negations skipped."""
    back = index - 1
    while back >= 0 and tokens[back].tag in ("ADV", "NEG"):
        back -= 1
    return tokens[back] if back >= 0 else None


def _tag_one(tokens: list[Token], index: int, clause: _Clause) -> str:
    token = tokens[index]
    low = token.low
    if not (low[0].isalnum() or low[0] == "'"):
        return "CONJ" if low == "&" else "PUNCT"
    if re.fullmatch(r"\d+0s", low):
        return "NOUN"
    if low[0].isdigit():
        return "ADJ" if re.search("[a-z]", low) else "NUM"
    closed = _closed_class(tokens, index, clause)
    return closed if closed else _open_class(tokens, index, clause)


def _closed_class(tokens: list[Token], index: int, clause: _Clause) -> str:
    """The tag of a function word, or "" for every other word."""
    low, after = tokens[index].low, _word_at(tokens, index + 1)
    before = tokens[index - 1] if index else None
    if " " in low and not low.startswith("close-up") and (not low.startswith("close") or low.split()[-1] == "to"):
        return "PREP"
    if low.startswith("close") and low != "close" and singular(low).replace(" ", "-") == "close-up":
        tokens[index].lemma = "close-up"
        return "NOUN"
    if low == "'s":
        return (
            "AUX"
            if before is not None
            and (before.tag in ("PRON", "REL") or after in _FUNCTION or after.endswith("ing"))
            else "GEN"
        )
    if low in ("her", "his"):
        return (
            "POSS" if _nominal(after) or after in lx.NUMBERS or after in ("own", "left", "right") else "OPRON"
        )
    if low == "to":
        return (
            "TO"
            if any(form == "base" for _, form in verb_readings(after)) and not _is_place_word(after)
            else "PREP"
        )
    if low == "that":
        if before is not None and before.tag in ("NOUN", "NAME"):
            return "REL"
        return "DET" if _nominal(after) and not verb_readings(after) else "SUB"
    if low == "what" and after not in ("a", "an"):
        return "REL"
    if low in lx.RELATIVES and low != "whose":
        return "REL"
    if low == "as" and not _clause_follows(tokens, index):
        return "PREP"
    if low in (
        "as",
        "while",
        "when",
        "because",
        "if",
        "though",
        "although",
        "whenever",
        "whereas",
        "whilst",
        "unless",
        "where",
        "how",
        "why",
    ):
        return "SUB"
    if low in ("before", "after", "until", "since"):
        return "SUB" if low != "since" else "PREP"
    if low in ("no", "neither"):
        return "NEG"
    if low in ("not", "never", "nor"):
        return "NEG"
    if low in lx.POSSESSIVES:
        return "POSS"
    if low in lx.DETERMINERS and low != "so":
        return (
            "DET"
            if _nominal(after) or after in lx.NUMBERS or after in lx.ADVERBS or low in ("a", "an", "the")
            else "PRON"
        )
    if low in lx.NUMBERS and low not in (
        "second",
        "first",
        "third",
        "pair",
        "couple",
        "dozen",
        "fourth",
        "fifth",
    ):
        return "PRON" if low == "one" and not _nominal(after) else "NUM"
    if low in ("first", "second", "third"):
        return "NUM" if before is not None and before.tag in ("DET", "POSS") else "ADV"
    if low in lx.SUBJECT_PRONOUNS:
        return "PRON"
    if low in lx.OBJECT_PRONOUNS:
        return "OPRON"
    if low in lx.AUXILIARIES or low in lx.MODALS:
        return "AUX"
    if low in lx.COORDINATORS and low != "then":
        return "CONJ"
    return _particle(low, after, before)


def _clause_follows(tokens: list[Token], index: int) -> bool:
    """Whether a verb that could be finite stands before the next mark: "as he walks", but not "as a chef"."""
    for token in tokens[index + 1 : index + 12]:
        if not (token.low[0].isalnum() or token.low[0] == "'"):
            return False
        forms = {form for _, form in verb_readings(token.low)}
        if (
            token.low in lx.AUXILIARIES
            or forms & {"s", "past"}
            or ("base" in forms and not is_noun(token.low))
        ):
            return True
    return False


def _particle(low: str, after: str, before: Token | None) -> str:
    """Adverbs and prepositions, which share words: "walks in", "walks in the park"."""
    if (
        low
        in (
            "left",
            "right",
            "back",
            "still",
            "well",
            "fast",
            "hard",
            "straight",
            "light",
            "close",
            "home",
            "very",
            "more",
            "less",
            "most",
        )
        and before is not None
        and before.tag in ("DET", "POSS", "ADJ")
    ):
        return "ADJ" if _nominal(after) else "NOUN"
    if low in lx.PREPOSITIONS:
        ends = (
            not after
            or not (after[0].isalnum() or after[0] in "\"'")
            or after in lx.COORDINATORS
            or after in lx.SUBORDINATORS
        )
        return (
            "ADV"
            if (ends or after in ("in", "on", "at", "to", "with", "from", "into", "toward", "towards"))
            and low
            in lx.ADVERBS
            | {"by", "through", "over", "on", "around", "along", "across", "past", "behind", "inside"}
            else "PREP"
        )
    if (
        low in lx.ADVERBS
        and not (low == "close" and after in lx.DETERMINERS)
        and not (
            low in lx.ADJECTIVES and (_nominal(after) or (before is not None and before.low in lx.BE_FORMS))
        )
    ):
        return "ADV"
    if low.endswith("ly") and before is not None and before.tag in ("DET", "POSS") and is_noun(after):
        return "ADJ"
    if (
        low.endswith("ly")
        and len(low) > 4
        and low
        not in (
            "family",
            "lily",
            "belly",
            "jelly",
            "butterfly",
            "friendly",
            "lovely",
            "curly",
            "elderly",
            "lively",
            "smelly",
            "bubbly",
            "woolly",
            "wooly",
            "early",
            "daily",
            "silly",
            "ugly",
            "chilly",
            "fly",
            "kindly-looking",
            "assembly",
            "firefly",
            "italy",
            "gentlemanly",
            "scholarly",
            "frilly",
        )
    ):
        return "ADV"
    return ""


def _is_place_word(word: str) -> bool:
    return singular(word) in lx.PLACES and word not in (
        "stand",
        "set",
        "bar",
        "fence",
        "garden",
        "farm",
        "shop",
        "park",
        "swing",
        "stage",
        "table",
        "train",
        "bridge",
        "dock",
        "lounge",
        "track",
    )


def _open_class(tokens: list[Token], index: int, clause: _Clause) -> str:
    token = tokens[index]
    low = token.low
    before = tokens[index - 1] if index else None
    previous = _previous(tokens, index)
    after = _word_at(tokens, index + 1)
    anchor = previous if before is not None and before.tag == "ADV" and before.low.endswith("ly") else before
    opens = anchor is not None and anchor.tag in _OPENS_NOUN
    names_thing = (
        is_noun(low)
        and before is not None
        and (opens or before.tag == "NOUN")
        and (
            not _nominal(after)
            or (any(form == "s" for _, form in verb_readings(after)) and low not in lx.COLORS)
        )
    )
    if low in lx.ADJECTIVES and not names_thing and not _verb_here(low, previous, after, clause):
        return "ADJ"
    readings = verb_readings(low)
    forms = {form for _, form in readings}
    if _is_name(token, index, readings):
        return "NAME"
    chosen = _verb_form(tokens, low, forms, previous, before, opens, after, clause, index)
    if chosen:
        token.form = chosen
        token.lemma = next((base for base, form in readings if form == chosen), guess_base(low))
        return "VERB"
    if (
        (low.endswith(("ed", "ing")) or (low.endswith("en") and "part" in forms))
        and _nominal(after)
        and not is_noun(low)
    ):
        token.form = "ing" if low.endswith("ing") else "part"
        return "ADJ"
    if "part" in forms and not is_noun(low) and not forms & {"base", "s"}:
        token.form = "part"
        return "ADJ"
    if opens and _nominal(after) and not is_noun(low) and not forms and low.endswith("y"):
        return "ADJ"
    if (
        low.endswith(_ADJECTIVE_ENDINGS)
        and not is_noun(low)
        and (
            _nominal(after) or (previous is not None and (previous.tag == "AUX" or previous.lemma in lx.SEEM))
        )
    ):
        return "ADJ"
    if "-" in low and all(part in lx.ADJECTIVES for part in low.split("-")):
        return "ADJ"
    if "-" in low and low.rsplit("-", 1)[1].endswith(
        ("ed", "ing", "length", "colored", "style", "toned", "old", "like", "neck")
    ):
        return "ADJ"
    return "NOUN"


def _is_name(token: Token, index: int, readings: tuple[tuple[str, str], ...]) -> bool:
    return (
        token.text[0].isupper()
        and not readings
        and not is_noun(token.low)
        and token.low not in lx.ADJECTIVES
        and len(token.text) > 1
        and token.text.replace("-", "").rstrip(".").isalpha()
        and not token.low.endswith(("ing", "ly"))
        and not (token.text.isupper() and index > 0)
    )


def _verb_here(low: str, previous: Token | None, after: str, clause: _Clause) -> bool:
    """Whether an adjective that is a verb too ("open", "clean", "dry", "cool") is a verb in this place."""
    forms = {form for _, form in verb_readings(low)}
    if not forms or previous is None:
        return False
    if low.endswith("ing") and previous.tag == "AUX" and previous.low in lx.BE_FORMS:
        return True
    return "base" in forms and (previous.tag == "TO" or (previous.tag == "AUX" and previous.low in lx.MODALS))


def _follows_adjective(tokens: list[Token], index: int) -> bool:
    """Whether an adjective and a comma or "and" stand before: "short, neatly (styled hair)"."""
    back = index - 1
    while back >= 0 and tokens[back].tag in ("ADV", "PUNCT", "CONJ"):
        back -= 1
    return back >= 0 and tokens[back].tag == "ADJ" and tokens[index - 1].tag != "ADJ"


def _verb_form(
    tokens: list[Token],
    low: str,
    forms: set[str],
    previous: Token | None,
    before: Token | None,
    opens: bool,
    after: str,
    clause: _Clause,
    index: int,
) -> str:
    """The verb form that a word has in this place, or "" when it is no verb here."""
    if "-" in low and not forms:
        return ""
    if low.endswith("ing") and len(low) > 4 and ("ing" in forms or not (forms or is_noun(low))):
        if (
            before is not None
            and before.tag == "VERB"
            and before.lemma in lx.WEAR | lx.HOLD
            and is_noun(after)
        ):
            return ""
        return _ing_form(low, previous, before, opens, after)
    if (
        opens
        and before is not None
        and not (before.tag == "ADJ" and previous is not None and before.low in ("alone", "still"))
    ):
        return ""
    person_before = previous is not None and (
        previous.tag in ("PRON", "NAME", "REL")
        or (previous.tag == "NOUN" and noun_class(previous.lemma) == "person")
    )
    listed = index >= 2 and before is not None and before.tag in ("PUNCT", "CONJ", "ADV") and _nominal(after)
    if (
        listed
        and ("part" in forms or low.endswith("ed"))
        and not forms & {"base", "s"}
        and _follows_adjective(tokens, index)
    ):
        return ""
    if "part" in forms or "past" in forms or (low.endswith("ed") and len(low) > 4 and not is_noun(low)):
        if not (forms & {"base", "s"}) or (previous is not None and previous.tag == "AUX"):
            return (
                "part"
                if previous is not None
                and previous.tag in ("AUX", "NOUN", "PUNCT", "CONJ")
                and "part" in (forms or {"part"})
                and not (person_before and not clause.verb_in_clause and low not in _PARTICIPLES)
                else "past"
            )
    unknown_s = (
        not forms
        and low.endswith("s")
        and not low.endswith(("ss", "us", "is"))
        and not is_noun(low)
        and (person_before or (not opens and low.endswith(("ates", "izes", "ifies"))) or ((after in lx.POSSESSIVES or after in lx.OBJECT_PRONOUNS) and not opens))
    )
    if "s" in forms or unknown_s:
        return _s_form(low, previous, person_before, after, clause, _verb_follows(tokens, index))
    if "base" in forms:
        return _base_form(tokens, low, previous, person_before, after, clause, index)
    return ""


_PARTICIPLES = lx.words("""
    dressed clad seated adorned wrapped surrounded illuminated lit named called positioned framed draped
    known perched styled tied covered captured shown seen engaged accompanied bathed located posed set
""")


def _ing_form(low: str, previous: Token | None, before: Token | None, opens: bool, after: str) -> str:
    if opens and before is not None:
        if before.tag == "PREP":
            return (
                ""
                if is_noun(low) and not verb_readings(low)
                else (
                    ""
                    if _nominal(after)
                    and is_noun(after)
                    and before.low in ("with", "in", "of", "under", "beneath", "against", "amid", "among")
                    else ("" if is_noun(low) else "ing")
                )
            )
        return ""
    if (
        is_noun(low)
        and singular(low) == low
        and low
        not in (
            "painting",
            "drawing",
            "dancing",
            "meeting",
            "setting",
            "lighting",
            "singing",
            "ringing",
            "humming",
            "whistling",
            "cheering",
            "clapping",
            "barking",
            "honking",
            "chirping",
            "buzzing",
            "panning",
            "zooming",
            "tracking",
            "tilting",
            "sitting",
            "thinking",
            "strumming",
            "rustling",
        )
    ):
        return ""
    if low in ("lighting", "setting", "painting", "drawing") and (previous is None or previous.tag != "AUX"):
        return "ing" if after in lx.DETERMINERS or after in lx.POSSESSIVES else ""
    if (
        before is not None
        and before.tag in ("CONJ", "PUNCT")
        and after
        and is_noun(after)
        and previous is not None
    ):
        return "ing" if verb_readings(low) else ""
    if before is not None and before.tag in ("CONJ", "PUNCT") and not verb_readings(low) and _nominal(after):
        return ""
    return "ing"


def _verb_follows(tokens: list[Token], index: int) -> bool:
    """Whether another word of this clause could be its finite verb."""
    for token in tokens[index + 1 : index + 8]:
        if token.low in lx.COORDINATORS or token.low in lx.SUBORDINATORS or not token.low[0].isalnum():
            return False
        if token.low in lx.AUXILIARIES or any(form == "s" for _, form in verb_readings(token.low)):
            return True
    return False


def _s_form(
    low: str, previous: Token | None, person_before: bool, after: str, clause: _Clause, another_verb: bool
) -> str:
    """ "waves", "hammers", "takes": verb or plural noun."""
    takes_object = (
        after in lx.DETERMINERS or after in lx.POSSESSIVES or after in lx.OBJECT_PRONOUNS or after == "it"
    )
    lemma = singular(low)
    noun_too = is_noun(low)
    if previous is None:
        return (
            "s" if not noun_too or takes_object or (not _nominal(after) and lemma in lx.ACTION_NOUNS) else ""
        )
    if person_before:
        return "s"
    if previous.tag in ("CONJ", "PUNCT", "SUB") or previous.low == "then":
        moves = (
            noun_class(lemma) in ("action", "sound", "camera", "expression", "abstract")
            or lemma in lx.ACTION_NOUNS
            or after in lx.ADVERBS
            or (after.endswith("ly") and not _nominal(after))
        ) and lemma not in lx.MOSTLY_NOUNS
        if noun_too and not moves and not takes_object:
            return "s" if previous.low == "then" and not _nominal(after) else ""
        return "s" if clause.finite in ("s", "aux", "past") or not noun_too or takes_object else ""
    if previous.tag in ("NOUN", "NUM", "ADJ", "OPRON"):
        if after and any(form == "base" for _, form in verb_readings(after)) and not is_noun(after):
            return ""
        if not noun_too or takes_object:
            return "s"
        free = not clause.verb_in_clause and (clause.subject_seen if clause.in_pp else True)
        return "s" if free and not (clause.in_pp and lemma in lx.MOSTLY_NOUNS and another_verb) else ""
    return "s" if not noun_too else ""


def _base_form(
    tokens: list[Token],
    low: str,
    previous: Token | None,
    person_before: bool,
    after: str,
    clause: _Clause,
    index: int,
) -> str:
    if previous is not None and (
        previous.tag == "TO" or (previous.tag == "AUX" and previous.low in lx.MODALS)
    ):
        return "base"
    takes_object = after in lx.DETERMINERS or after in lx.POSSESSIVES or after in lx.OBJECT_PRONOUNS
    noun_too = is_noun(low)
    if previous is None:
        return (
            "base"
            if not noun_too
            or takes_object
            or (low not in lx.MOSTLY_NOUNS and singular(low) in lx.ACTION_NOUNS and after in lx.PREPOSITIONS)
            else ""
        )
    if previous.tag == "PRON" and previous.low in ("they", "we", "you", "i"):
        return "base"
    if previous.tag == "OPRON":
        return "base"
    together = (
        previous.tag == "NOUN"
        and not clause.verb_in_clause
        and any(t.low == "and" for t in tokens[max(0, index - 5) : index])
    )
    if person_before and (not noun_too or together) and clause.finite != "aux":
        return "base"
    if (
        previous.tag == "NOUN"
        and (is_plural(previous.text) or previous.lemma in lx.GROUPS)
        and (not clause.verb_in_clause or not noun_too)
    ):
        return "base" if low not in lx.MOSTLY_NOUNS or takes_object else ""
    if previous.tag in ("CONJ", "PUNCT") and clause.finite == "base":
        return "base" if not noun_too or takes_object or singular(low) in lx.ACTION_NOUNS else ""
    if person_before and clause.finite == "base":
        return "base"
    return "base" if not noun_too and previous.tag in ("CONJ", "PUNCT", "SUB") and takes_object else ""
