"""How near two pictures are to each other, and how a video's colours drift. Plain arithmetic on pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Picture = NDArray[np.uint8]
LUMA = (0.299, 0.587, 0.114)


def ssim(a: Picture, b: Picture) -> float:
    """Structural similarity of two RGB pictures (H, W, 3) of one size, by their luma: 1 for equal ones.

    Wang et al., Image Quality Assessment (IEEE TIP 13, 2004): a Gaussian window of 11 pixels with a standard
    deviation of 1.5, K1 = .01, K2 = .03; the mean over the places where the whole window fits.
    """
    offsets = torch.arange(11, dtype=torch.float64) - 5
    bell = torch.exp(-(offsets**2) / (2 * 1.5**2))
    window = torch.outer(bell, bell)[None, None] / bell.sum() ** 2

    def mean(x: Tensor) -> Tensor:
        return F.conv2d(x[None, None], window)

    x, y = (torch.from_numpy(picture @ np.array(LUMA)) for picture in (a, b))
    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * mx * my + c1) * (2 * both + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def drift(frames: Sequence[Picture] | Picture) -> float:
    """How far the mean colour goes from the first frame to the last: the mean over R, G and B, 0 to 255."""
    first, last = (frames[i].mean((0, 1)) for i in (0, -1))
    return float(np.abs(last - first).mean())
