"""Step 2 of the method: a prompt becomes a plan, by whichever writer is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, cast

from stillmotion.errors import InputError
from stillmotion.prompts import rules
from stillmotion.prompts.frames import strip_frame
from stillmotion.prompts.framings import CLOSE_UP, framing_of
from stillmotion.prompts.lexicon import FEMALE, GENERIC_PEOPLE, MALE
from stillmotion.prompts.plan import Plan, Segment, Subject
from stillmotion.prompts.text import (
    CLIP_CONTENT_TOKENS,
    check_prompt,
    estimate_clip_tokens,
    sentences,
)
from stillmotion.prompts.views import asked_view, tells_expression, tells_view
from stillmotion.prompts.writers import Brief, Writer, writer_for

_SUBJECTS = ("A man", "A woman", "A person")


def subject_in(prompt: str) -> Subject:
    """What the prompt itself calls its person, for a plan without a photo: its first word for one decides."""
    people = FEMALE | MALE | GENERIC_PEOPLE
    text = " ".join(strip_frame(sentence) for sentence in sentences(prompt))
    first = next((word for word in re.findall(r"[a-z]+", text.lower()) if word in people), "")
    return "A woman" if first in FEMALE else "A man" if first in MALE else "A person"


def decouple(
    prompt: str,
    subject: str = "A person",
    writer: str | Writer = "rules",
    mode: Literal["refined", "raw"] = "refined",
    count_tokens: Callable[[str], int] | None = None,
    trigger: str = "",
    view: str = "",
    expression: str = "",
) -> Plan:
    """Take a prompt apart into what is seen and what happens.

    Args:
        prompt: the user's text, 1 to 3,999 characters.
        subject: "A man", "A woman" or "A person"; both prompts speak of it.
        writer: "rules", "transformers[:MODEL]", "openai:BASE_URL[#MODEL]", or an object with `write(brief)`.
        mode: "raw" uses the prompt itself for both stages (the paper's ablation); the plan's writer is then
            "raw".
        count_tokens: tokens of a text by the preset's CLIP tokenizer, start and end tokens not counted;
            None estimates.
        trigger: HyperLoRA's trigger words, put first in the spatial prompt.
        view: what a refined spatial prompt says of the view where the user says nothing of it.
        expression: the same of the expression.

    Raises:
        InputError: the prompt, its times, the subject, the mode or the writer's name cannot be used.

    """
    text = check_prompt(prompt)
    if subject not in _SUBJECTS:
        raise InputError(f"subject must be one of {', '.join(_SUBJECTS)}, not {subject!r}")
    if mode not in ("refined", "raw"):
        raise InputError(f"mode must be refined or raw, not {mode!r}")
    timed = rules.segments_of(text)
    noun = cast(Subject, subject)
    if mode == "raw":
        segments = tuple(Segment(start=part.start, end=part.end, text=part.text) for part in timed)
        return Plan(subject=noun, spatial=trigger + text, temporal=text, segments=segments, writer="raw")
    chosen = writer_for(writer) if isinstance(writer, str) else writer
    written = chosen.write(Brief(text, subject, count_tokens, trigger))
    segments = tuple(
        Segment(start=part.start, end=part.end, text=rules.temporal_of(part.text, subject)) for part in timed
    )
    return Plan(
        subject=noun,
        spatial=_seen(written.spatial, text, view, expression, count_tokens or estimate_clip_tokens),
        temporal=written.temporal,
        segments=segments,
        writer=chosen.name,
        fallback=written.fallback,
    )


def _seen(spatial: str, asked: str, view: str, expression: str, count: Callable[[str], int]) -> str:
    """The spatial prompt with the framing that is asked for in the place of a writer's "close-up", and told
    before it a view, the one asked for or else ``view``, and ``expression``; without those that are told
    already, or where it is full.
    """
    framing = f", {framing_of(asked) or CLOSE_UP}"
    body = spatial.removesuffix(framing).removesuffix(f", {CLOSE_UP}")
    framed = spatial if body == spatial or count(body + framing) > CLIP_CONTENT_TOKENS else body + framing
    end = framed.removeprefix(body)
    wanted = asked_view(asked)
    turned = (view if wanted is None else wanted) if view and not tells_view(body) else ""
    for added in (turned, "" if tells_expression(body) else expression):
        if added and count(f"{body}, {added}{end}") <= CLIP_CONTENT_TOKENS:
            body = f"{body}, {added}"
    return body + end
