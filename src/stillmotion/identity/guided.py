"""Coarse mattes made fine: whose region it is, and edges that follow the picture."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from stillmotion.identity import geometry
from stillmotion.identity.types import Pixels

RADIUS = 3
"""Of the guided filter's windows, in coarse pixels."""
SMOOTHNESS = 2e-3
"""The guided filter's epsilon for luminance in 0..1: variance below it counts as flat."""


def largest_region(coarse: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of a matte (h, w) in 0..1 that hangs together with ``points`` (N, 2); other people fade to 0.

    Where the points lie on no person at all, the matte is returned as it is.
    """
    height, width = coarse.shape
    column = np.clip(np.rint(points[:, 0]).astype(int), 0, width - 1)
    row = np.clip(np.rint(points[:, 1]).astype(int), 0, height - 1)
    solid = torch.from_numpy(coarse > 0.5).float()[None, None]
    marker = torch.zeros_like(solid)
    marker[0, 0, row, column] = 1
    marker = marker * solid
    if not bool(marker.any()):
        return coarse
    while True:
        grown = F.max_pool2d(marker, 3, 1, 1) * solid
        if bool((grown == marker).all()):
            break
        marker = grown
    # The soft rim lies outside the solid part.
    near = F.max_pool2d(marker, 5, 1, 2)[0, 0].numpy()
    return np.asarray(coarse * near, dtype=np.float32)


def _mean(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2 * RADIUS + 1, 1, RADIUS, count_include_pad=False)


def _luminance(image: Pixels) -> NDArray[np.float32]:
    return np.asarray(image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255)


def upsample(coarse: NDArray[np.float32], image: Pixels, matrix: NDArray[np.float32], stride: int) -> Pixels:
    """The matte of a whole picture (H, W) uint8 from a coarse one (h, w) in 0..1 of a view of it.

    ``matrix`` (2, 3) leads from the picture to the view, ``stride`` is the view's pixels per coarse pixel.
    The edges follow the picture's luminance: the fast guided filter (He and Sun 2015), held within the coarse
    matte's own local range so that texture inside and outside the person leaves no trace.
    """
    side = coarse.shape[0]
    coarse_matrix = (matrix / stride).astype(np.float32)
    coarse_matrix[:, 2] -= (stride - 1) / (2 * stride)
    guide = torch.from_numpy(_luminance(geometry.warp(image, coarse_matrix, side, fill=127)))[None, None]
    matte = torch.from_numpy(coarse)[None, None]
    mean_guide, mean_matte = _mean(guide), _mean(matte)
    variance = _mean(guide * guide) - mean_guide**2
    slope = (_mean(guide * matte) - mean_guide * mean_matte) / (variance + SMOOTHNESS)
    offset = mean_matte - slope * mean_guide
    low, high = -F.max_pool2d(-matte, 5, 1, 2), F.max_pool2d(matte, 5, 1, 2)
    layers = torch.cat([_mean(slope), _mean(offset), low, high], 1)
    height, width = image.shape[:2]
    fine = F.grid_sample(
        layers, _grid(coarse_matrix, height, width, side), padding_mode="border", align_corners=False
    )
    filtered = fine[0, 0] * torch.from_numpy(_luminance(image)) + fine[0, 1]
    result = torch.minimum(torch.maximum(filtered, fine[0, 2]), fine[0, 3]).clamp(0, 1)
    return (result * 255 + 0.5).to(torch.uint8).numpy()


def _grid(matrix: NDArray[np.float32], height: int, width: int, side: int) -> Tensor:
    """Where each picture pixel lies in a (side, side) view, as `grid_sample` counts, (1, H, W, 2)."""
    x = torch.arange(width, dtype=torch.float32) * float(matrix[0, 0]) + float(matrix[0, 2])
    y = torch.arange(height, dtype=torch.float32) * float(matrix[1, 1]) + float(matrix[1, 2])
    rows, columns = torch.meshgrid((y + 0.5) * 2 / side - 1, (x + 0.5) * 2 / side - 1, indexing="ij")
    return torch.stack([columns, rows], -1)[None]
