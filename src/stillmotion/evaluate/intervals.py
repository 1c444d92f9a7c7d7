"""Means with their uncertainty: the bootstrap of Efron (1979), seeded: a second look sees the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stillmotion.evaluate.types import Interval

RESAMPLES = 2000
SEED = 20260101
COVERAGE = 0.95
_CHUNK = 2_000_000
"""Random indices drawn at once, so that ten thousand videos need no gigabytes."""


def interval(values: Sequence[float]) -> Interval:
    """The mean of one figure per video and the percentile bounds of its 95 % interval over the videos.

    The same values in the same order give the same bounds. Raises ValueError for no values.
    """
    if not len(values):
        raise ValueError("no values, no mean")
    data = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(SEED)
    rows = max(1, _CHUNK // len(data))
    means = [
        data[random.integers(0, len(data), (min(rows, RESAMPLES - start), len(data)))].mean(axis=1)
        for start in range(0, RESAMPLES, rows)
    ]
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Interval(mean=float(data.mean()), low=float(low), high=float(high), n=len(data))
