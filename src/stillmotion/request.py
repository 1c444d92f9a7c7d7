"""What a user asks for: one schema for the command line, Python, batch files and REST.

A field's description is its help text everywhere. What is wrong with a request is said here, before any
work starts.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stillmotion.errors import InputError
from stillmotion.presets import MotionPreset, Quality, preset

Mode = Literal["decoupled", "r2v"]
Prompts = Literal["refined", "raw"]
Side = Annotated[int, Field(ge=64, le=2048)]
Guidance = Annotated[float, Field(ge=0, le=30)]
Steps = Annotated[int, Field(ge=1, le=200)]

STILL_MULTIPLE = 8
"""Pixels per latent of SDXL's VAE."""

MOTION_MULTIPLE: dict[str, int] = {"vace": 16, "i2v": 16, "ti2v": 32}
"""Pixels per patch of each kind of Wan model: the VAE's spatial factor times the transformer's patch of 2."""

MOTION_CAP = 2**28
"""The most pixels of one segment, width x height x num_frames: 2.4 times Wan2.2's 1280x720x121."""


class Request(BaseModel):
    """One video to make. None means: as the preset and the quality say (see ``presets``).

    Sizes in pixels; ``num_frames`` counts the frames of one segment. Wrong values raise pydantic's
    ValidationError; ``parse`` is the door that turns them into an InputError of one line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    faces: tuple[Path, ...] = Field((), max_length=8, description="Photo of the person; repeat it for more.")
    prompt: str = Field(min_length=1, max_length=4000, description="What the video shows.")
    preset: str = Field("mini", description="Which models; 'stillmotion presets' lists them.")
    quality: Quality = Field("standard", description="Sets steps, candidates and detail.")
    seed: int | None = Field(None, ge=0, le=2**63 - 1, description="Same seed, same video; drawn otherwise.")
    mode: Mode = Field("decoupled", description="A first frame, then motion; r2v: straight from the photo.")
    prompts: Prompts = Field("refined", description="Split the prompt into looks and motion, or use it raw.")
    writer: str | None = Field(None, description="Who splits it: rules, transformers:MODEL, openai:BASE_URL.")
    negative_prompt: str | None = Field(None, max_length=4000, description="What must not be seen.")
    still_width: Side | None = Field(None, description="Width of the first frame.")
    still_height: Side | None = Field(None, description="Height of the first frame.")
    still_steps: Steps | None = Field(None, description="Sampling steps of the first frame.")
    candidates: int | None = Field(None, ge=1, le=16, description="First frames to choose from.")
    detail: bool | None = Field(None, description="Draw the face again at a larger scale.")
    guidance_scale: Guidance | None = Field(None, description="How strictly the still follows the words.")
    lora_weight: float | None = Field(None, ge=0, le=2, description="How strongly the photo shapes the face.")
    width: Side | None = Field(None, description="Width of the video.")
    height: Side | None = Field(None, description="Height of the video.")
    num_frames: int | None = Field(None, ge=1, le=1001, description="Frames of one segment: 4n+1.")
    fps: int | None = Field(None, ge=1, le=120, description="Frames a second.")
    motion_steps: Steps | None = Field(None, description="Sampling steps of the motion.")
    motion_guidance_scale: Guidance | None = Field(
        None, description="How strictly it moves as the words say."
    )

    @field_validator("faces", mode="before")
    @classmethod
    def _no_addresses(cls, value: Any) -> Any:
        """A photo is a file: nothing is fetched because a request said so."""
        for face in value if isinstance(value, list | tuple) else ():
            if "://" in str(face) or str(face).startswith(("http:", "https:", "data:")):
                raise ValueError(f"'{face}' is an address; save the photo and give its path")
            if not str(face) or "\0" in str(face):
                raise ValueError("a path is empty or holds a NUL")
        return value

    @field_validator("prompt", "negative_prompt")
    @classmethod
    def _printable(cls, value: str | None) -> str | None:
        """Line breaks and tabs become spaces; other control characters and surrogates are refused."""
        if value is None:
            return None
        value = " ".join(value.split())
        for character in value:
            if unicodedata.category(character) in ("Cc", "Cs"):
                raise ValueError(f"holds the control character U+{ord(character):04X}; remove it")
        return value

    @field_validator("prompt")
    @classmethod
    def _has_words(cls, value: str) -> str:
        if not any(character.isalnum() for character in value):
            raise ValueError("has no words; say what the video shows")
        return value

    @field_validator("preset")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return preset(value).name
        except InputError as error:
            raise ValueError(str(error).removeprefix("preset: ")) from None


class Settings(BaseModel):
    """A request with every default filled in: what the steps read and what the record keeps.

    Sizes in pixels; ``num_frames`` per segment; names as in Request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str
    quality: Quality
    seed: int
    mode: Mode
    prompts: Prompts
    writer: str
    negative_prompt: str
    motion_negative_prompt: str
    still_width: int
    still_height: int
    still_steps: int
    candidates: int
    detail: bool
    guidance_scale: float
    lora_weight: float
    width: int
    height: int
    num_frames: int
    fps: int
    motion_steps: int
    motion_guidance_scale: float


def parse(fields: Mapping[str, Any]) -> Request:
    """A Request from plain values; InputError naming the first wrong field and what it takes."""
    try:
        return Request(**fields)
    except ValidationError as error:
        raise InputError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """The first complaint of pydantic as one line: the field, what is wrong with it, what was given."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "request"
    what = first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    shown = (
        f" (given: {given!r})" if isinstance(given, int | float | str) and 0 < len(str(given)) < 60 else ""
    )
    return f"{where}: {what[:1].lower()}{what[1:]}{shown}"


def settle(request: Request, seed: int | None = None) -> Settings:
    """Fill in what the request leaves open, from its preset and quality.

    A request without a seed takes ``seed`` (an interrupted run's), or else one drawn here. InputError for
    sizes that the preset's models cannot make.
    """
    chosen = preset(request.preset)
    still, motion = chosen.still, chosen.motion
    sampling = still.quality[request.quality]
    defaults: dict[str, Any] = {
        "seed": secrets.randbelow(2**32) if seed is None else seed,
        "writer": chosen.writer,
        "negative_prompt": still.negative_prompt,
        "still_width": request.width or still.width,
        "still_height": request.height or still.height,
        "still_steps": sampling.steps,
        "candidates": sampling.candidates,
        "detail": sampling.detail,
        "guidance_scale": still.guidance_scale,
        "lora_weight": still.lora_weight,
        "width": motion.width,
        "height": motion.height,
        "num_frames": motion.num_frames,
        "fps": motion.fps,
        "motion_steps": motion.steps[request.quality],
        "motion_guidance_scale": motion.guidance_scale,
        "motion_negative_prompt": request.negative_prompt or motion.negative_prompt,
    }
    asked = request.model_dump(exclude={"faces", "prompt"}, exclude_none=True)
    settings = Settings(**(defaults | asked))
    _check_sizes(settings, motion)
    return settings


def _check_sizes(settings: Settings, motion: MotionPreset) -> None:
    """InputError where a size is not one that the preset's models can make; nothing is rounded in silence."""
    multiples = {
        "width": MOTION_MULTIPLE[motion.kind],
        "height": MOTION_MULTIPLE[motion.kind],
        "still_width": STILL_MULTIPLE,
        "still_height": STILL_MULTIPLE,
    }
    for name, multiple in multiples.items():
        value: int = getattr(settings, name)
        if value % multiple:
            below, above = value // multiple * multiple, (value // multiple + 1) * multiple
            raise InputError(
                f"{name}: {value} is not a multiple of {multiple}; take {below or above} or {above}"
            )
    if settings.num_frames % 4 != 1:
        near = (settings.num_frames - 1) // 4 * 4 + 1
        raise InputError(f"num_frames: {settings.num_frames} is not 4n+1; take {near} or {near + 4}")
    if motion.sigmas and settings.motion_steps != len(motion.sigmas):
        raise InputError(f"motion_steps: {settings.preset} was made for {len(motion.sigmas)}; leave them out")
    if settings.width * settings.height * settings.num_frames > MOTION_CAP:
        raise InputError(
            f"num_frames: {settings.num_frames} frames of {settings.width}x{settings.height} are more than "
            f"one segment may hold ({MOTION_CAP // 2**20} Mi pixels); take fewer or smaller frames"
        )
