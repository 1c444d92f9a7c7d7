"""motion_smoothness_linear: how well the frames between are foretold by their neighbours.

VBench's motion_smoothness (vbench/motion_smoothness.py) interpolates every second frame with the network
AMT-S and gives 1 - MAE / 255. AMT's code and weights are licensed for non-commercial use only and are no
part of this product, so that metric is reported as not computed. The same figure with the mean of the two
neighbours as the interpolator has a name of its own: the two cannot be compared with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from stillmotion.errors import InputError
from stillmotion.evaluate.types import Measured, NotComputed, Sample


@dataclass(eq=False)
class LinearSmoothness:
    """Needs no weights."""

    metrics: tuple[str, ...] = ("motion_smoothness_linear",)

    def measure(self, sample: Sample) -> Measured:
        """1 - MAE / 255 in 0..1, mean over the odd frames that have a frame on either side."""
        if len(sample.frames) < 3:
            raise InputError(f"{sample.path}: fewer than 3 frames; motion_smoothness_linear needs 3")
        errors: list[float | None] = [None] * len(sample.frames)
        for index in range(1, len(sample.frames) - 1, 2):
            before, frame, after = sample.frames[index - 1 : index + 2].astype(np.float32)
            between = np.rint((before + after) / 2)
            errors[index] = 1.0 - float(np.abs(frame - between).mean()) / 255.0
        judged = [value for value in errors if value is not None]
        return Measured({self.metrics[0]: float(np.mean(judged))}, {self.metrics[0]: tuple(errors)})


def load(device: str) -> LinearSmoothness:
    """The judge; it computes on the CPU whatever ``device`` is."""
    return LinearSmoothness()


def load_amt(device: str) -> NoReturn:
    """VBench's own motion_smoothness: never computed here."""
    raise NotComputed(
        "motion_smoothness interpolates with AMT-S, which is non-commercial and no part of stillmotion; "
        "'--metrics motion_smoothness_linear' gives the same figure with a linear interpolator"
    )
