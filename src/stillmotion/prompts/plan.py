"""The plan: what the two stages are told, as one small value that is saved, shown, edited by a person and
loaded again.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stillmotion.errors import InputError, StillmotionError
from stillmotion.files import write_text
from stillmotion.prompts.text import check_prompt

Subject = Literal["A man", "A woman", "A person"]
_MAX_BYTES = 1 << 20


def _checked(value: str) -> str:
    try:
        return check_prompt(value, "text")
    except InputError as error:
        raise ValueError(str(error)) from None


class Segment(BaseModel):
    """What happens from `start` to `end`, in seconds from the beginning of the video."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    start: float = Field(ge=0, le=36000)
    end: float = Field(gt=0, le=36000)
    text: str

    _text = field_validator("text")(_checked)

    @model_validator(mode="after")
    def _ends_later(self) -> Segment:
        if self.end <= self.start:
            raise ValueError(f"end ({self.end:g}) must be greater than start ({self.start:g})")
        return self


class Plan(BaseModel):
    """A prompt decoupled: `spatial` for the still, `temporal` for the motion, `segments` when the prompt
    has times.

    `writer` names who wrote it; `fallback` says why the chosen writer's answer was replaced by the rules',
    or is None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Subject
    spatial: str
    temporal: str
    segments: tuple[Segment, ...] = ()
    writer: str = Field(default="edited", min_length=1, max_length=400)
    fallback: str | None = Field(default=None, max_length=1000)

    _texts = field_validator("spatial", "temporal")(_checked)

    @field_validator("segments")
    @classmethod
    def _in_order(cls, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
        for before, after in pairwise(segments):
            if after.start < before.end:
                times = f"{after.start:g}-{after.end:g} overlaps or precedes {before.start:g}-{before.end:g}"
                raise ValueError(f"segment {times}")
        return segments

    def to_json(self) -> str:
        """The plan as indented JSON, every field in it, letters of all scripts readable."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, name: str = "plan") -> Plan:
        """Read a plan; `InputError` names the first wrong field. `name` is how the error calls the source."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            message = first["msg"].removeprefix("Value error, ")
            raise InputError(
                f"{name}: {where + ': ' if where else ''}{message}; correct it and try again"
            ) from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as JSON, atomically; StillmotionError where the disk refuses."""
        try:
            write_text(Path(path), self.to_json())
        except OSError as error:
            raise StillmotionError(
                f"{path}: cannot be written ({error.strerror}); make room, or choose another place"
            ) from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a saved, perhaps edited plan. `InputError` names the file and the wrong field."""
        try:
            with open(path, "rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror}); give a plan saved by 'stillmotion plan --json'"
            ) from None
        if len(data) > _MAX_BYTES:
            raise InputError(
                f"{path}: larger than 1 MiB, so it is no plan; give one saved by 'stillmotion plan --json'"
            )
        return cls.from_json(data.removeprefix(b"\xef\xbb\xbf"), name=str(path))
