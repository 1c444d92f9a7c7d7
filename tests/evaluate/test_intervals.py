"""Bootstrap intervals against a plain loop, a known distribution, and themselves."""

from __future__ import annotations

import numpy as np
import pytest

from stillmotion.evaluate.intervals import interval


def test_mean_and_bounds_of_a_known_sample() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    found = interval(values.tolist())
    assert found.n == 400
    assert found.mean == pytest.approx(values.mean(), abs=1e-12)
    # The normal approximation of the mean's 95 % interval.
    half = 1.96 * values.std() / 20
    assert found.low == pytest.approx(values.mean() - half, abs=0.0015)
    assert found.high == pytest.approx(values.mean() + half, abs=0.0015)


def test_bounds_are_those_of_resampled_means() -> None:
    values = [0.0, 0.21, 0.93, 0.4, 0.47, 0.55, 0.62, 0.05, 0.38, 0.81]
    random = np.random.default_rng(99)
    means = sorted(float(np.mean([random.choice(values) for _ in values])) for _ in range(2000))
    found = interval(values)
    assert found.low == pytest.approx(means[50], abs=0.02)
    assert found.high == pytest.approx(means[1950], abs=0.02)


def test_the_same_values_give_the_same_bounds_and_one_value_has_no_width() -> None:
    values = np.random.default_rng(2).uniform(0, 1, 50).tolist()
    assert interval(values) == interval(values)
    one = interval([0.25])
    assert (one.mean, one.low, one.high, one.n) == (0.25, 0.25, 0.25, 1)
    with pytest.raises(ValueError, match="no values"):
        interval([])


def test_ten_thousand_videos_need_no_gigabytes() -> None:
    import tracemalloc

    tracemalloc.start()
    interval([0.1, 0.2] * 5000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20
