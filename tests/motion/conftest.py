"""Shared by the motion tests: small random checkpoints in the released formats, and what goes with them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillmotion.identity.types import Face, Identity, Portrait
from stillmotion.motion.models import MotionModels, load_folder
from stillmotion.parts import Source
from stillmotion.presets import MotionPreset
from stillmotion.prompts.plan import Plan, Segment
from stillmotion.request import Settings

sys.path.insert(0, str(Path(__file__).parents[1]))

from checkpoints import wan

SIDE = 64


def make_preset(kind: Any, **changes: Any) -> MotionPreset:
    """A preset of small numbers for ``kind``."""
    values: dict[str, Any] = {
        "kind": kind,
        "checkpoint": Source(f"random-{kind}", "none"),
        "width": SIDE,
        "height": SIDE,
        "num_frames": 9,
        "fps": 8,
        "steps": {"draft": 2, "standard": 2, "best": 2},
        "guidance_scale": 3.0,
        "flow_shift": 3.0,
        "guidance_scale_2": 2.0 if kind == "i2v" else None,
        "max_sequence_length": 32,
    }
    return MotionPreset(**(values | changes))


def make_settings(**changes: Any) -> Settings:
    """Settings of small numbers; only the motion fields matter here."""
    values: dict[str, Any] = {
        "preset": "random", "quality": "draft", "seed": 7, "mode": "decoupled", "prompts": "refined",
        "writer": "rules", "negative_prompt": "", "motion_negative_prompt": "最差质量", "still_width": SIDE,
        "still_height": SIDE, "still_steps": 1, "candidates": 1, "detail": False, "guidance_scale": 3.0,
        "lora_weight": 1.0, "width": SIDE, "height": SIDE, "num_frames": 9, "fps": 8, "motion_steps": 2,
        "motion_guidance_scale": 3.0,
    }  # fmt: skip
    return Settings(**(values | changes))


def make_plan(*segments: tuple[float, float, str]) -> Plan:
    """A plan with these segments, or with the temporal prompt alone."""
    timed = tuple(Segment(start=start, end=end, text=text) for start, end, text in segments)
    return Plan(
        subject="A woman",
        spatial="a woman",
        temporal="A woman smiles and nods.",
        segments=timed,
        writer="rules",
    )


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One checkpoint folder of each kind, and VACE with a patching VAE; no test changes them."""
    root = tmp_path_factory.mktemp("wan")
    return {
        "vace": wan.write_vace(root / "vace"),
        "vace-patched": wan.write_vace(root / "vace-patched", patched_vae=True),
        "ti2v": wan.write_ti2v(root / "ti2v"),
        "i2v": wan.write_i2v(root / "i2v"),
    }


@pytest.fixture(scope="session")
def models(folders: dict[str, Path]) -> dict[str, MotionModels]:
    """The same, loaded on the CPU."""
    return {
        name: load_folder(folder, make_preset(name.split("-")[0]), "cpu") for name, folder in folders.items()
    }


@pytest.fixture(scope="session")
def first() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A first frame, (64, 64, 3): smooth, so that a codec or a resize would show."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([4 * x, 4 * y, 2 * (x + y)], axis=-1).astype(np.uint8)


@pytest.fixture(scope="session")
def identity() -> Identity:
    """A "person": a red square of 60 x 90 in the middle of a blue photo of 80 x 100."""
    image = np.zeros((100, 80, 3), np.uint8)
    image[..., 2] = 255
    matte = np.zeros((100, 80), np.uint8)
    matte[5:95, 10:70] = 255
    image[matte > 0] = (255, 0, 0)
    face = Face(
        box=np.array([20, 20, 60, 70], np.float32),
        five=np.zeros((5, 2), np.float32),
        landmarks=np.zeros((106, 2), np.float32),
        embedding=np.eye(1, 512, dtype=np.float32)[0],
        score=1.0,
    )
    return Identity(portraits=(Portrait(image, face, matte, "red.png"),), subject="A person")
