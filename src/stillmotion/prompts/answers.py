"""A language model's answers, checked before they become prompts. A model is never trusted: what fails here
is written by rules.
"""

from __future__ import annotations

import re

from stillmotion.errors import InputError
from stillmotion.prompts import rules
from stillmotion.prompts.morphology import guess_base
from stillmotion.prompts.tagging import tag
from stillmotion.prompts.text import CLIP_CONTENT_TOKENS, check_prompt, estimate_clip_tokens
from stillmotion.prompts.tokens import noun_class
from stillmotion.prompts.writers import Brief

LEAST_ACTIONS_KEPT = 0.5
"""Share of the prompt's verbs of action that a temporal answer must still have, by word stem; models use
synonyms.
"""

LEAST_LOOKS_KEPT = 0.3
"""Share of the prompt's garments, looks and places whose noun a spatial answer must still have."""

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(
    r"```|\*\*|__|^\s{0,3}#{1,6}\s|^\s*(?:[-*\u2022]|\d+[.)])\s|</?[a-z][^>]*>|https?://|\{\s*\"",
    re.MULTILINE | re.IGNORECASE,
)
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb"
_NOTE = re.compile(
    r"^\s*(?:\(?note|explanation|i (?:hope|have|kept|removed)|let me|word count"
    r"|this (?:prompt|version|rewrite))\b",
    re.IGNORECASE,
)


class BadAnswer(Exception):
    """An answer that cannot serve as a prompt; the message says why, without the answer's text."""


def temporal_answer(answer: object, brief: Brief) -> str:
    """The temporal prompt in a model's answer, or `BadAnswer`."""
    text = _prompt_in(answer, brief.subject)
    if len(text) > max(2000, 2 * len(brief.prompt)):
        raise BadAnswer(f"it is too long ({len(text)} characters)")
    missing = lost_actions(brief.prompt, text)
    actions = rules.actions_of(brief.prompt)
    if actions and 1 - len(missing) / len(actions) < LEAST_ACTIONS_KEPT:
        raise BadAnswer(f"it loses {len(missing)} of {len(actions)} actions ({', '.join(missing[:5])})")
    if len(text.split()) < 3 and len(brief.prompt.split()) > 3:
        raise BadAnswer("it says nothing")
    return text if text[-1] in ".!?" else text.rstrip(",;: ") + "."


def spatial_answer(answer: object, brief: Brief) -> str:
    """The spatial prompt in a model's answer: phrases that can be seen, trigger words first, "close-up"
    last, within CLIP's length.
    """
    text = _prompt_in(answer, brief.subject)
    phrases = [phrase.strip(" .;") for phrase in re.split(r"[,;]|\.\s+", text[len(brief.subject) :])]
    seen: dict[str, str] = {}
    for phrase in phrases:
        if phrase and phrase.lower().replace(" ", "-") != "close-up" and _visible(phrase):
            seen.setdefault(phrase.lower(), phrase)
    kept = list(seen.values())
    if not kept and len(brief.prompt.split()) > 6:
        raise BadAnswer("it lists nothing that can be seen")
    if any(len(phrase.split()) > 25 for phrase in kept):
        raise BadAnswer("it is a sentence, not phrases")
    looks = rules.looks_of(brief.prompt)
    lost = [noun for noun in looks if noun[:5] not in text.lower()]
    if looks and len(lost) > (1 - LEAST_LOOKS_KEPT) * len(looks):
        raise BadAnswer(f"it loses {len(lost)} of {len(looks)} things to be seen ({', '.join(lost[:5])})")
    count = brief.count_tokens or estimate_clip_tokens
    while True:
        spatial = brief.trigger + ", ".join([brief.subject, *kept, "close-up"])
        if count(spatial) <= CLIP_CONTENT_TOKENS or not kept:
            return spatial
        kept.pop()


def lost_actions(prompt: str, text: str) -> tuple[str, ...]:
    """Verbs of action of the prompt whose stem the text no longer has, in order."""
    words = {guess_base(word) for word in re.findall(r"[^\W\d_]+", text.lower())}
    return tuple(
        verb for verb in rules.actions_of(prompt) if not any(_same_stem(verb, word) for word in words)
    )


def _same_stem(verb: str, word: str) -> bool:
    length = max(4, len(verb) - 2)
    return verb == word or (len(verb) >= 4 and word[:length] == verb[:length])


def _visible(phrase: str) -> bool:
    """Neither feet, nor sound, nor smell."""
    return not any(
        token.tag == "NOUN" and noun_class(token.lemma) in ("footwear", "sound", "smell")
        for token in tag(phrase)
    )


def _prompt_in(answer: object, subject: str) -> str:
    """The prompt itself: from the subject on, one paragraph, without quotes; `BadAnswer` for anything that
    is none.
    """
    if not isinstance(answer, str) or not answer.strip():
        raise BadAnswer("it is empty")
    text = _THOUGHT.sub("", answer)
    if "<think>" in text.lower() or "</think>" in text.lower():
        raise BadAnswer("its thinking does not end")
    match = re.search(rf"\b{re.escape(subject)}\b", text) or re.search(
        rf"\b{re.escape(subject)}\b", text, re.IGNORECASE
    )
    if match is None:
        raise BadAnswer(f"it does not begin with the subject '{subject}'")
    paragraphs = [
        part
        for part in re.split(r"\n\s*\n|\n(?=\s*(?:note|explanation)\b)", text[match.start() :], flags=re.I)
        if part.strip()
    ]
    text = " ".join(
        part for part in paragraphs[:1] + [part for part in paragraphs[1:] if not _NOTE.match(part)]
    )
    text = text.strip().strip(_QUOTES).strip()
    if _MARKUP.search(text):
        raise BadAnswer("it has markup or an address in it")
    try:
        text = check_prompt(" ".join(text.split(" ")), "it")
    except InputError as error:
        raise BadAnswer(str(error)) from None
    return subject + " ".join(text.split())[len(subject) :]
