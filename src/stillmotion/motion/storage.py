"""A clip on disk: one safetensors file, lossless, replaced in one move. The mp4 is the output room's work.

One file keeps frames and rate together, so a kill leaves the old clip or the new one, never half of each. Raw
bytes, no codec: 81 frames of 832x480 are 97 MB, little beside the model that made them, and exact.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from stillmotion.errors import InputError
from stillmotion.motion.types import Clip

FILE = "clip.safetensors"


def save(clip: Clip, folder: Path) -> None:
    """Write ``clip`` into ``folder`` (created where missing); an older clip there is replaced atomically.

    Frames (T, H, W, 3) uint8 are kept bit for bit. InputError where the folder cannot be written.
    """
    from safetensors.numpy import save_file

    temporary: str | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".clip-", suffix=".tmp")
        os.close(handle)
        save_file({"frames": np.ascontiguousarray(clip.frames)}, temporary, metadata={"fps": repr(clip.fps)})
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, folder / FILE)
        temporary = None
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise InputError(f"{folder}: cannot be written ({reason}); choose another folder") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


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
