"""English word forms: plural to singular, verb form to base form and back. Small, exact for the lexicon,
sensible elsewhere.
"""

from __future__ import annotations

from functools import lru_cache

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.wordlist import words

_IRREGULAR_NOUNS = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "people": "people",
    "wives": "wife",
    "knives": "knife",
    "lives": "life",
    "leaves": "leaf",
    "scarves": "scarf",
    "shelves": "shelf",
    "bookshelves": "bookshelf",
    "loaves": "loaf",
    "kids": "kid",
    "eyes": "eye",
    "gentlemen": "gentleman",
    "policemen": "policeman",
    "bangs": "bangs",
    "clothes": "clothes",
    "glasses": "glasses",
    "sunglasses": "sunglasses",
    "jeans": "jeans",
    "pants": "pants",
    "trousers": "trousers",
    "shorts": "shorts",
    "hands": "hand",
    "others": "others",
    "stairs": "stairs",
    "woods": "woods",
    "shelf": "shelf",
    "teens": "teens",
    "passers-by": "passersby",
    "lens": "lens",
    "canvas": "canvas",
    "bus": "bus",
    "gas": "gas",
    "mars": "mars",
}
# past form, past participle; the third person is regular except for "be", "have", "do", "go"
_IRREGULAR_VERBS = {
    "be": "was been",
    "have": "had had",
    "do": "did done",
    "go": "went gone",
    "sit": "sat sat",
    "stand": "stood stood",
    "lie": "lay lain",
    "take": "took taken",
    "give": "gave given",
    "hold": "held held",
    "wear": "wore worn",
    "run": "ran run",
    "come": "came come",
    "see": "saw seen",
    "say": "said said",
    "tell": "told told",
    "speak": "spoke spoken",
    "sing": "sang sung",
    "swim": "swam swum",
    "begin": "began begun",
    "drink": "drank drunk",
    "ring": "rang rung",
    "write": "wrote written",
    "ride": "rode ridden",
    "drive": "drove driven",
    "rise": "rose risen",
    "fall": "fell fallen",
    "catch": "caught caught",
    "throw": "threw thrown",
    "blow": "blew blown",
    "fly": "flew flown",
    "draw": "drew drawn",
    "grow": "grew grown",
    "know": "knew known",
    "show": "showed shown",
    "break": "broke broken",
    "wake": "woke woken",
    "choose": "chose chosen",
    "freeze": "froze frozen",
    "hide": "hid hidden",
    "bite": "bit bitten",
    "eat": "ate eaten",
    "shake": "shook shaken",
    "make": "made made",
    "put": "put put",
    "set": "set set",
    "cut": "cut cut",
    "shut": "shut shut",
    "hit": "hit hit",
    "let": "let let",
    "read": "read read",
    "spread": "spread spread",
    "light": "lit lit",
    "slide": "slid slid",
    "leave": "left left",
    "feel": "felt felt",
    "keep": "kept kept",
    "sleep": "slept slept",
    "sweep": "swept swept",
    "weep": "wept wept",
    "bend": "bent bent",
    "lean": "leaned leaned",
    "build": "built built",
    "find": "found found",
    "wind": "wound wound",
    "buy": "bought bought",
    "bring": "brought brought",
    "think": "thought thought",
    "teach": "taught taught",
    "fight": "fought fought",
    "hear": "heard heard",
    "swing": "swung swung",
    "hang": "hung hung",
    "spin": "spun spun",
    "dig": "dug dug",
    "win": "won won",
    "meet": "met met",
    "feed": "fed fed",
    "lead": "led led",
    "become": "became become",
    "kneel": "knelt knelt",
    "shine": "shone shone",
    "sell": "sold sold",
    "pay": "paid paid",
    "lay": "laid laid",
    "strike": "struck struck",
    "tear": "tore torn",
    "weave": "wove woven",
    "get": "got gotten",
    "forget": "forgot forgotten",
    "clothe": "clad clad",
    "understand": "understood understood",
    "sew": "sewed sewn",
    "flee": "fled fled",
    "burst": "burst burst",
    "grind": "ground ground",
    "leap": "leapt leapt",
    "dream": "dreamt dreamt",
}
_THIRD = {"be": "is", "have": "has", "do": "does", "go": "goes"}
_NEVER_S = words("""
    this his its is was has does us as yes plus less unless perhaps across always sometimes besides
    towards thus dress glass grass class cross press pass boss miss kiss bus gas lens canvas lotus campus
    focus circus series species news various previous serious obvious famous nervous
""")
_DOUBLING = words("""
    sit run stop clap nod hug jog tap pat rub skip hop spin swim cut put set shut hit let chop flip sip
    dip wrap zip grab drop step trip slip wag tug drag get begin grin bob bat dig win knit mop pet rip rap
    snap scrub shrug stir strum swap tip trim trot whip hum drum tan tag plan jab pin pop skim stab strut
    flap flop plug unplug unzip refer occur plop whiz quiz shop pan chat jut quip gab
""")


_PLURAL_LEMMAS = frozenset(
    word
    for words in (lx.GARMENTS, lx.FACE_FEATURES, lx.PLACES, lx.CAMERA)
    for word in words
    if word.endswith("s")
)


@lru_cache(maxsize=8192)
def singular(noun: str) -> str:
    """The lemma of a noun, lower case: "dresses" -> "dress", "scarves" -> "scarf", "hands" -> "hand"."""
    word = noun.lower()
    if word in _IRREGULAR_NOUNS:
        return _IRREGULAR_NOUNS[word]
    if word in _PLURAL_LEMMAS:
        return word
    if word in _NEVER_S or not word.endswith("s") or word.endswith(("ss", "us", "is")) or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        return (
            word[:-3] + "y"
            if word not in ("hoodies", "selfies", "cookies", "movies", "smoothies", "beanies")
            else word[:-1]
        )
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


def is_plural(noun: str) -> bool:
    """Whether the form is a plural."""
    return singular(noun) != noun.lower()


def third_person(verb: str) -> str:
    """For instance "wave" -> "waves", "carry" -> "carries", "go" -> "goes"."""
    if verb in _THIRD:
        return _THIRD[verb]
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        return verb[:-1] + "ies"
    return verb + "s"


def gerund(verb: str) -> str:
    """For instance "wave" -> "waving", "sit" -> "sitting", "lie" -> "lying"."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb in _DOUBLING:
        return verb + verb[-1] + "ing"
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-1] + "ing"
    return verb + "ing"


def past_forms(verb: str) -> tuple[str, str]:
    """Past tense and past participle."""
    if verb in _IRREGULAR_VERBS:
        past, participle = _IRREGULAR_VERBS[verb].split()
        return past, participle
    if verb in _DOUBLING:
        regular = verb + verb[-1] + "ed"
    elif verb.endswith("e"):
        regular = verb + "d"
    elif verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        regular = verb[:-1] + "ied"
    else:
        regular = verb + "ed"
    return regular, regular


def _all_forms() -> dict[str, frozenset[tuple[str, str]]]:
    forms: dict[str, set[tuple[str, str]]] = {}
    for verb in lv.VERBS | frozenset(_IRREGULAR_VERBS):
        past, participle = past_forms(verb)
        for form, kind in (
            (verb, "base"),
            (third_person(verb), "s"),
            (gerund(verb), "ing"),
            (past, "past"),
            (participle, "part"),
        ):
            forms.setdefault(form, set()).add((verb, kind))
    return {form: frozenset(readings) for form, readings in forms.items()}


_FORMS = _all_forms()
# Where two verbs share a form, the first here wins ("lay": to lay or lain; "ground", "wound", "saw", "felt").
_PREFERRED = {
    "lay": "lie",
    "found": "find",
    "left": "leave",
    "saw": "see",
    "fell": "fall",
    "lit": "light",
    "clad": "clothe",
    "wound": "wind",
    "ground": "grind",
    "lying": "lie",
    "seated": "seat",
    "bound": "bind",
}


@lru_cache(maxsize=8192)
def verb_readings(word: str) -> tuple[tuple[str, str], ...]:
    """Every known (base, kind) reading of a form, kind one of "base", "s", "ing", "past", "part"; empty if
    unknown.
    """
    lower = word.lower()
    readings = _FORMS.get(lower, frozenset())
    wanted = _PREFERRED.get(lower)
    return tuple(sorted(readings, key=lambda reading: (reading[0] != wanted, reading)))


def verb_base(word: str) -> str | None:
    """The base form of a known verb form, or None."""
    readings = verb_readings(word)
    return readings[0][0] if readings else None


@lru_cache(maxsize=8192)
def guess_base(word: str) -> str:
    """A base form for any word, known or not: enough to compare two forms of one verb."""
    known = verb_base(word)
    if known is not None:
        return known
    lower = word.lower()
    for ending in ("ing", "ed", "es", "s"):
        if lower.endswith(ending) and len(lower) - len(ending) >= 3:
            stem = lower[: -len(ending)]
            return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "ls" else stem
    return lower
