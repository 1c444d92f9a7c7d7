"""The framing that a prompt asks for: "a medium shot", "filmed from the chest up", "head and shoulders".

It is said of the picture and of nobody in it, so it is taken out before the prompt is read by its grammar,
as times are: the still's prompt ends with it, the motion's has no use for it. What the camera only comes to
later ("zooms out to a wide shot") is its motion and stays where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stillmotion.prompts.wordlist import words

CLOSE_UP = "close-up"
"""What a still shows where the prompt names no framing."""

_PICTURE = (
    r"(?:shot|portrait|framing|frame|crop|composition|view|picture|photo|photograph|image|footage|video|clip)"
)
_PART = r"(?:head|neck|shoulders?|chest|bust|breast|waist|belt|hips?|thighs?|knees?)"
_WHOSE = r"(?:(?:the|his|her|their)\s+)?"
_UP = r"(?:up(?:wards?)?|upwards?|and\s+up)"
_SIZE = (
    r"(?:(?:very|extreme(?:ly)?|medium|big|tight|close|extra)[\s-]+){0,3}"
    r"(?:close|tight|medium|mid|american|cowboy|wide(?:[\s-]angle)?|long|full|bust|torso|face|establishing"
    r"|(?:half|full|whole|upper)[\s-]body|(?:half|full|three[\s-]quarters?|bust|mid)[\s-]length"
    r"|half[\s-]figure|three[\s-]quarters?"
    r"|(?:head|chest|waist|shoulder|hip|knee|thigh)s?(?:[\s-](?:up|high|level|length))?)"
)
_NAMED = (
    # "an extreme close-up", "a tight close-up shot"
    rf"(?:(?:very|extreme|medium|big|tight)[\s-]+){{0,3}}close[\s-]?ups?(?:[\s-]+{_PICTURE})?"
    # "a medium shot", "a bust shot": the profile of a "three-quarter view" is a view, no framing
    rf"|(?!three[\s-]quarters?\s+(?:view|profile)|long\s+(?:video|clip|footage)|full\s+(?:video|clip|view|frame))"
    rf"{_SIZE}[\s-]+{_PICTURE}"
    r"|(?:mid|head|mug)shots?|head[\s-]and[\s-]shoulders(?:[\s-]+(?:shot|portrait|framing|view|crop|picture|photo))?"
    r"|(?:at|from)\s+(?:a\s+)?(?:medium|close|long|short)\s+(?:distance|range)"
    # "a portrait shot", "waist-up", "half-length"
    r"|(?:portrait|headshot)\s+(?:shot|framing)|portrait(?=\s+of\b)"
    rf"|(?:waist|chest|shoulders?|hips?|knees?|thighs?|neck)[\s-]+up\b(?!\s+(?:to|in|on)\b)"
    r"|(?:half|full|three[\s-]quarter)[\s-]length(?=\s*(?:[,.;:!?)]|$|of\b|and\b|in\b|with\b))"
    r"|(?:half|full)[\s-]body(?=\s*(?:[,.;:!?)]|$|of\b|framed\b))"
    rf"|(?:(?:only|just)\s+)?from\s+{_WHOSE}{_PART}\s+{_UP}|from\s+head\s+to\s+(?:toe|foot)"
    r"|(?:(?:his|her|their|the)\s+)?(?:whole|full|entire|upper)\s+body\s+(?:(?:is|being)\s+)?"
    r"(?:visible|shown|seen|in\s+(?:the\s+)?(?:frame|view|shot|picture))"
    r"|(?:(?:his|her|their|the)\s+)?face\s+(?:fills|filling)\s+the\s+(?:whole\s+|entire\s+)?(?:frame|picture|screen)"
)
_SHOWN = (
    r"(?:seen|shown|filmed|framed|captured|pictured|shot|photographed|cropped|visible|recorded|presented|taken"
    r"|viewed|portrayed|depicted|cut(?:\s+off)?)"
)
_HOW = r"(?:(?:only|just|mostly|always|tightly|loosely|here|throughout)\s+)?"
_BY_FRAME = (
    rf"framed\s+{_HOW}(?:at|to|by|from|above|just\s+below)\s+{_WHOSE}{_PART}(?:\s+{_UP})?"
    rf"|(?:cuts?|cutting)\s+(?:him|her|them)\s+(?:off\s+)?at\s+{_WHOSE}{_PART}"
    rf"|(?:shows?|showing)\s+(?:him|her|them)\s+(?:only\s+)?(?:(?:down|up)\s+to|as\s+far\s+as)\s+{_WHOSE}{_PART}"
    rf"|(?:cropped|cut\s+off|visible|seen|shown|filmed)\s+{_HOW}(?:at|(?:down\s+|up\s+)?to|as\s+far\s+as)\s+"
    rf"{_WHOSE}(?:head|neck|shoulders|chest|bust|waist|belt|hips|thighs|knees)"
    rf"|{_SHOWN}\s+(?:from\s+)?(?:very\s+)?(?:up\s+close|close\s+up|afar|a\s+distance|far\s+away)"
    rf"|(?:tightly|closely|widely|loosely)\s+framed(?:\s+{_PICTURE})?|framed\s+(?:tight(?:ly)?|close(?:ly)?|wide(?:ly)?)"
)
_FRAMING = re.compile(rf"\b(?:{_BY_FRAME}|{_NAMED})(?![\w-])", re.IGNORECASE)
_BARE = re.compile(
    r"^\W*(?:(?:the|its?)\s+)?(?:framing|shot(?:\s+(?:size|type))?|crop|composition)\s*(?:is|:|=|-)\s*(?:a\s+)?"
    r"((?:very\s+|medium\s+|extreme\s+){0,3}(?:tight|close|medium|mid|wide|full|long|half|bust|american))\W*$",
    re.IGNORECASE,
)
_MOVES_ON = re.compile(
    r"\b(?:(?:zoom|pull|push|doll[yi]|widen|tighten|crane|track|cut|switch|chang|transition|fad|pan|tilt"
    r"|mov|go|com|end|finish|turn|clos)(?:e?s|ing|ed|es|ting|ts)?|zoom|pull|push|dolly|cut|move|go|come)\b"
    r"(?:\s+[\w-]+){0,5}?\s+(?:to|into|for|onto|until|through|(?<=ing )in|(?<=ends )(?:in|on)|(?<=out )in)"
    r"(?:\s+(?:a|an|the|become|becomes|it\s+is))*(?:\s+[\w-]+)?\s*$",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|without|never|instead\s+of|rather\s+than|than)(?:\s+an?|\s+in|\s+as)*\s*$", re.I
)
_TITLES = re.compile(
    r"^\W*(?:(?:this|it|here)\s*(?:is|'s)\s+)?(?:an?\s+|the\s+)?(?:(?!(?:an?|the|his|her)\b)[\w-]+\s+){0,3}$",
    re.IGNORECASE,
)
_DOES = re.compile(r"\b(?:his|her|their|and|both)\s*$", re.IGNORECASE)
_SEES = re.compile(r"\b(?:see|show|frame|captur)\w*\b", re.IGNORECASE)
_IS_SEEN = re.compile(
    r"\s*(?:can\s+be\s+)?(?:are|is|fill|seen|shown|visible|in\s+(?:the\s+)?(?:frame|picture|shot|view))\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    rf"(?:\b(?:and|who|which)\s+)?(?:\b(?:is|are|was|were|being|as)\s+)?(?:\b{_SHOWN}\s+)?{_HOW}"
    r"(?:\b(?:in|as|with|at|by|to)\s+)?(?:\b(?:a|an|the)\s+)?$",
    re.IGNORECASE,
)
_FRAME_WORDS = words("""
    the this that our a an shot shots framing frame framed camera cameras picture image photo photograph
    video clip footage scene view film composition crop it its is are was be being as in of on with at to for
    from by we us you one see sees show shows shown seen shoot shoots filmed films frames captures captured
    capture keep keeps kept hold holds held stay stays remain remains lens him her them his their only just
    always throughout
    it's used whole entire and here size type taken made please use using make down up off viewer viewers
""")
_GOES_ON = re.compile(
    r"\s*(?:of|on|(?:that\s+|which\s+)?(?:show|featur|captur|depict|present|follow|focus)\w*|in\s+which|where)\b",
    re.IGNORECASE,
)
_PHRASES = re.compile(r"from|at|only|just|seen|show|filmed|framed|cropped|cut|his|her|their", re.IGNORECASE)
_PEOPLE = re.compile(
    r"\bthe\s+(?:man|woman|person|subject|individual|figure|guy|lady|speaker)(?:'s)?\b", re.I
)
_OWNERS = words("his her their")
_BARE_SIZES = words("tight close medium mid wide full long half bust american")
_CLAUSE = re.compile(r"[^.;!?]+[.;!?]*\s*")
_LONE = re.compile(r"\b(?:portrait|(?:upper|half|full)[\s-]body|bust|torso)\b", re.IGNORECASE)
_NEEDS_PICTURE = words("bust torso")  # alone they are things


def framing_of(prompt: str) -> str:
    """The framing in the prompt's own words, lower case, without its article; "" where it names none."""
    return next((_wording(found) for found in _found(prompt)), "")


def unframed(prompt: str) -> str:
    """The prompt without what it says of the framing; as it is where it says nothing else."""
    kept: list[str] = []
    for sentence in _CLAUSE.findall(prompt):
        text = sentence
        while True:
            found = next(_found(text), None)
            shorter = _without(text, found) if found else text
            if shorter == text:
                break
            text = shorter
        kept.append(text)
    text = re.sub(r"[;,]$", ".", "".join(kept).strip())
    return text if any(character.isalnum() for character in text) else prompt


def _found(text: str) -> Iterator[re.Match[str]]:
    """The framings that hold from the start, each looked for when it is asked for."""
    for sentence in _CLAUSE.finditer(text):
        bare = _BARE.match(sentence.group())
        if bare:
            begin = sentence.start() + bare.start(1)
            again = re.compile(re.escape(bare[1])).match(text, begin)
            if again:
                yield again
            continue
        for match in _FRAMING.finditer(text, sentence.start(), sentence.end()):
            before = text[sentence.start() : match.start()]
            if not (_is_shaken(text, match, before) or _MOVES_ON.search(before) or _DENIED.search(before)):
                yield match
        for match in _LONE.finditer(text, sentence.start(), sentence.end()):
            if _is_of_picture(text, match, sentence):
                yield match


def _is_of_picture(text: str, match: re.Match[str], sentence: re.Match[str]) -> bool:
    """Whether a word that may be a framing stands in a clause about nothing but the picture: "the shot is a
    portrait", "framing: upper body".
    """
    before = text[sentence.start() : match.start()].rpartition(",")[2]
    after = re.split("[,.;!?]", text[match.end() : sentence.end()], maxsplit=1)[0]
    rest = re.findall(r"[\w']+", f"{before} {after}".lower())
    pictured = bool(rest) or match.group().lower() not in _NEEDS_PICTURE
    return pictured and _OWNERS.isdisjoint(rest) and _of_the_picture(f"{before} {after}")


def _is_shaken(text: str, match: re.Match[str], before: str) -> bool:
    """Whether the words tell a thing or a deed: "holds a portrait of", "shakes his head and shoulders"."""
    said = match.group().lower()
    if said == "portrait":
        return not _TITLES.match(before)
    deed = said.startswith("head") and _DOES.search(before)
    return bool(deed) and not (_SEES.search(before) or _IS_SEEN.match(text, match.end()))


def _wording(match: re.Match[str]) -> str:
    said = " ".join(match.group().lower().split())
    said = re.sub(r"^(?:only|just)\s+", "", said)
    said = re.sub(r"^(?:cut|show)\w*\s+(?:him|her|them)\s+(?:off\s+|only\s+)?(?=\w)", "framed ", said)
    return said if " " in said or said not in _BARE_SIZES | _NEEDS_PICTURE else f"{said} shot"


def _without(sentence: str, match: re.Match[str]) -> str:
    """The sentence without this framing; "" where it was about nothing but the picture."""
    before, after = sentence[: match.start()], sentence[match.end() :]
    if _of_the_picture(f"{before} {after}"):
        return ""
    shorter = _without_clause(before, after)
    if shorter is None and not _GOES_ON.match(after):  # "a close-up of a man": frames.py takes it off
        shorter = _without_phrase(before, after, bool(_PHRASES.match(match.group())))
    return sentence if shorter is None else shorter


def _without_clause(before: str, after: str) -> str | None:
    """Without the whole clause around the framing, where that is about the picture alone."""
    if _of_the_picture(before) and re.match(r"\s*,\s*(?:and|while|as)\b", after):
        return _capital(re.sub(r"^\s*,\s*(?:and|while|as)\s+", "", after))
    main, _, clause = before.rpartition(",")
    ended = re.search("[,.;!?]|$", after)
    closing = ended.start() if ended else len(after)
    if main.strip() and clause.strip() and _of_the_picture(f"{clause} {after[:closing]}"):
        rest = after[closing:]  # "he nods, the shot showing him (down to his chest)"
        return f"{main} {rest[1:].lstrip()}" if rest.startswith(",") else main + rest
    return None


def _without_phrase(before: str, after: str, whole: bool) -> str | None:
    """Without the framing and what leads to it ("seen in a"); None where it is a part of another phrase.

    ``whole`` says that the framing is a phrase by itself ("from the waist up").
    """
    lead = _LEAD.search(before)
    led = lead.group().strip().lower() if lead else ""
    head = before[: lead.start()] if lead else before
    inner = head.strip(" ,([-") and head.rstrip()[-1:] not in ",([-\u2013\u2014"
    if not led and not whole and inner:
        return None
    head, tail = head.rstrip(" ([-\u2013\u2014"), after.lstrip(" :-)\u2013\u2014")
    if led.split(" ")[0] in ("is", "are", "was", "were"):
        tail = re.sub(r"^and\s+", "", tail)  # "is seen from the waist up and waves"
    if not head.strip(" ,"):
        return _capital(tail.lstrip(" ,:"))
    listed = "," in head[:-1] or "," in tail[1:]
    if head.endswith(",") and tail[:1] == "," and (led or not listed):
        return f"{head[:-1]} {tail[1:].lstrip()}"  # both commas were the framing's
    head = head.removesuffix(",")
    return f"{head}{'' if tail[:1] in ',.;!?' else ' '}{tail}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_the_picture(rest: str) -> bool:
    """Whether what is left of a sentence speaks of the picture alone: "the shot is a", "we see her"."""
    words = re.findall(r"[\w']+", _PEOPLE.sub(" ", rest).lower())
    return all(word in _FRAME_WORDS for word in words)
