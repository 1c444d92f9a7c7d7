"""The views of a face that the encoders read: HyperLoRA's reference image, ArcFace's square, the aligned
crop.

Pillow and numpy alone; fast enough for a trainer's inner loop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from stillmotion.identity import geometry
from stillmotion.identity.types import Pixels

GREY = 127
"""#7f7f7f, what surrounds the face in HyperLoRA's reference image."""
BLUR = 15 / 512
"""Radius of the outline's blur as a share of the crop's side."""
HALF_SIDE = 0.75
"""Half side of the reference image's square, in longer sides of the landmarks' bounds."""
RAISED = 0.125
"""How far the square's centre stands above that of the landmarks' bounds, in half sides of the square."""


def hyperlora_square(landmarks: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Centre (2,) and half side in pixels of the square around ``landmarks`` (106, 2) that HyperLoRA looks
    at.
    """
    low, high = landmarks.min(0), landmarks.max(0)
    longer = float(max(high - low))
    half = HALF_SIDE * longer
    centre = (low + high) / 2 - np.array([0, RAISED * half], np.float32)
    return centre.astype(np.float32), half


def hyperlora_crop(image: Pixels, landmarks: NDArray[np.float32], size: int) -> Pixels:
    """HyperLoRA's reference image, (size, size, 3): the face alone, softly cut out, on mid grey.

    ``image`` (H, W, 3) RGB uint8, ``landmarks`` (106, 2) in its pixels. The face is the convex hull of the
    landmarks, filled and blurred by 15 pixels at a side of 512.
    """
    centre, half = hyperlora_square(landmarks)
    matrix = geometry.square_matrix(centre, half, size)
    view = geometry.warp(image, matrix, size, fill=GREY)
    outline = convex_hull(geometry.apply(matrix, landmarks))
    mask = Image.new("L", (size, size))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in outline], fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(BLUR * size))
    grey = Image.new("RGB", (size, size), (GREY, GREY, GREY))
    return np.asarray(Image.composite(Image.fromarray(view), grey, mask))


def arcface_square(image: Pixels, landmarks: NDArray[np.float32], size: int | None = None) -> Pixels:
    """The square of the original picture that ArcFace is given: twice as large as HyperLoRA's, black outside.

    ``size`` is the side of the result; None keeps the picture's own scale (at least 32 pixels).
    """
    centre, half = hyperlora_square(landmarks)
    side = max(32, round(4 * half)) if size is None else size
    return geometry.warp(image, geometry.square_matrix(centre, 2 * half, side), side)


def norm_crop(image: Pixels, five: NDArray[np.float32], size: int = geometry.ARCFACE_SIZE) -> Pixels:
    """The face turned and scaled so that its ``five`` points (5, 2) lie where ArcFace wants them, (size,
    size, 3).

    For sizes other than 112 the places scale along, as in ArcFace's own multiples of 112.
    """
    target = geometry.ARCFACE_FIVE * (size / geometry.ARCFACE_SIZE)
    return geometry.warp(image, geometry.similarity(five, target), size)


def head_crop(image: Pixels, five: NDArray[np.float32]) -> Pixels:
    """The whole head as mini's recogniser reads it, (112, 112, 3): hair, ears and beard are part of the
    looks.
    """
    return geometry.warp(image, geometry.similarity(five, geometry.HEAD_FIVE), geometry.ARCFACE_SIZE)


def convex_hull(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The corners (M, 2) of the smallest convex polygon around ``points`` (N, 2), in order (Andrew 1979)."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))].tolist()

    def chain(sequence: list[list[float]]) -> list[list[float]]:
        corners: list[list[float]] = []
        for x, y in sequence:
            while len(corners) >= 2:
                (ax, ay), (bx, by) = corners[-2], corners[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                corners.pop()
            corners.append([x, y])
        return corners[:-1]

    hull = chain(ordered) + chain(ordered[::-1])
    return np.asarray(hull or points[:1], dtype=np.float32)
