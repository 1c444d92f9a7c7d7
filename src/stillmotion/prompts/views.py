"""The view that a prompt asks for: "in profile", "her head turned to the right side", "looking away"; and
whether it tells an expression.

What the person only does later ("then looks up") is no view: the still begins with one of its own.
"""

from __future__ import annotations

import re

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
_EXPRESSION = re.compile(
    r"\b(?:smil|laugh|grin|beam|smirk|chuckl|giggl|frown|scowl|pout|glar|wink|sad|sorrow|tear|cry|weep|gloom"
    r"|happ|cheer|joy|delight|merr|amus|ang[er]r|fur[iy]|rag|annoy|surpris|astonish|amaz|shock|startl|stunn"
    r"|neutral|calm|seren|serious|stern|solemn|relax|impassive|pensive|thoughtful|worr|anxious|afraid|fear"
    r"|scared|bored|tired|sleep|excit|proud|confident|gentle|friend|kind|warm|melanchol|upset|grumpy)\w*\b"
    r"|\b(?:expression|mouth|open-mouthed|eyes\s+(?:closed|wide|shut))\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|without|never|avoids?|n't)\s*$", re.IGNORECASE)


def asked_view(prompt: str) -> str | None:
    """The view that the prompt asks for in its own words; "" where it only says which it is not, None where
    it says nothing of one.
    """
    for match in _BEHELD.finditer(prompt):
        before = prompt[: match.start()]
        if _DENIED.search(before):
            return ""
        if not _LATER.search(before):
            return re.sub(r"\s+(?:is|are)\b", "", " ".join(match.group().lower().split()))
    return None


def tells_view(still: str) -> bool:
    """Whether a still's prompt tells a view."""
    return bool(_BEHELD.search(still) or _TOLD.search(still))


def tells_expression(still: str) -> bool:
    """Whether a still's prompt tells an expression, or a mood that a face would show."""
    return bool(_EXPRESSION.search(still))
