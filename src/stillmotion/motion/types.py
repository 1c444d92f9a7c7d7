"""The clip as a value: frames and their rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Clip:
    """Stage 2's result: ``frames`` (T, H, W, 3) RGB uint8 at ``fps`` frames a second."""

    frames: NDArray[np.uint8]
    fps: float
