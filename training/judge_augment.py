"""What the judge's training pictures go through, so that it holds on pictures that no renderer drew.

Generated videos are blurred, more so towards their end, noisy and off in colour, and they come through a
video codec. Everything is drawn on the device and for whole clips: what moves stays what moved. Nothing of
that mirrors: left and right are actions. `Mirror` does, and exchanges what is told along with it.
"""

from __future__ import annotations

import math
import re

import torch
from torch import Tensor
from torch.nn import functional as F

from training.judge_moments import MOMENTS, SIDED
from training.judge_network import HEADS

SHIFT, SCALE = 0.05, 0.08
"""Shares of the picture by which a clip is moved and scaled at most: a larger scale is another framing."""
HIDDEN, PATCHES = 0.12, 2
"""The largest side of a patch that hides something, as a share of the picture: an eye, but hardly both."""
WORN = 0.8
"""Share of the clips that get each kind of wear."""
BLOCK = 8


def across(name: str) -> str:
    """What a mirror makes of a name: left for right and right for left; all others stay true.

    Some actions only ever happen to one side (the hand is the right one, heads tilt to the left): their
    mirror images show what the world never draws, but what the same words say.
    """
    return re.sub(r"\b(left|right)\b", lambda side: "right" if side[0] == "left" else "left", name)


class Mirror:
    """Turns some clips round, with what is told of them. Its tables lie on the device, as a captured step
    wants it.
    """

    def __init__(self, device: torch.device) -> None:
        most = max(map(len, HEADS.values()))
        rows = [[v.index(across(name)) for name in v] + [0] * (most - len(v)) for v in HEADS.values()]
        self.exchanged = torch.tensor(rows, device=device)
        self.signs = torch.tensor([-1.0 if name in SIDED else 1.0 for name in MOMENTS], device=device)

    def __call__(
        self, turned: Tensor, frames: Tensor, told: Tensor, moments: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures (B, T, 3, H, W), labels (B, HEADS) and moments (B, T, MOMENTS), each turned round where
        ``turned`` (B,) says so. Labels below zero stay what they are.
        """
        frames = torch.where(turned[:, None, None, None, None], frames.flip(-1), frames)
        return frames, self.labels(turned, told), self.moments(turned, moments)

    def labels(self, turned: Tensor, told: Tensor) -> Tensor:
        """The labels alone."""
        other = self.exchanged.expand(len(told), -1, -1).gather(2, told.clamp(min=0)[..., None])[..., 0]
        return torch.where(turned[:, None] & (told >= 0), other, told)

    def moments(self, turned: Tensor, moments: Tensor) -> Tensor:
        """The moments alone."""
        return torch.where(turned[:, None, None], moments * self.signs, moments)


def hidden(x: Tensor) -> Tensor:
    """Clips with up to PATCHES patches of one colour that stay where they are."""
    down, right = (torch.linspace(0, 1, side, device=x.device) for side in x.shape[-2:])
    for _ in range(PATCHES):
        size = _uniform(x, 0.04, HIDDEN, 2) * (_uniform(x, 0, 1, 1) < 0.5) / 2
        centre = _uniform(x, 0, 1, 2)
        rows = (down - centre[:, :1]).abs() < size[:, :1]  # (B, H)
        columns = (right - centre[:, 1:]).abs() < size[:, 1:]
        patch = (rows[:, :, None] & columns[:, None])[:, None, None]
        x = torch.where(patch, _uniform(x, 0, 1, 1, 3, 1, 1), x)
    return x


def worn(clips: Tensor) -> Tensor:
    """Clips (B, T, 3, H, W) in 0..1, each moved, blurred, recoloured, noisy and coded in its own way."""
    x = moved(clips)
    x = blurred(x)
    x = recoloured(x)
    x = noisy(x)
    return coded(x.clamp(0, 1)).clamp(0, 1)


def _uniform(x: Tensor, low: float, high: float, *shape: int) -> Tensor:
    """Random numbers, one set for each clip, that broadcast with the clips."""
    return torch.rand(x.shape[0], *(shape or (1, 1, 1, 1)), device=x.device) * (high - low) + low


def _some(x: Tensor) -> Tensor:
    """1 for about WORN of the clips, else 0."""
    return (_uniform(x, 0, 1) < WORN).float()


def moved(x: Tensor) -> Tensor:
    """Shifted and scaled a little."""
    count = x.shape[0]
    scale = 1 + _uniform(x, -SCALE, SCALE, 1, 1)
    shift = _uniform(x, -2 * SHIFT, 2 * SHIFT, 2, 1)
    matrix = torch.cat([torch.eye(2, device=x.device).expand(count, 2, 2) * scale, shift], 2)
    flat = x.flatten(1, 2)
    grid = F.affine_grid(matrix, list(flat.shape), align_corners=False)
    return F.grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(x)


def blurred(x: Tensor) -> Tensor:
    """Between the picture and a half or a quarter of its pixels; how much changes from first to last frame.

    Below zero it is sharpened a little.
    """
    flat, size = x.flatten(0, 1), x.shape[-2:]
    time = torch.linspace(0, 1, x.shape[1], device=x.device).view(1, -1, 1, 1, 1)
    amount = torch.lerp(_uniform(x, -0.3, 0.8), _uniform(x, -0.3, 1.0), time) * _some(x)
    y = x
    for factor, most in ((2, 1.0), (4, 0.5)):
        coarse = F.interpolate(F.avg_pool2d(flat, factor), size, mode="bilinear").view_as(x)
        share = amount if factor == 2 else amount.clamp(min=0) * (_uniform(x, 0, 1) < 0.3).float()
        y = torch.lerp(y, coarse, share * most)
    return y


def recoloured(x: Tensor) -> Tensor:
    """Brightness, contrast, saturation and each channel a little off: twice of what a video drifts. More, and
    nobody could tell dark brown hair from black, or soft light from bright.
    """
    some = _some(x)
    centre = x.mean((1, 2, 3, 4), keepdim=True)
    x = centre + (x - centre) * (1 + some * _uniform(x, -0.05, 0.05)) + some * _uniform(x, -0.02, 0.02)
    grey = x.mean(2, keepdim=True)
    x = grey + (x - grey) * (1 + some * _uniform(x, -0.1, 0.1))
    return x * (1 + some * _uniform(x, -0.02, 0.02, 1, 3, 1, 1))


def noisy(x: Tensor) -> Tensor:
    """Fine noise in every pixel, and patches that flicker."""
    some = _some(x)
    patches = torch.randn(*x.shape[:3], 12, 12, device=x.device).flatten(0, 1)
    patches = F.interpolate(patches, x.shape[-2:], mode="bilinear").view_as(x)
    return x + some * (_uniform(x, 0, 0.03) * torch.randn_like(x) + _uniform(x, 0, 0.02) * patches)


def coded(x: Tensor) -> Tensor:
    """Blocks of BLOCK pixels as rounded cosines, the finer the coarser: as JPEG and video codecs do it."""
    steps = torch.arange(BLOCK, device=x.device).float()
    cosines = torch.cos(math.pi * (2 * steps[None] + 1) * steps[:, None] / (2 * BLOCK)) * (2 / BLOCK) ** 0.5
    cosines = cosines * (1 - (1 - 0.5**0.5) * (steps == 0).float())[:, None]
    # All blocks of a picture at once: two large products instead of a hundred thousand small ones.
    high, wide = (
        torch.kron(torch.eye(side // BLOCK, device=x.device), cosines) for side in (x.shape[-2], x.shape[-1])
    )
    coefficients = high @ (x @ wide.T)
    coarseness = (1 + steps[:, None] + steps).repeat(x.shape[-2] // BLOCK, x.shape[-1] // BLOCK)
    grain = coarseness * _uniform(x, 0, 0.04) * _some(x) + 1e-4
    return high.T @ ((coefficients / grain).round() * grain) @ wide
