"""What a user asks for: one schema for the command line, Python, batch files and REST."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stillmotion.presets import Quality, preset

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


def settle(request: Request) -> Settings:
    """Fill in what the request leaves open, from its preset and quality; a missing seed is drawn here."""
    chosen = preset(request.preset)
    still, motion = chosen.still, chosen.motion
    sampling = still.quality[request.quality]
    defaults: dict[str, Any] = {
        "seed": secrets.randbelow(2**32),
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
    return Settings(**(defaults | asked))
