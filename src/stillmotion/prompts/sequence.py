"""What a motion prompt says happens one after another: "She smiles, then turns her head" is two deeds.

Video models of little capacity show one of two deeds that they are told at once, either. Told one after the
other, as the segments of a timed prompt are, each has frames of its own.
"""

from __future__ import annotations

import re

from stillmotion.prompts.plan import Plan, Segment

_ONE = r"(?:he|she|they|the\s+(?:man|woman|person|individual|subject))"
_LINK = re.compile(
    r"(?:[.;,]|(?<=\w))\s*\b(?:"
    r"(?<!\bnow )(?:and\s+|but\s+)?then\b|(?:and\s+)?(?:after|following)\s+(?:that|this|which)\b"
    r"|(?:and\s+)?(?:afterwards?|finally|lastly|subsequently|next(?!\s+to\b))\b"
    rf"|before(?=\s+{_ONE}\b|\s+\w+ing\b)"
    r")\s*,?\s*",
    re.IGNORECASE,
)
_SUBJECT = re.compile(rf"{_ONE}\s+", re.IGNORECASE)
_OTHER = re.compile(r"(?:the|his|her|their|its|an?)\s+\w", re.IGNORECASE)
_VERB = re.compile(r"(?:\w+ly\s+)*(?P<verb>\w{2,}(?:s|ing))\b", re.IGNORECASE)


def deeds_of(temporal: str, subject: str) -> list[str]:
    """The texts of what happens one after another, each a sentence of ``subject`` ("A woman") or of what else
    it names; the whole text alone where nothing follows anything.
    """
    texts: list[str] = []
    begin = 0
    for link in _LINK.finditer(temporal):
        rest = _clause(temporal[link.end() :], subject)
        if rest is None or not temporal[begin : link.start()].strip():
            continue
        texts.append(temporal[begin : link.start()])
        begin = link.end()
    texts.append(temporal[begin:])
    opened = [texts[0], *(_clause(text, subject) or text for text in texts[1:])]
    return [text.strip().rstrip(",;. ") + "." for text in opened] if len(opened) > 1 else [temporal]


def in_turn(plan: Plan, num_frames: int, fps: float, least: int) -> Plan:
    """The plan with a segment for each of its deeds, as long as each other and ``least`` frames or more: where
    there are too many deeds, neighbours share one. A plan with a timeline, or of one deed, is left as it is.
    """
    if plan.segments or plan.writer == "raw":
        return plan
    deeds = deeds_of(plan.temporal, plan.subject)
    count = min(len(deeds), (num_frames - 1) // least)
    if count < 2:
        return plan
    shares = [deeds[len(deeds) * at // count : len(deeds) * (at + 1) // count] for at in range(count)]
    length = num_frames / fps / count
    segments = tuple(
        Segment(start=at * length, end=(at + 1) * length, text=" ".join(some)) for at, some in enumerate(shares)
    )
    return plan.model_copy(update={"segments": segments})


def _clause(text: str, subject: str) -> str | None:
    """What follows a link as a sentence of its own; None where it is none ("then to the left")."""
    if own := _SUBJECT.match(text):
        return f"{subject} {text[own.end() :]}"
    if _OTHER.match(text):
        return text[0].upper() + text[1:]
    if verb := _VERB.match(text):
        return f"{subject} {'is ' if verb['verb'].endswith('ing') else ''}{text}"
    return None
