"""Where models lie: the sizes are those of the files, and the decision follows the free memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stillmotion.motion import placement
from stillmotion.motion.models import MotionModels
from stillmotion.motion.placement import Placement

from .conftest import make_preset

GIB = 2**30
CUDA = torch.device("cuda")
CPU = torch.device("cpu")
VACE_14B = {"text_encoder": 11 * GIB, "vae": GIB // 2, "transformer": 33 * GIB}


def test_sizes_are_those_of_the_parameters(folders: dict[str, Path], models: dict[str, MotionModels]) -> None:
    dtypes = dict.fromkeys(placement.MODELS, torch.bfloat16) | {"vae": torch.float32}
    for kind in ("vace", "i2v"):
        sizes = placement.weight_bytes(folders[kind], dtypes)
        for name, size in sizes.items():
            parameters = sum(p.numel() for p in getattr(models[kind].pipe, name).parameters())
            assert size == parameters * (4 if name == "vae" else 2), name
    assert set(sizes) == set(placement.MODELS)


@pytest.mark.parametrize(
    ("device", "free", "expected"),
    [
        (CUDA, 79 * GIB, Placement("resident", False)),
        (CUDA, 47 * GIB, Placement("offload", False)),
        (CUDA, 24 * GIB, Placement("stream", False)),
        (CUDA, 6 * GIB, Placement("stream", True)),
        (CPU, 79 * GIB, Placement("resident", False)),
        (CPU, 47 * GIB, Placement("release", False)),
        (CPU, 38 * GIB, Placement("release", True)),
    ],
)
def test_decisions_for_vace_14b(device: torch.device, free: int, expected: Placement) -> None:
    assert placement.decide(device, VACE_14B, free, 7 * GIB, 6 * GIB) == expected


def test_activations_of_vace_14b_are_near_the_measured() -> None:
    preset = make_preset("vace", width=832, height=480, num_frames=81)
    transformer = {"patch_size": [1, 2, 2], "num_attention_heads": 40, "attention_head_dim": 128}
    denoising, decoding = placement.activation_bytes(preset, transformer, {"base_dim": 96}, 2)
    assert 6.3 * GIB < denoising < 9 * GIB, "38.7 GiB at the peak, 32.4 of them weights"
    assert decoding < 10 * GIB


def test_free_memory_is_measured() -> None:
    assert 0 < placement.free_bytes(CPU) < 2**50
