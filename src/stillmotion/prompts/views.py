"""The view that a prompt asks for: "in profile", "her head turned to the right side", "looking away"; and
whether it tells an expression.

What the person only does later ("then looks up") is no view: the still begins with one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts.morphology import singular
from stillmotion.prompts.tokens import FUNCTION_WORDS, is_noun
from stillmotion.prompts.wordlist import words

_AWAY = (
    r"(?:away(?:\s+from\s+(?:the\s+)?(?:camera|lens|viewer|us))?|aside|sideways"
    r"|(?:up|down|left|right|sky|heaven)(?:wards?)?(?:\s+at\s+the\s+(?:sky|floor|ground|ceiling))?|ahead|forwards?"
    r"|(?:off|out)\s+(?:camera|screen|(?:in)?to\s+(?:the\s+|one\s+)?(?:distance|side))|into\s+the\s+distance"
    r"|back(?:\s+over\s+(?:a|her|his|their)\s+(?:left\s+|right\s+)?shoulder)?"
    r"|over\s+(?:a|one|her|his|their)\s+(?:left\s+|right\s+)?shoulder"
    r"|(?:straight\s+|directly\s+)?(?:at|into|to|towards?)\s+(?:the\s+)?(?:camera|lens|viewer|us)"
    r"|(?:to|towards?|on|at)\s+(?:the|one|her|his|their)\s+(?:left|right|side|sky|floor|ground|ceiling)"
    r"(?:[\s-]hand)?(?:\s+side)?)"
)
_HOW = r"(?:(?:\w+ly|a\s+little|a\s+bit|half|partly)\s+)?"
_BEHELD = re.compile(
    rf"\b(?:(?:head|face|body|gaze|eyes)\s+{_HOW}(?:is\s+|are\s+)?{_HOW}"
    rf"(?:turned|rotated|angled|twisted|directed|cast|fixed|averted|lowered)\b(?:\s+{_AWAY})?"
    rf"|(?:looking|gazing|staring|glancing|peering|facing)\s+{_HOW}{_AWAY}"
    rf"|(?<=, )(?:half\s+|slightly\s+)?turned\s+{_HOW}{_AWAY}"
    r"|facing\s+(?:the\s+)?[\w-]+"
    r"|in\s+(?:left\s+|right\s+)?(?:side\s+)?profile|(?:profile|side|front|back|three-quarter)\s+view"
    r"|(?:seen\s+)?from\s+(?:behind|the\s+(?:back|side|front)))\b",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\b(?:profile|three-quarter|turned|over (?:his|her|their) shoulder|(?:head|face|back) to\w*)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(?:then|before|until|afterwards|finally|next|later|starts?|begins?|suddenly)\b", re.IGNORECASE
)
_SHOWN = r"(?:seen|shown|filmed|framed|captured|pictured|shot|photographed|viewed|looking|camera|profile)"
_LIGHT = re.compile(
    r"\b(?:(?:\w+-?)?(?:light|lights|lit|glow)|lighting|illuminated|sunshine|sun)(?![\w-])"
    rf"(?:\s+(?!{_SHOWN}\b)[\w'-]+){{0,6}}\s*$",
    re.IGNORECASE,
)
_EXPRESSION = re.compile(
    r"\b(?:(?:smil|grimac|grin|smirk|chuckl|giggl|laugh|frown|scowl|pout|sneer|glower|sulk|weep|sob)"
    r"(?:e|n?ed|n?ing|e?s|y)?|expressions?|mouth|tongue|teary|tear-\w+|tearful|open-mouthed|wide-eyed"
    r"|(?:stern|stony|stone|poker|straight|grim|sour|sad|happy|smiley?|teary|misty|starry)-(?:faced|eyed)"
    r"|(?:closed|shut|narrowed|widened|squinting)\s+eyes|(?:raised|furrowed|knitted|arched)\s+(?:eye)?brows?"
    r"|eyes\s+(?:\w+\s+)?(?:closed|shut|wide|narrowed)|brows?\s+(?:raised|furrowed|knitted|arched))\b",
    re.IGNORECASE,
)
_MOODS = (
    lx.MOOD_ADJECTIVES
    | lx.FEELINGS
    | words("""
    merry sorry grim sleepy kind ashamed embarrassed disgusted horrified desperate dreaming crying cries
    beaming glaring glares impressed hurt jealous guilty lonely eager smug distressed troubled
""")
) - words("bright subtle slight faint soft broad wide radiant intense dreamy content engaged")
_FACES = lx.EXPRESSIONS | lx.PEOPLE | words("look face eye eyes eyebrow brow brows features")
_FAR_BACK = 100
"""How many characters before "from the side" the light that comes from there is looked for."""
_DENIED = re.compile(r"\b(?:not|without|never|avoids?|n't)\s*$", re.IGNORECASE)


def asked_view(prompt: str) -> str | None:
    """The view that the prompt asks for in its own words; "" where it only says which it is not, None where
    it says nothing of one.
    """
    for match in _beheld(prompt):
        before = prompt[: match.start()]
        if _DENIED.search(before):
            return ""
        if not _LATER.search(before):
            return re.sub(r"\s+(?:is|are)\b", "", " ".join(match.group().lower().split()))
    return None


def tells_view(still: str) -> bool:
    """Whether a still's prompt tells a view."""
    return any(True for _ in _beheld(still)) or bool(_TOLD.search(still))


def _beheld(text: str) -> Iterator[re.Match[str]]:
    """The views in a text; not where light comes from: "hard light from the side", "lit from behind"."""
    for match in _BEHELD.finditer(text):
        if not (match.group().lower().startswith("from") and is_of_light(text[: match.start()])):
            yield match


def is_of_light(before: str) -> bool:
    """Whether what comes "from the side" behind these words is light."""
    return bool(_LIGHT.search(before[-_FAR_BACK:]))


def tells_expression(still: str) -> bool:
    """Whether a still's prompt tells an expression, or a mood that a face would show: "angry look", "in
    tears", but not "warm light", "calm sea".
    """
    if _EXPRESSION.search(still):
        return True
    said = re.findall(r"[\w'-]+|[^\w\s]", still.lower())
    return any(word in _MOODS and _is_of_face(said, at + 1) for at, word in enumerate(said))


def _is_of_face(said: list[str], at: int) -> bool:
    """Whether a mood in front of the word at ``at`` is one's own, and none of a thing behind it."""
    while at < len(said) and said[at] in lx.ADJECTIVES and not is_noun(said[at]):
        at += 1
    after = said[at] if at < len(said) else ""
    return not after[:1].isalpha() or after in FUNCTION_WORDS or singular(after) in _FACES
