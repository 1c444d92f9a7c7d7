"""The picture that HyperLoRA looks at: the face alone on mid grey, cut to a square, as CLIP wants it.

The cut is the published one: a square around the 106 landmarks, half side 0.75 of their box's longer side,
its centre an eighth of the half side further up; outside the landmarks' outline, softened, everything is
#7f7f7f.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from stillmotion.identity.types import Pixels, Portrait

HALF_SIDE = 0.75
UPWARDS = 1 / 8
BLUR_AT_512 = 15
GREY = 0x7F
# The statistics that every published CLIP was trained with.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def square(landmarks: NDArray[np.float32]) -> tuple[float, float, float]:
    """The face's square from landmarks (N, 2) in pixels: its centre's x and y, and its half side."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    half = HALF_SIDE * float((high - low).max())
    centre = (low + high) / 2
    return float(centre[0]), float(centre[1]) - UPWARDS * half, half


def outline(landmarks: NDArray[np.float32]) -> list[tuple[float, float]]:
    """The convex hull of points (N, 2), in order around it (Andrew's monotone chain)."""
    points = sorted({(float(x), float(y)) for x, y in landmarks})

    def chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
        hull: list[tuple[float, float]] = []
        for x, y in ordered:
            while len(hull) > 1:
                (ax, ay), (bx, by) = hull[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                hull.pop()
            hull.append((x, y))
        return hull[:-1]

    return chain(points) + chain(points[::-1])


def reference_image(portrait: Portrait, size: int) -> Pixels:
    """The portrait's face on mid grey, (size, size, 3) RGB uint8; what lies outside the photo is grey too."""
    x, y, half = square(portrait.face.landmarks)
    box = (x - half, y - half, x + half, y + half)
    mask = Image.new("L", (portrait.image.shape[1], portrait.image.shape[0]))
    hull = outline(portrait.face.landmarks)
    if len(hull) > 2:
        ImageDraw.Draw(mask).polygon(hull, fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(BLUR_AT_512 * 2 * half / 512))
    grey = Image.new("RGB", mask.size, (GREY, GREY, GREY))
    face = Image.composite(Image.fromarray(portrait.image), grey, mask)
    return np.asarray(_crop(face, box, size))


def _crop(image: Image.Image, box: tuple[float, float, float, float], size: int) -> Image.Image:
    """A square of the picture, grey where it reaches beyond, resized bicubically as CLIP's processor does."""
    left, top, right, bottom = (round(edge) for edge in box)
    side = max(right - left, bottom - top, 1)
    canvas = Image.new("RGB", (side, side), (GREY, GREY, GREY))
    canvas.paste(image, (-left, -top))
    return canvas.resize((size, size), Image.Resampling.BICUBIC)


def pixel_values(images: list[Pixels]) -> Tensor:
    """RGB uint8 pictures (H, W, 3) of one size -> CLIP's normalised input (B, 3, H, W) float32."""
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    return (batch - mean) / std
