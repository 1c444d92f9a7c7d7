"""FirstFrame + Plan -> Clip: what happens in the video. Heavy imports wait for the first call.

check             whether the model can do it, in milliseconds       (limits, segments)
load              a preset's video model, checked and placed         (models, placement, schedulers, loras)
animate           the clip, part by part, resumable                  (chain, pictures, vace, wan22)
save, load_clip   a clip on disk, lossless and atomic                (storage)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stillmotion.libraries import quiet
from stillmotion.motion.storage import load_clip, save
from stillmotion.motion.types import Clip
from stillmotion.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stillmotion.identity.types import Identity
    from stillmotion.motion.models import MotionModels
    from stillmotion.motion.segments import TimedPlan
    from stillmotion.presets import MotionPreset
    from stillmotion.request import Settings

__all__ = ["Clip", "animate", "check", "load", "load_clip", "save"]


def check(preset: MotionPreset, settings: Settings, plan: TimedPlan | None) -> int:
    """The number of frames that ``animate`` will make, found in milliseconds, without loading the model.

    ``plan`` None: the settings alone, before there is a plan. InputError naming the field that the preset's
    model cannot do and the nearest values that it can; ask before the still is made. MissingWeightsError and
    CheckpointError as ``load``.
    """
    from stillmotion.motion import limits
    from stillmotion.weights import locate

    spatial = limits.spatial_multiple(locate(preset.checkpoint))
    r2v = settings.mode == "r2v"
    return limits.check(spatial, preset, settings, plan, reference_only=r2v).total_frames


def load(preset: MotionPreset, device: str) -> MotionModels:
    """The preset's video model on ``device`` ("cpu" or "cuda").

    MissingWeightsError with the command that fetches it, CheckpointError naming a damaged or foreign file,
    OutOfMemoryError where not even the weights fit.
    """
    from stillmotion.weights import locate

    folder = locate(preset.checkpoint)
    with quiet():  # their remarks begin when diffusers' pipelines are imported
        from stillmotion.motion.models import load_folder

        return load_folder(folder, preset, device)


def animate(
    first: NDArray[np.uint8] | None,
    plan: TimedPlan,
    identity: Identity | None,
    models: MotionModels,
    settings: Settings,
    progress: Progress = silent,
    done: Sequence[NDArray[np.uint8]] = (),
    keep: Callable[[int, NDArray[np.uint8]], None] | None = None,
    conditioning_scale: float = 1.0,
) -> Clip:
    """The clip of ``plan``, from ``first`` or, where that is None, from ``identity``: see ``chain``."""
    from stillmotion.motion.chain import animate as run

    return run(first, plan, identity, models, settings, progress, done, keep, conditioning_scale)
