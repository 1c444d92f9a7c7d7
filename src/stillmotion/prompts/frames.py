"""Frames around a prompt that say nothing about it: "The video features ...", "Please make ...", "In the
video, ...".
"""

from __future__ import annotations

import re

_SHOWS = (
    r"(?:features?|shows?|depicts?|captures?|presents?|portrays?|displays?|showcases?|highlights?|follows?|"
    r"introduces?|"
    r"(?:begins?|opens?|starts?)\s+(?:with|on)|(?:focus(?:es)?|cent(?:er|re)s?)\s+(?:on|around)|"
    r"is\s+(?:of|about)|featuring|showing|depicting|capturing|presenting|portraying)"
)
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
        rf"^(?:[\w-]+\s+){{0,3}}?{_MEDIUM}\s+(?:of|featuring|showing|where|in which)\s+",
        r"^(?:in|at|during|over)\s+the\s+(?:opening|beginning|start|first|initial)\s*(?:few\s+)?"
        r"(?:seconds|moments|frames|part|half)?\s*of\s+"
        rf"(?:this|the)\s+(?:[\w-]+\s+){{0,2}}?{_MEDIUM}\s*,\s*",
        r"^(?:we|you|viewers?|the viewers?|the audience)\s+(?:can\s+)?see\s+",
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
    for _ in range(2):
        for pattern in _FRAMES:
            match = pattern.match(sentence)
            if match and len(sentence) - match.end() > 2 and not _IS_CAMERA_MOTION.match(sentence):
                sentence = sentence[match.end() :]
                break
        else:
            break
    return sentence
