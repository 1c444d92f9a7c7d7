"""On a CUDA device: every placement makes the same kind of clip, and the noise is the CPU's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stillmotion import motion
from stillmotion.identity.types import Identity
from stillmotion.motion import models as loading
from stillmotion.motion.models import load_folder
from stillmotion.motion.placement import Placement

from .conftest import make_plan, make_preset, make_settings

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("kind", ["vace", "ti2v", "i2v"])
def test_placements_agree(
    kind: str, folders: dict[str, Path], first: Any, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = {}
    plan = make_plan((0, 1, "she waves"), (1, 2, "she turns"))
    for strategy in ("resident", "offload", "stream"):
        monkeypatch.setattr(loading.placement, "decide", lambda *a, s=strategy: Placement(s, False))
        models = load_folder(folders[kind], make_preset(kind), "cuda")
        assert {p.dtype for p in models.pipe.vae.parameters()} == {torch.float32}
        frames[strategy] = motion.animate(first, plan, identity, models, make_settings()).frames
    for strategy in ("offload", "stream"):
        difference = np.abs(frames[strategy].astype(int) - frames["resident"].astype(int))
        assert difference.mean() < 1, strategy


@pytest.mark.parametrize("kind", ["vace", "ti2v", "i2v"])
def test_the_gpus_frames_are_near_the_cpus(kind: str, folders: dict[str, Path], first: Any) -> None:
    clips = [
        motion.animate(
            first, make_plan(), None, load_folder(folders[kind], make_preset(kind), device), make_settings()
        ).frames.astype(int)
        for device in ("cpu", "cuda")
    ]
    assert np.abs(clips[0] - clips[1]).mean() < 8, "bfloat16 against float32, the same noise"
