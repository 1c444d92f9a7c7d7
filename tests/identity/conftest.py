"""Weights in exactly the released formats, random or with known answers, written by the tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from known_faces import make_face
from PIL import Image
from safetensors.torch import save_file

from stillmotion.identity.networks import Detector, Recogniser
from stillmotion.identity.types import Identity, Portrait


@pytest.fixture
def analyzer_folder(tmp_path: Path) -> Path:
    """An analyzer's folder with random weights."""
    torch.manual_seed(0)
    folder = tmp_path / "analyzer"
    folder.mkdir()
    for name, build in (("detector", Detector), ("recogniser", Recogniser)):
        state = build(folded=True).state_dict()
        save_file({k: v.to(torch.bfloat16) for k, v in state.items()}, folder / f"{name}.safetensors")
    config = {
        "format": "stillmotion-analyzer",
        "version": 1,
        "detection_threshold": 0.4,
        "gender_threshold": 0.85,
        "same_person": 0.6,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A PNG of 120x100 pixels with some texture."""
    pixels = np.random.default_rng(0).integers(0, 255, (100, 120, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def identity() -> Identity:
    """Two portraits with everything set."""
    rng = np.random.default_rng(1)
    portraits = []
    for number in range(2):
        face = make_face(gender="woman" if number else None, embedding=np.eye(512)[number])
        image = rng.integers(0, 255, (100, 120, 3), dtype=np.uint8)
        matte = rng.integers(0, 255, (100, 120), dtype=np.uint8)
        portraits.append(Portrait(image, face, matte, f"photo{number}.jpg"))
    return Identity(tuple(portraits), "A woman", ("2 faces in photo0.jpg: the largest was taken",))
