"""Who writes the two prompts: the interface, the rules writer, and the names that a user chooses writers
by.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stillmotion.errors import InputError
from stillmotion.prompts import rules

DEFAULT_MODEL = "Qwen/Qwen3-8B"
"""The chat model of the full presets."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a writer is given: the checked prompt, the subject, the token counter (None: an estimate) and
    the trigger words.
    """

    prompt: str
    subject: str
    count_tokens: Callable[[str], int] | None = None
    trigger: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer gives back; `fallback` says why rules took the place of its answer, or is None."""

    spatial: str
    temporal: str
    fallback: str | None = None


class Writer(Protocol):
    """Anything that writes the two prompts. `name` goes into the plan."""

    @property
    def name(self) -> str:
        """How the plan records this writer."""
        ...

    def write(self, brief: Brief) -> Written:
        """Both prompts for a brief."""
        ...


@dataclass(frozen=True, slots=True)
class RulesWriter:
    """The embedded writer: no model, no download, the same answer every time."""

    name: str = "rules"

    def write(self, brief: Brief) -> Written:
        """Both prompts, by grammar."""
        return Written(
            spatial=rules.spatial_of(brief.prompt, brief.subject, brief.count_tokens, brief.trigger),
            temporal=rules.temporal_of(brief.prompt, brief.subject),
        )


def writer_for(name: str) -> Writer:
    """The writer that a name means: "rules", "transformers[:MODEL[@REVISION]]" or "openai:BASE_URL[#MODEL]".

    Raises `InputError` for any other name. Nothing is loaded or connected yet.
    """
    kind, _, rest = name.strip().partition(":")
    if kind == "rules" and not rest:
        return RulesWriter()
    if kind == "transformers":
        from stillmotion.prompts.transformers_writer import TransformersWriter

        model, _, revision = rest.partition("@") if not os.path.isdir(rest) else (rest, "", "")
        return TransformersWriter(model or DEFAULT_MODEL, revision or None)
    if kind == "openai" and rest:
        from stillmotion.prompts.openai_writer import OpenAIWriter

        address, _, model = rest.partition("#")
        return OpenAIWriter(address, model or None)
    raise InputError(
        f"writer {name!r} is not known; use rules, transformers[:MODEL] or openai:BASE_URL[#MODEL]"
    )
