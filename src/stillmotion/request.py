"""What a user asks for: one schema for the command line, Python, batch files and REST."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stillmotion.presets import Quality

Mode = Literal["decoupled", "r2v"]
Prompts = Literal["refined", "raw"]
Side = Annotated[int, Field(ge=64, le=2048)]


class Request(BaseModel):
    """One video to make. None means: as the preset and the quality say (see ``presets``).

    ``faces``: 1 to 8 photos of one person (JPEG, PNG or WEBP). ``prompt``: what the video shows, 1 to 4000 characters.
    ``seed``: 0 to 2**63-1; None draws one and records it. ``mode``: "decoupled" makes a first frame and moves it;
    "r2v" makes the video straight from the reference. ``prompts``: "refined" splits the prompt, "raw" does not.
    Sizes in pixels; ``num_frames`` counts frames of one segment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    faces: Annotated[tuple[Path, ...], Field(min_length=1, max_length=8)]
    prompt: Annotated[str, Field(min_length=1, max_length=4000)]
    preset: str = "mini"
    quality: Quality = "standard"
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    mode: Mode = "decoupled"
    prompts: Prompts = "refined"
    writer: str | None = None
    negative_prompt: Annotated[str, Field(max_length=4000)] | None = None
    still_width: Side | None = None
    still_height: Side | None = None
    still_steps: Annotated[int, Field(ge=1, le=200)] | None = None
    candidates: Annotated[int, Field(ge=1, le=16)] | None = None
    detail: bool | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=30)] | None = None
    lora_weight: Annotated[float, Field(ge=0, le=2)] | None = None
    width: Side | None = None
    height: Side | None = None
    num_frames: Annotated[int, Field(ge=1, le=1001)] | None = None
    fps: Annotated[int, Field(ge=1, le=120)] | None = None
    motion_steps: Annotated[int, Field(ge=1, le=200)] | None = None
    motion_guidance_scale: Annotated[float, Field(ge=0, le=30)] | None = None
