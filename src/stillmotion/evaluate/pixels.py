"""Frames as the judges' networks take them: resized, cropped and normalised as published.

Two ways exist in the published code, and they give other pixels: Pillow's on uint8 pictures (transformers'
CLIP processor) and torch's on tensors without antialiasing (VBench's torchvision transforms).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalised(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """(N, 3, H, W) in [0, 1] -> (pixels - mean) / std per channel."""
    shape = (1, 3, 1, 1)
    return (pixels - pixels.new_tensor(mean).view(shape)) / pixels.new_tensor(std).view(shape)


def shorter_side(height: int, width: int, size: int) -> tuple[int, int]:
    """(height, width) with the shorter side ``size`` and the longer one rounded down, as torchvision and
    transformers do it.
    """
    if height <= width:
        return size, int(size * width / height)
    return int(size * height / width), size


def clip_pictures(frames: NDArray[np.uint8], size: int) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, size, size) as transformers' CLIPImageProcessor gives it.

    Pillow's bicubic (with antialiasing) to the shorter side, centre crop, / 255, CLIP's mean and deviation.
    """
    height, width = shorter_side(frames.shape[1], frames.shape[2], size)
    top, left = (height - size) // 2, (width - size) // 2
    crops = [
        np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC))
        for frame in frames
    ]
    stacked = np.stack(crops)[:, top : top + size, left : left + size]
    pixels = torch.from_numpy(np.ascontiguousarray(stacked)).permute(0, 3, 1, 2).float() / 255
    return normalised(pixels, CLIP_MEAN, CLIP_STD)


def resized(frames: NDArray[np.uint8], size: int, mode: str) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, h, w) float in 0..255, shorter side ``size``, without antialiasing.

    ``mode`` is "bilinear" or "bicubic"; what bicubic overshoots is kept, as VBench's transforms of float
    tensors do.
    """
    height, width = shorter_side(frames.shape[1], frames.shape[2], size)
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    if pixels.shape[2:] == (height, width):
        return pixels
    return functional.interpolate(pixels, size=(height, width), mode=mode, align_corners=False)


def centre_crop(pixels: Tensor, size: int) -> Tensor:
    """(N, C, H, W) -> (N, C, size, size); odd remainders rounded to even, as torchvision's CenterCrop."""
    top, left = round((pixels.shape[2] - size) / 2), round((pixels.shape[3] - size) / 2)
    return pixels[:, :, top : top + size, left : left + size]


def batches(frames: NDArray[np.uint8], size: int = 16) -> Iterator[NDArray[np.uint8]]:
    """The frames in order, at most ``size`` at a time."""
    for start in range(0, len(frames), size):
        yield frames[start : start + size]
