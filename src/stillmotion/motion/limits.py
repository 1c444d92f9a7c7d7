"""What a video model can do, asked before any work: sizes, lengths, modes. No torch enters here.

Nothing is rounded silently: a number that does not fit is refused with the nearest ones that do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from stillmotion.errors import CheckpointError, InputError
from stillmotion.motion.segments import TimedPlan, Timeline, timeline

if TYPE_CHECKING:
    from stillmotion.presets import MotionPreset
    from stillmotion.request import Settings


def check(
    spatial: int, preset: MotionPreset, settings: Settings, plan: TimedPlan | None, *, reference_only: bool
) -> Timeline:
    """The clip's parts; InputError naming the field that the model cannot do and the values that it can.

    ``spatial``: what width and height must be multiples of. ``plan`` None: one part of ``num_frames``.
    ``reference_only``: no first frame (r2v).
    """
    for name, side in (("width", settings.width), ("height", settings.height)):
        if side % spatial:
            below = max(spatial, side // spatial * spatial)
            raise InputError(
                f"{name}: {side} is not a multiple of {spatial}, which this video model needs; "
                f"take {below} or {below + spatial}"
            )
    check_steps(preset, settings.motion_steps)
    if reference_only and preset.kind != "vace":
        raise InputError(
            f"mode: 'r2v' needs a video model with a reference image, which '{settings.preset}' has not; "
            "take mode 'decoupled', or a VACE preset (mini, paper, paper-small)"
        )
    overlap = preset.overlap_frames if preset.kind == "vace" else 1
    text, segments = (plan.temporal, plan.segments) if plan else ("", ())
    return timeline(text, segments, settings.num_frames, settings.fps, overlap)


def check_steps(preset: MotionPreset, steps: int) -> None:
    """InputError unless the preset's schedule can run ``steps`` steps."""
    if preset.sigmas is not None and steps != len(preset.sigmas):
        raise InputError(
            f"motion_steps: this preset's distilled schedule has exactly {len(preset.sigmas)} steps, "
            f"not {steps}; leave motion_steps out, or take another preset"
        )


def spatial_multiple(folder: Path) -> int:
    """What the sides of a clip must be multiples of, from the configs of a checkpoint folder."""
    path = folder / "vae" / "config.json"
    try:
        factor = int(json.loads(path.read_text(encoding="utf-8")).get("scale_factor_spatial") or 8)
        path = folder / "transformer" / "config.json"
        return factor * int(json.loads(path.read_text(encoding="utf-8"))["patch_size"][1])
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise CheckpointError(
            f"{path}: missing or damaged; take an undamaged copy (stillmotion download PRESET)"
        ) from None
