"""A clip on disk: one safetensors file, lossless, replaced in one move. The mp4 is the output room's work.

One file keeps frames and rate together, so a kill leaves the old clip or the new one, never half of each. Raw
bytes, no codec: 81 frames of 832x480 are 97 MB, little beside the model that made them, and exact.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stillmotion.errors import InputError, StillmotionError
from stillmotion.files import replacing
from stillmotion.motion.types import Clip

FILE = "clip.safetensors"


def save(clip: Clip, folder: Path) -> None:
    """Write ``clip`` into ``folder`` (created where missing); an older clip there is replaced atomically.

    Frames (T, H, W, 3) uint8 are kept bit for bit. StillmotionError where the disk refuses: no input of the
    user's is wrong then, and what is finished is kept for the next try.
    """
    from safetensors.numpy import save_file

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / FILE) as part:
            frames = np.ascontiguousarray(clip.frames)
            save_file({"frames": frames}, part, metadata={"fps": repr(clip.fps)})
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise StillmotionError(
            f"{folder}: cannot be written ({reason}); make room, or choose another folder"
        ) from None


def load_clip(folder: Path) -> Clip:
    """The clip that ``save`` wrote into ``folder``; InputError naming a missing or damaged file."""
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        raise InputError(f"{path}: missing; there is no finished clip in this folder")
    try:
        with safe_open(path, framework="numpy") as file:
            frames = file.get_tensor("frames")
            fps = float((file.metadata() or {})["fps"])
    except (SafetensorError, OSError, ValueError, KeyError):
        raise InputError(f"{path}: damaged or not a clip; delete it and make it again") from None
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not 0 < fps < 1000:
        raise InputError(
            f"{path}: holds {frames.dtype} {list(frames.shape)}, not a clip; delete it and make it again"
        )
    return Clip(frames=frames, fps=fps)
