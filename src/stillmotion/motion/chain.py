"""FirstFrame + Plan -> Clip: the parts of a timeline, each sampled from the last frames of the one before.

VACE takes over the last ``overlap_frames`` frames and keeps the reference image; TI2V and I2V take over one
frame. The overlap is dropped from each part's output, so no frame is doubled. How far the colours of a
continued part drift from the frames that it was given is measured on that overlap and logged: it is reported,
not corrected.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from stillmotion.errors import InputError, OutOfMemoryError
from stillmotion.libraries import is_out_of_memory
from stillmotion.motion import limits, vace, wan22
from stillmotion.motion.models import MotionModels
from stillmotion.motion.pictures import fit_first_frame, reference_image
from stillmotion.motion.segments import Part, Timeline, seed_of
from stillmotion.motion.types import Clip
from stillmotion.progress import Progress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from stillmotion.identity.types import Identity
    from stillmotion.motion.segments import TimedPlan
    from stillmotion.request import Settings

Frames = NDArray[np.uint8]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """What every part of one clip shares."""

    models: MotionModels
    settings: Settings
    reference: Image | None
    conditioning_scale: float


def animate(
    first: Frames | None,
    plan: TimedPlan,
    identity: Identity | None,
    models: MotionModels,
    settings: Settings,
    progress: Progress = silent,
    done: Sequence[Frames] = (),
    keep: Callable[[int, Frames], None] | None = None,
    conditioning_scale: float = 1.0,
) -> Clip:
    """The clip of ``plan``, beginning with ``first`` (H, W, 3) RGB uint8, or straight from ``identity`` (r2v)
    if None.

    ``first`` is scaled and cropped to the settings' size. ``identity`` is VACE's reference image; the other
    models take none and ignore it. ``done``: the frames that each finished part of an interrupted run added
    to the clip, in order; ``keep(index, frames)`` is handed those of each part as it is finished, (T, H, W,
    3) uint8. ``conditioning_scale``: weight of VACE's control branch, 0 to 2 make sense.

    Raises InputError naming the field before any work, OutOfMemoryError naming a smaller setting.
    """
    parts = limits.check(models.spatial, models.preset, settings, plan, reference_only=first is None)
    if first is None and identity is None:
        raise InputError("faces: 'r2v' makes the video from the person's photo; give at least one")
    pieces = _check_done(done, parts, settings)
    job = _Job(models, settings, _reference(identity, models, settings), conditioning_scale)
    start = None if first is None else fit_first_frame(first, settings.width, settings.height)
    remaining = parts.parts[len(pieces) :]
    with _out_of_memory(settings):
        if remaining:
            _encode_prompts(models, remaining, settings)
        for part in remaining:
            frames = _sample_part(job, part, _known(part, start, pieces), progress, len(parts.parts))
            pieces.append(frames[part.overlap :])
            if keep is not None:
                keep(part.index, pieces[-1])
    return Clip(frames=np.concatenate(pieces)[: parts.total_frames], fps=float(settings.fps))


def colour_drift(given: Frames, sampled: Frames) -> float:
    """Distance of the mean colours, 0..255, of the channel where it is largest."""
    difference = sampled.mean(axis=(0, 1, 2), dtype=np.float64) - given.mean(axis=(0, 1, 2), dtype=np.float64)
    return float(np.abs(difference).max())


def _check_done(done: Sequence[Frames], parts: Timeline, settings: Settings) -> list[Frames]:
    """The pieces of an interrupted run; they must be the first parts of exactly this clip."""
    if len(done) > len(parts.parts):
        raise InputError(
            f"run: holds {len(done)} finished parts of {len(parts.parts)}; it belongs to another plan, "
            "take another run folder"
        )
    for part, frames in zip(parts.parts, done, strict=False):
        wanted = (part.new_frames, settings.height, settings.width, 3)
        if frames.shape != wanted or frames.dtype != np.uint8:
            raise InputError(
                f"run: finished part {part.index} is {frames.dtype} {list(frames.shape)} where this request "
                f"makes {list(wanted)}; it belongs to other settings, take another run folder"
            )
    return list(done)


def _reference(identity: Identity | None, models: MotionModels, settings: Settings) -> Image | None:
    if identity is None or models.preset.kind != "vace":
        return None
    return reference_image(identity, settings.width, settings.height)


def _known(part: Part, start: Frames | None, pieces: Sequence[Frames]) -> Frames | None:
    """The frames that the part begins with: the clip's last ones, or the first frame, or none."""
    if not pieces:
        return None if start is None else start[None]
    tail = pieces[-1]
    for piece in reversed(pieces[:-1]):
        if len(tail) >= part.overlap:
            break
        tail = np.concatenate([piece, tail])
    return tail[-part.overlap :]


def _guided(settings: Settings) -> bool:
    """Whether there is a second forward for the negative prompt, as the pipelines decide it."""
    return settings.motion_guidance_scale > 1


def _encode_prompts(models: MotionModels, parts: Sequence[Part], settings: Settings) -> None:
    """Every text of the clip at once, before the transformer has to share the memory."""
    texts = [part.text for part in parts]
    models.embed([*texts, settings.motion_negative_prompt] if _guided(settings) else texts)


def _sample_part(job: _Job, part: Part, known: Frames | None, progress: Progress, count: int) -> Frames:
    """One run of the model, (num_frames, H, W, 3) uint8."""
    models, settings = job.models, job.settings
    step = "motion" if count == 1 else f"motion: part {part.index + 1} of {count}"
    progress(step, 0, settings.motion_steps)

    def report(_pipe: Any, index: int, _timestep: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
        progress(step, index + 1, settings.motion_steps)
        return {}

    texts = [part.text, settings.motion_negative_prompt] if _guided(settings) else [part.text]
    embeddings = models.embed(texts)
    sampling: dict[str, Any] = {
        "prompt_embeds": embeddings[0],
        "negative_prompt_embeds": embeddings[1] if len(embeddings) > 1 else None,
        "num_inference_steps": settings.motion_steps,
        "guidance_scale": settings.motion_guidance_scale,
        "generator": torch.Generator("cpu").manual_seed(seed_of(settings.seed, part.index)),
        "callback_on_step_end": report,
        "width": settings.width,
        "height": settings.height,
        "num_frames": part.num_frames,
    }
    try:
        frames = _sample(job, known, sampling)
    finally:
        models.settle()
    if part.overlap and known is not None:
        drift = colour_drift(known, frames[: part.overlap])
        log.info("part %d of %d: colours drift by %.1f of 255", part.index + 1, count, drift)
    return frames


def _sample(job: _Job, known: Frames | None, sampling: dict[str, Any]) -> Frames:
    """The kind's own sampler, and its frames as 8 bits, rounded to the nearest."""
    models = job.models
    if models.preset.kind == "vace":
        scale = job.conditioning_scale
        frames = vace.sample(models.pipe, known, job.reference, conditioning_scale=scale, **sampling)
    else:
        if known is None:
            raise AssertionError("checked before: this kind starts from a frame")
        frames = wan22.sample(
            models.pipe, known[-1], guidance_scale_2=models.preset.guidance_scale_2, **sampling
        )
    return (frames * 255).round().astype(np.uint8)


@contextmanager
def _out_of_memory(settings: Settings) -> Iterator[None]:
    """A device or system that has no memory left becomes one line with smaller settings."""
    try:
        yield
    except (MemoryError, RuntimeError) as fault:
        if not is_out_of_memory(fault):
            raise
        smaller = max(5, settings.num_frames * 2 // 3 // 4 * 4 + 1)
        raise OutOfMemoryError(
            f"motion: out of memory at {settings.width}x{settings.height} with {settings.num_frames} frames; "
            f"take num_frames {smaller}, or a smaller width and height"
        ) from fault
