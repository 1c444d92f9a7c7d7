"""mini as it is in the package: whether its weights are here, and the preset in a hurry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stillmotion.presets import MINI, PRESETS, QUALITIES, Quality, StillSettings
from stillmotion.weights.store import folder_of

needed = pytest.mark.skipif(
    not all(folder_of(source).is_dir() for source in MINI.sources()),
    reason="the embedded weights are not in this tree; python -m training.install puts them there",
)


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make mini take two steps a stage at half the size: what is tested is that it runs, not how it looks."""
    still: dict[Quality, StillSettings] = {
        name: replace(settings, steps=2) for name, settings in MINI.still.quality.items()
    }
    quick = replace(
        MINI,
        still=replace(MINI.still, quality=still, width=128, height=128),
        motion=replace(MINI.motion, steps=dict.fromkeys(QUALITIES, 2), width=128, height=128),
    )
    monkeypatch.setitem(PRESETS, "mini", quick)
