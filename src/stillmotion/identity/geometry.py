"""Coordinates of faces: the similarity transform that aligns a face, and warps on plain arrays.

Only numpy and Pillow live here. Coordinates are pixels with the centre of the top-left pixel at (0, 0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion.identity.types import Pixels

Floats = NDArray[np.float32]

ARCFACE_SIZE = 112
ARCFACE_FIVE: Floats = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)
"""Where ArcFace (Deng et al. 2019) wants the eyes, nose tip and mouth corners in its 112x112 input."""

HEAD_FIVE: Floats = ((ARCFACE_FIVE - 56.0) * 0.62 + np.array([56.0, 58.0])).astype(np.float32)
"""The same points in the input of mini's recogniser, which sees the whole head: hair, ears and beard are part
of the looks that its embedding has to carry, since HyperLoRA's other input shows the face alone.
"""

BOX_FOREHEAD = 0.25
"""Landmarks end at the brows: a face's box is their bounds, extended upwards by this share."""


def similarity(source: Floats, target: Floats) -> Floats:
    """The rotation, scale and shift that bring ``source`` (N, 2) nearest to ``target`` (N, 2): a (2, 3)
    matrix.

    Least squares after Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns" (1991), equations 40 to 43; never a reflection. Raises ValueError where all source points
    coincide.
    """
    src, dst = source.astype(np.float64), target.astype(np.float64)
    src_mean, dst_mean = src.mean(0), dst.mean(0)
    src_centred, dst_centred = src - src_mean, dst - dst_mean
    variance = (src_centred**2).sum() / len(src)
    if variance < 1e-12:
        raise ValueError("the points coincide: no similarity transform exists")
    u, singular, vt = np.linalg.svd(dst_centred.T @ src_centred / len(src))
    sign = np.array([1.0, 1.0 if np.linalg.det(u @ vt) >= 0 else -1.0])
    rotation = u @ np.diag(sign) @ vt
    scale = float((singular * sign).sum() / variance)
    shift = dst_mean - scale * rotation @ src_mean
    return np.concatenate([scale * rotation, shift[:, None]], axis=1).astype(np.float32)


def apply(matrix: Floats, points: Floats) -> Floats:
    """Points (N, 2) moved by an affine (2, 3) matrix."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def invert(matrix: Floats) -> Floats:
    """The affine (2, 3) matrix that undoes ``matrix``."""
    square = np.eye(3, dtype=np.float64)
    square[:2] = matrix
    return np.linalg.inv(square)[:2].astype(np.float32)


def warp(image: Pixels, matrix: Floats, size: int, fill: int = 0) -> Pixels:
    """A (size, size, 3) view of ``image`` (H, W, 3) through ``matrix``, which maps picture to view
    coordinates.

    Bilinear; where the view is more than twice coarser than the picture, the picture is first shrunk with a
    box filter so that fine texture does not alias. What lies outside the picture has the value ``fill``.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2].astype(np.float64)))))
    picture = Image.fromarray(image)
    factor = int(1 / scale) if scale > 0 else 1
    matrix = matrix.astype(np.float64)
    if factor >= 2:
        picture = picture.reduce(factor)
        # Pixel centres: x = factor * x' + (factor - 1) / 2.
        matrix = np.concatenate(
            [matrix[:, :2] * factor, (matrix[:, 2] + matrix[:, :2] @ np.full(2, (factor - 1) / 2))[:, None]],
            axis=1,
        )
    back = invert(matrix.astype(np.float32)).astype(np.float64)
    # Pillow's affine samples at pixel corners: its (x + .5) is our x.
    back[:, 2] += 0.5 - back[:, :2] @ np.full(2, 0.5)
    view = picture.transform(
        (size, size),
        Image.Transform.AFFINE,
        tuple(back.ravel()),
        resample=Image.Resampling.BILINEAR,
        fillcolor=(fill, fill, fill),
    )
    return np.asarray(view)


def square_matrix(centre: Floats, half: float, size: int) -> Floats:
    """The (2, 3) matrix that brings the square of half side ``half`` around ``centre`` to a (size, size)
    view.
    """
    scale = size / (2 * half)
    shift = -scale * (centre - half) - 0.5
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], dtype=np.float32)


def box_of(landmarks: Floats) -> Floats:
    """A face's box (4,) x0, y0, x1, y1 from its landmarks (N, 2): their bounds with a forehead above."""
    low, high = landmarks.min(0), landmarks.max(0)
    top = low[1] - BOX_FOREHEAD * (high[1] - low[1])
    return np.array([low[0], top, high[0], high[1]], dtype=np.float32)
