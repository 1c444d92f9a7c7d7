"""The first frame as a value: the chosen still, and every candidate beside it with its similarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Candidate:
    """One attempt: ``image`` (H, W, 3) RGB uint8, made from ``seed``.

    ``similarity`` to the reference: the judge's cosine in -1..1, None where it found no face.
    """

    image: NDArray[np.uint8]
    similarity: float | None
    seed: int


@dataclass(frozen=True, eq=False)
class FirstFrame:
    """Stage 1's result: all ``candidates`` in the order made, and the index of the ``chosen`` one."""

    candidates: tuple[Candidate, ...]
    chosen: int

    @property
    def image(self) -> NDArray[np.uint8]:
        """The chosen still, (H, W, 3) RGB uint8."""
        return self.candidates[self.chosen].image

    @property
    def similarity(self) -> float | None:
        """The chosen still's similarity to the reference; None where no face was found in it."""
        return self.candidates[self.chosen].similarity
