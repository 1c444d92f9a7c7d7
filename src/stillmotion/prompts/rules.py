"""The rules writer: prompts taken apart by grammar and a lexicon, on the standard library alone.

Embedded, deterministic and quick (a few milliseconds a prompt), so every machine has it, and training
captions come from the same code as a user's prompts. Its three functions take the raw prompt:

    spatial_of(prompt, subject)    what a still shows, as phrases that fit CLIP
    temporal_of(prompt, subject)   what happens, from the subject's view
    segments_of(prompt)            the timed parts, if the prompt has times
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.chunks import Cast, Sentence, find_cast, parse, subject_gender
from stillmotion.prompts.frames import strip_frame
from stillmotion.prompts.framings import CLOSE_UP, framing_of, unframed
from stillmotion.prompts.phrases import render
from stillmotion.prompts.spatial import SpatialReader
from stillmotion.prompts.temporal import Polisher
from stillmotion.prompts.text import (
    CLIP_CONTENT_TOKENS,
    check_prompt,
    estimate_clip_tokens,
    one_line,
    sentences,
)
from stillmotion.prompts.timeline import TimedText, Timeline, read_timeline
from stillmotion.prompts.tokens import is_known

__all__ = [
    "TimedText",
    "actions_of",
    "is_english",
    "looks_of",
    "segments_of",
    "spatial_of",
    "temporal_of",
    "untimed",
]


def segments_of(prompt: str) -> tuple[TimedText, ...]:
    """The timed parts of a prompt in order, each in the prompt's own words; empty for an untimed prompt.

    Raises `InputError` for an unusable prompt and for times that are reversed, overlapping or out of order.
    """
    return read_timeline(check_prompt(prompt)).segments


def temporal_of(prompt: str, subject: str = "A person") -> str:
    """The temporal prompt: starts with `subject`, keeps every action in order, names no time marks.

    `subject` is "A man", "A woman" or "A person"; pronouns follow it. Raises `InputError` for an unusable
    prompt.
    """
    text = untimed(prompt)
    if not is_english(text):
        return _foreign_temporal(text, subject)
    parsed, cast = _read(text, subject_gender(subject))
    return Polisher(subject, cast).polish(list(parsed))


def spatial_of(
    prompt: str,
    subject: str = "A person",
    count_tokens: Callable[[str], int] | None = None,
    trigger: str = "",
) -> str:
    """The spatial prompt: `trigger`, `subject`, then phrases for looks, clothing, place, light and objects,
    then the framing that the prompt asks for, or else "close-up".

    At most 75 tokens by `count_tokens` (without start and end tokens; a careful estimate when None): the
    least visible phrases are dropped first. Raises `InputError` for an unusable prompt.
    """
    count = count_tokens or estimate_clip_tokens
    text = untimed(prompt)
    if not is_english(text):
        return _foreign_spatial(text, subject, count, trigger)
    parsed, cast = _read(text, subject_gender(subject))
    phrases = SpatialReader(cast, subject).read(list(parsed))
    framing = framing_of(text) or CLOSE_UP
    return render(subject, phrases, CLIP_CONTENT_TOKENS, count, trigger, framing)


def looks_of(prompt: str) -> tuple[str, ...]:
    """The nouns of the garments, looks and places that a still of this prompt shows: "coat", "hair",
    "park".
    """
    text = untimed(prompt)
    if not is_english(text):
        return ()
    parsed, cast = _read(text, "")
    phrases = SpatialReader(cast).read(list(parsed))
    return tuple(
        dict.fromkeys(phrase.head for phrase in phrases if phrase.kind in ("garment", "face", "place"))
    )


def actions_of(prompt: str) -> tuple[str, ...]:
    """The base forms of the verbs of action in a prompt, in order; states ("wears", "is") and frames left
    out.
    """
    text = untimed(prompt)
    if not is_english(text):
        return ()
    parsed, _ = _read(text, "")
    still = (
        lv.WEAR
        | lv.HAVE
        | lv.SEEM
        | lv.CHANGE
        | frozenset(("be", "do", "make", "let", "see", "wear", "dress"))
    )
    return tuple(
        token.lemma
        for sentence in parsed
        for token in sentence.tokens
        if token.tag == "VERB" and token.lemma not in still and token.lemma not in lv.SOUND_VERBS
    )


def untimed(prompt: str) -> str:
    """The prompt as running text without its times; an untimed prompt is only brought onto one line."""
    return _untimed(read_timeline(check_prompt(prompt)))


def is_english(text: str) -> bool:
    """Whether the grammar can read this text: Latin letters, and more English function words than foreign
    ones.
    """
    letters = [character for character in text if character.isalpha()]
    latin = sum(character < "\u0250" for character in letters)
    if latin < 0.7 * len(letters):
        return False
    words = re.findall(r"[^\W\d_]+", text.lower())
    english = sum(is_known(word) for word in words)
    foreign = sum(word in lx.FOREIGN_WORDS for word in words)
    own = sum(is_known(word) and word not in lx.FOREIGN_WORDS for word in words)
    return not (foreign >= 2 and foreign > own) and (english >= 0.34 * len(words) or len(words) <= 3)


def _untimed(timeline: Timeline) -> str:
    """A timed prompt as running text, without the times."""
    if not timeline.segments:
        return one_line(timeline.preamble)
    parts = [timeline.preamble, *(segment.text for segment in timeline.segments)]
    lines = [one_line(part).strip() for part in parts if part.strip()]
    return " ".join(line if line[-1] in ".!?;\u3002" else line + "." for line in lines)


@lru_cache(maxsize=256)
def _read(text: str, gender: str) -> tuple[tuple[Sentence, ...], Cast]:
    parsed = [parse(strip_frame(sentence)) for sentence in sentences(unframed(text))]
    return tuple(parsed), find_cast(parsed, gender)


def _foreign_temporal(text: str, subject: str) -> str:
    """Another language: nothing is rewritten and nothing lost; the subject stands first."""
    return text if text.lower().startswith(subject.lower()) else f"{subject}. {text}"


def _foreign_spatial(text: str, subject: str, count: Callable[[str], int], trigger: str) -> str:
    """Another language: the text's own clauses as phrases, the last ones dropped until it fits."""
    phrases = [
        piece.strip(" .")
        for piece in re.split("[,.;!?\u3001\u3002\uff0c\uff1b\uff01\uff1f\u061b\u060c]+", text)
        if piece.strip(" .")
    ]
    while True:
        spatial = trigger + ", ".join([subject, *phrases, "close-up"])
        if count(spatial) <= CLIP_CONTENT_TOKENS or not phrases:
            return spatial
        if len(phrases) > 1:
            phrases.pop()
        else:
            only = phrases[0]
            shorter = only.rsplit(" ", 1)[0] if " " in only else only[: max(0, len(only) * 3 // 4)]
            phrases = [shorter] if shorter else []
