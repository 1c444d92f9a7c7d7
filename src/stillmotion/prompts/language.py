"""What the two language-model writers share: temporal prompt first, the spatial one from it, checks, and
the way back to the rules.
"""

from __future__ import annotations

from collections.abc import Callable

from stillmotion.prompts import instructions, rules
from stillmotion.prompts.answers import BadAnswer, spatial_answer, temporal_answer
from stillmotion.prompts.writers import Brief, Written

TEMPERATURE = 0.1
TOP_P = 0.9
MAX_NEW_TOKENS = 1000

Messages = list[dict[str, str]]


class NoAnswer(Exception):
    """The model cannot be asked at all (no connection, an error, too late); the message says why."""


def write_with(ask: Callable[[Messages], object], brief: Brief) -> Written:
    """Both prompts by a model that `ask` reaches; each bad or missing answer is replaced by the rules' and
    said in `fallback`.
    """
    by_rules = rules.temporal_of(brief.prompt, brief.subject)
    reasons: list[str] = []
    temporal = by_rules
    try:
        raw = rules.untimed(brief.prompt)
        temporal = temporal_answer(
            ask(instructions.messages(instructions.TEMPORAL, brief.subject, raw)), brief
        )
    except BadAnswer as reason:
        reasons.append(f"temporal prompt by rules, the model's answer is unusable: {reason}")
    except NoAnswer as reason:
        spatial = rules.spatial_of(brief.prompt, brief.subject, brief.count_tokens, brief.trigger)
        return Written(spatial, by_rules, f"both prompts by rules, the model did not answer: {reason}")
    try:
        spatial = spatial_answer(
            ask(instructions.messages(instructions.SPATIAL, brief.subject, temporal)), brief
        )
    except (BadAnswer, NoAnswer) as reason:
        spatial = rules.spatial_of(brief.prompt, brief.subject, brief.count_tokens, brief.trigger)
        kind = "answer is unusable" if isinstance(reason, BadAnswer) else "server failed"
        reasons.append(f"spatial prompt by rules, the model's {kind}: {reason}")
    return Written(spatial, temporal, "; ".join(reasons)[:1000] or None)
