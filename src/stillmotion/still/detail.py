"""The face detailer: every face of a still is cut out, enlarged, drawn again with the same words and person,
put back.

Faces of a whole-body picture are few latents wide; at a larger scale the same model draws them as it knows
faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stillmotion.identity.types import Face, Pixels
from stillmotion.presets import StillPreset
from stillmotion.progress import Progress
from stillmotion.still import sdxl

CROP_FACTOR = 2.0
FEATHER = 5


def detail(
    image: Pixels,
    faces: Sequence[Face],
    pipe: Any,
    conditions: sdxl.Conditions,
    *,
    preset: StillPreset,
    generator: torch.Generator,
    progress: Progress,
) -> Pixels:
    """The picture (H, W, 3) uint8 with every face drawn again; the same picture where there is none."""
    step = sdxl.latent_step(pipe)
    for number, face in enumerate(faces, start=1):
        box = crop_box(face.box, image.shape[1], image.shape[0])
        crop = Image.fromarray(image).crop(box)
        size = enlarged(crop.size, preset.detail_size, step)
        given = np.asarray(crop.resize(size, Image.Resampling.LANCZOS))
        drawn = sdxl.refine(
            pipe,
            conditions,
            given,
            strength=preset.detail_strength,
            steps=preset.detail_steps,
            generator=generator,
            report=partial(progress, f"still: face {number} of {len(faces)}"),
        )
        back = np.asarray(Image.fromarray(drawn).resize(crop.size, Image.Resampling.LANCZOS))
        image = paste(image, back, box)
    return image


def crop_box(face: NDArray[np.float32], width: int, height: int) -> tuple[int, int, int, int]:
    """The face's box (x0, y0, x1, y1) enlarged by the crop factor about its centre, inside the picture."""
    x0, y0, x1, y1 = (float(edge) for edge in face)
    grow_x, grow_y = (x1 - x0) * (CROP_FACTOR - 1) / 2, (y1 - y0) * (CROP_FACTOR - 1) / 2
    left, right = (min(max(round(edge), 0), width) for edge in (x0 - grow_x, x1 + grow_x))
    top, bottom = (min(max(round(edge), 0), height) for edge in (y0 - grow_y, y1 + grow_y))
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def enlarged(size: tuple[int, int], longest: int, step: int) -> tuple[int, int]:
    """(width, height) scaled so that the longer side is ``longest``, both sides whole numbers of ``step``."""
    scale = longest / max(size)
    width, height = (max(step, round(side * scale / step) * step) for side in size)
    return width, height


def paste(image: Pixels, patch: Pixels, box: tuple[int, int, int, int]) -> Pixels:
    """Put a patch into its box (x0, y0, x1, y1), fading in over the feather except at the picture's own
    edges.
    """
    left, top, right, bottom = box
    across = _fade(right - left, left > 0, right < image.shape[1])
    down = _fade(bottom - top, top > 0, bottom < image.shape[0])
    alpha = np.minimum(down[:, None], across[None, :])[..., None]
    result = image.copy()
    under = image[top:bottom, left:right].astype(np.float32)
    result[top:bottom, left:right] = np.rint(under * (1 - alpha) + patch * alpha).astype(np.uint8)
    return result


def _fade(length: int, before: bool, behind: bool) -> NDArray[np.float32]:
    """Opacity along one side: rising from either end over the feather where that end is inside the
    picture.
    """
    ramp = (np.arange(length, dtype=np.float32) + 0.5) / FEATHER
    opacity = np.ones(length, dtype=np.float32)
    if before:
        opacity = np.minimum(opacity, ramp)
    if behind:
        opacity = np.minimum(opacity, ramp[::-1])
    return opacity
