"""Putting text together: edits of spans, lists of adjectives, sentences and paragraphs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stillmotion.prompts.tokens import Token


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters `start` to `end` of a sentence."""

    start: int
    end: int
    text: str


def listed(words: list[Token]) -> str:
    """Adjectives as a list: "young, tall" -> "young and tall"; commas and "and" of the prompt are made
    anew.
    """
    groups: list[str] = []
    join = False
    for token in words:
        if token.tag in ("CONJ", "PUNCT"):
            join = False
            continue
        word = (
            token.text if token.tag == "NAME" or (token.text[0].isupper() and token.start > 0) else token.low
        )
        if join:
            groups[-1] += " " + word
        else:
            groups.append(word)
        join = token.tag == "ADV"
    if len(groups) < 2:
        return "".join(groups)
    return ", ".join(groups[:-1]) + " and " + groups[-1]


def apply(text: str, edits: list[Edit], begin: int, end: int) -> str:
    """`text[begin:end]` with the edits that lie within it."""
    pieces: list[str] = []
    at = begin
    for edit in edits:
        if edit.start < at or edit.end > end:
            continue
        pieces.append(text[at : edit.start])
        pieces.append(edit.text)
        at = edit.end
    pieces.append(text[at:end])
    return "".join(pieces)


def keeps_capital(text: str) -> bool:
    first = text.split(None, 1)[0] if text.split() else ""
    return (len(first) > 1 and first.isupper()) or first == "I"


def split_closing(text: str) -> tuple[str, str]:
    stripped = text.rstrip()
    body = stripped.rstrip(".!?")
    return body.rstrip(",;: "), stripped[len(body) :]


def glue(text: str) -> str:
    return text if not text or text[0] in ",.;:!?'" else " " + text


def join(head: str, tail: str) -> str:
    """Head and tail with the comma that an apposition needs."""
    tail = tail.strip()
    if not tail:
        return head.rstrip(",") + "."
    if tail[0] in ",.;:!?'":
        return head.rstrip(",") + tail
    apposed = "," in head and not head.endswith(",")
    if apposed:
        return f"{head}, {tail}"
    return f"{head} {tail}"


def paragraph(parts: list[str]) -> str:
    """One paragraph of sentences, each with a capital and a closing mark."""
    return " ".join(sentence for part in parts if (sentence := _sentence(part)))


def _sentence(part: str) -> str:
    text = re.sub(r"\s+", " ", part).strip()
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r",(?:\s*,)+", ",", text).replace(",.", ".")
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in _CLOSING else text.rstrip(",;:") + "."


_CLOSING = "\u2026.!?\u3002\uff01\uff1f\"'\u201d)"
