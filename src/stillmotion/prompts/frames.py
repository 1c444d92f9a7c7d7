"""Frames around a prompt that say nothing about it: "The video features ...", "Please make ...", "In the
video, ...".
"""

from __future__ import annotations

import re

_SHOWS = (
    r"(?:(?:features?|shows?|depicts?|captures?|presents?|portrays?|displays?|showcases?|highlights?|follows?|"
    r"introduces?|reveals?|"
    r"(?:begins?|opens?|starts?)\s+(?:with|on)|(?:focus(?:es)?|cent(?:er|re)s?)\s+(?:on|around)|"
    r"is\s+(?:of|about)|lets\s+us\s+see|featuring|showing|depicting|capturing|presenting|portraying)"
    r"(?:\s+(?:to\s+)?(?:us|you|the\s+(?:viewer|audience))\b)?)"
)
_GIVEN = r"(?:shown|given|offered|introduced\s+to|presented\s+with|treated\s+to)"
_SEES = (
    r"(?:(?:can|could|may|will|now|then|first|get\s+to)\s+)*"
    rf"(?:sees?|(?:are|is)\s+(?:seeing|being\s+{_GIVEN}|{_GIVEN}))"
)
_WATCHES = (
    r"(?:(?:watch|observe|behold|view|meet|encounter|witness|find|join)(?:e?s)?|looks?\s+at"
    r"|(?:are|is)\s+(?:watching|observing|viewing|meeting|looking\s+at))"
)
_SHOWN = r"(?:shown|seen|pictured|presented|featured|depicted|captured|portrayed)"
_ANYONE = r"(?=(?:a|an|the|one|some|footage|video)\b)"  # a person comes, or one more frame
_MEDIUM = (
    r"(?:(?:video|clip|footage|scene|image|film|shot|sequence|animation|frame|camera|recording|movie|picture|"
    r"photo|photograph|portrait|close-?\s?up|vlog|foreground)s?)"
)
_FRAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?:please\s+)?(?:generate|create|make|produce|render|animate|show|film|give me|imagine|i want"
        rf"|i would like|i'd like)\s+(?:me\s+)?(?:a|an|the)?\s*(?:[\w-]+\s+){{0,4}}?{_MEDIUM}\s+"
        r"(?:of|where|in which|that\s+shows|with|showing|featuring|depicting)\s+",
        rf"^(?:in|throughout)\s+(?:this|the)\s+(?:[\w-]+\s+){{0,2}}?{_MEDIUM}\s*,\s*"
        r"(?:we\s+(?:can\s+)?see\s+|there\s+(?:is|are)\s+)?",
        rf"^(?:this|the|it)\s+(?:is\s+)?(?:a|an)?\s*(?:[\w-]+\s+){{0,4}}?{_MEDIUM}\s+(?:that\s+|which\s+)?{_SHOWS}\s+",
        rf"^(?:this|it)\s+is\s+(?:a|an|the)\s+(?:[\w-]+\s+){{0,4}}?{_MEDIUM}\s+(?:of|with)\s+",
        rf"^(?:a|an|the)\s+(?:[\w,-]+\s+){{0,5}}?{_MEDIUM}\s+(?:of|that\s+shows|in which|where|{_SHOWS})\s+",
        rf"^(?:[\w-]+\s+){{0,3}}?{_MEDIUM}\s+(?:of|where|in\s+which|{_SHOWS})\s+",
        r"^(?:in|at|during|over)\s+the\s+(?:opening|beginning|start|first|initial)\s*(?:few\s+)?"
        r"(?:seconds|moments|frames|part|half)?\s*of\s+"
        rf"(?:this|the)\s+(?:[\w-]+\s+){{0,2}}?{_MEDIUM}\s*,\s*",
        rf"^(?:here|there)?\s*(?:we|(?:the\s+)?viewers?)\s+(?:{_SEES}|{_WATCHES})(?:\s+(?:as|how))?\s+{_ANYONE}",
        rf"^(?:here|there)?\s*(?:you|the\s+audience)\s+{_SEES}\s+{_ANYONE}",
        rf"^(?:here(?:\s+(?:is|are)|'s|\s+(?:we|you)\s+have)|this(?:\s+is|'s)|picture|imagine|meet)\s+{_ANYONE}",
        rf"^(?:what\s+(?:we|you|one)\s+(?:can\s+|gets?\s+to\s+)?sees?|(?:what\s+is\s+)?{_SHOWN}(?:\s+here)?)\s+(?:is|are)\s+{_ANYONE}",
        rf"^(?:before|in\s+front\s+of)\s+(?:us|you|the\s+(?:camera|lens))\s+(?:is|are)\s+{_ANYONE}",
        r"^(?:on\s+(?:the\s+)?screen|in\s+(?:the\s+(?:middle|cent(?:er|re))\s+of\s+)?(?:the\s+)?"
        rf"(?:view|shot|frame|picture|image))\s+(?:is|are)\s+{_ANYONE}",
        rf"^(?:our|the)\s+(?:main\s+)?(?:subject|protagonist|character|star)\s+is\s+{_ANYONE}",
        r"^there\s+(?:is|are|'s)\s+",
    )
)
_IS_CAMERA_MOTION = re.compile(
    r"^the camera\s+.*?\b(?:follow|focus|cent)\w*\s+(?:(?:on|around)\s+)?(?:her|him|them|it|the|his|their)\b",
    re.IGNORECASE,
)
CAUSATIVE = re.compile(
    r"^(?:please\s+)?(?:make|have|let|get|animate|show|ask|tell|i want|want)\s+$", re.IGNORECASE
)
IN_VIDEO = re.compile(rf"^\s+(?:in|of)\s+(?:the|this)\s+{_MEDIUM}(?=\s)", re.IGNORECASE)
CAUSATIVE_PRONOUN = re.compile(
    r"^(?:please\s+)?(?:make|have|let|get|ask|tell|want)\s+(?:her|him|them|it|me|us)\s+(?:to\s+)?",
    re.IGNORECASE,
)
EMPTY_OPENING = re.compile(
    r"^(?:and|so|here|this is|it is|it's|meet|initially|at first|first|to begin with|the main character is|"
    r"the subject is|featuring|in the video|throughout the video|throughout the clip|"
    r"in the clip|one of (?:them|the \w+)),?:?$",
    re.IGNORECASE,
)


def strip_frame(sentence: str) -> str:
    """A captioner's or user's frame taken off: "The video features an individual who waves" -> "an
    individual who waves".
    """
    for _ in range(4):  # "Here we are shown | a clip of | a man"
        for pattern in _FRAMES:
            match = pattern.match(sentence)
            if match and len(sentence) - match.end() > 2 and not _IS_CAMERA_MOTION.match(sentence):
                sentence = sentence[match.end() :]
                break
        else:
            break
    return sentence
